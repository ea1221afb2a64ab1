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

/** What the API tells its clients of a runtime. */
export const runtimeViewSchema = z.strictObject({
  name: runtimeName,
  adapter: z.enum(adapters),
  model: z.string().optional(),
  accelerator: z.string(),
  types: z.array(z.enum(taskTypes)),
  longestTaskSeconds: z.int().min(1),
});

export type RuntimeView = z.infer<typeof runtimeViewSchema>;

/** What the API knows of a runtime: of a managed one, where it is and what it runs. */
export const runtimeSchema = runtimeViewSchema.extend({
  /** With a managed runtime: physical name of its SageMaker endpoint. It speaks as `fleet`. */
  endpoint: z
    .string()
    .regex(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/, "an endpoint's name")
    .optional(),
  /**
   * Tells one version of what the endpoint runs from another: model, artefact, image, safety checker,
   * settings and accelerator. Another revision may give other images.
   */
  revision: z
    .string()
    .regex(/^[0-9a-f]{16}$/, "16 hexadecimal digits")
    .optional(),
  /** With a managed runtime: invocations until a task that fails has failed for good. */
  maxAttempts: z.int().min(1).optional(),
});

export type Runtime = z.infer<typeof runtimeSchema>;

/** A runtime that is a SageMaker endpoint. */
export type ManagedRuntime = Runtime & { readonly endpoint: string };

export function isManaged(runtime: Runtime): runtime is ManagedRuntime {
  return runtime.endpoint !== undefined;
}

export const runtimesSchema = z.array(runtimeSchema);
