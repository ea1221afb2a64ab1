/** Runtimes: what runs tasks, and how an agent talks to it. */

import * as z from "zod";
import { runtimeName, type TaskType, taskTypes } from "./task";

/** `fleet`: our inference server; `webui`: Stable Diffusion WebUI; `comfyui`: ComfyUI. */
export const adapters = ["fleet", "webui", "comfyui"] as const;

export type AdapterName = (typeof adapters)[number];

/** Task types that each adapter can do. */
export const adapterTypes: Readonly<Record<AdapterName, readonly TaskType[]>> = {
  fleet: ["text-to-image", "image-to-image"],
  webui: ["text-to-image", "image-to-image", "extra-single-image"],
  comfyui: ["pipeline"],
};

/** What the API knows of a runtime and tells its clients. */
export const runtimeSchema = z.strictObject({
  name: runtimeName,
  adapter: z.enum(adapters),
  model: z.string().optional(),
  accelerator: z.string(),
  types: z.array(z.enum(taskTypes)),
  longestTaskSeconds: z.int().min(1),
});

export type Runtime = z.infer<typeof runtimeSchema>;

export const runtimesSchema = z.array(runtimeSchema);
