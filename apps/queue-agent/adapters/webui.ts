import * as z from "zod";
import type { TaskType } from "../../../contracts/tasks/task";
import { isJsonObject, type JsonObject, type JsonValue } from "../json";
import { TaskFailed } from "../taskFailed";
import type { Adapter, RuntimeResult } from "./adapter";
import { base64Image } from "./base64Image";
import { interruptible } from "./interruptible";
import { RuntimeClient } from "./runtimeClient";

const API = "/sdapi/v1";

const paths: Partial<Record<TaskType, string>> = {
  "text-to-image": `${API}/txt2img`,
  "image-to-image": `${API}/img2img`,
  "extra-single-image": `${API}/extra-single-image`,
};

/**
 * What older clients put into `alwayson_scripts` for the guidance's agent; WebUI would look for
 * scripts of these names.
 */
const NOT_SCRIPTS = [
  "task",
  "id_task",
  "uid",
  "sd_model_checkpoint",
  "image_link",
  "save_dir",
  "sd_vae",
  "override_settings",
];

/** What WebUI says with status 500 of a request that is wrong, and stays so. */
const REFUSALS =
  /Invalid encoded image|Invalid image url|Request(s| to local resource) not allowed/;

const answerSchema = z.object({
  images: z.array(z.string()),
  parameters: z.record(z.string(), z.unknown()),
  info: z.string(),
});

const extraAnswerSchema = z.object({ image: z.string(), html_info: z.string() });

const optionsSchema = z.looseObject({ sd_model_checkpoint: z.string().nullish() });

const checkpointsSchema = z.array(
  z.looseObject({ title: z.string(), model_name: z.string().optional() }),
);

/**
 * AUTOMATIC1111's Stable Diffusion WebUI, started with `--api`.
 *
 * Source: its modules/api/api.py and models.py, version 1.10; for what older clients send, and for
 * the output, seed 002's src/backend/queue_agent/src/runtimes/sdwebui.py.
 *
 * @param dynamicModel tasks may name the checkpoint that they want, in
 *   `alwayson_scripts.sd_model_checkpoint` or `override_settings.sd_model_checkpoint`
 */
export function webuiAdapter(url: string, dynamicModel: boolean): Adapter {
  const client = new RuntimeClient(url);
  return {
    readiness: (signal) => client.problem(`${API}/options`, signal),
    run: async ({ id, type, content, headers }, signal) => {
      const path = paths[type];
      if (path === undefined) throw new TaskFailed("unsupported", `the runtime takes no ${type}`);
      if (dynamicModel) await switchCheckpoint(client, checkpointIn(content), signal);
      const body = bodyOf(type, content);
      const answer = await interruptible(
        signal,
        (until) => client.json({ method: "POST", path, headers, body, refusals: REFUSALS }, until),
        (until) => client.json({ method: "POST", path: `${API}/interrupt`, body: {} }, until),
      );
      return resultOf(id, answer);
    },
    close: () => client.close(),
  };
}

/** WebUI's request, with what older clients put elsewhere in its place. */
function bodyOf(type: TaskType, content: JsonObject): JsonObject {
  if (type === "extra-single-image") return content;
  const given = objectIn(content, "alwayson_scripts");
  const settings = {
    ...objectIn(content, "override_settings"),
    ...objectIn(given, "override_settings"),
  };
  return {
    ...content,
    ...(Object.keys(settings).length > 0 && { override_settings: settings }),
    ...(type === "image-to-image" &&
      given.image_link !== undefined && { init_images: [given.image_link] }),
    alwayson_scripts: Object.fromEntries(
      Object.entries(given).filter(([name]) => !NOT_SCRIPTS.includes(name)),
    ),
  };
}

function checkpointIn(content: JsonObject): string | undefined {
  const scripts = objectIn(content, "alwayson_scripts");
  const wanted =
    scripts.sd_model_checkpoint ??
    objectIn(scripts, "override_settings").sd_model_checkpoint ??
    objectIn(content, "override_settings").sd_model_checkpoint;
  return typeof wanted === "string" && wanted !== "" ? wanted : undefined;
}

function objectIn(content: JsonObject, name: string): JsonObject {
  const value = content[name] ?? {};
  if (!isJsonObject(value)) throw new TaskFailed("refused", `content.${name}: is no object`);
  return value;
}

async function switchCheckpoint(
  client: RuntimeClient,
  wanted: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (wanted === undefined) return;
  const options = await client.json({ method: "GET", path: `${API}/options` }, signal);
  const loaded = parsed(optionsSchema, options, "GET options").sd_model_checkpoint;
  if (loaded && isCalled(wanted, loaded)) return;
  await client.json({ method: "POST", path: `${API}/refresh-checkpoints`, body: {} }, signal);
  const models = await client.json({ method: "GET", path: `${API}/sd-models` }, signal);
  const checkpoints = parsed(checkpointsSchema, models, "GET sd-models");
  const checkpoint =
    checkpoints.find(({ title }) => isCalled(wanted, title)) ??
    checkpoints.find(({ model_name }) => model_name === wanted);
  if (checkpoint === undefined)
    throw new TaskFailed(
      "refused",
      `the checkpoint ${wanted} is not there; there are ${checkpoints
        .slice(0, 10)
        .map(({ title }) => title)
        .join(", ")}`,
    );
  const body = { sd_model_checkpoint: checkpoint.title };
  await client.json({ method: "POST", path: `${API}/options`, body }, signal);
}

/** A title is the file's name, and its hash in brackets once that is known. */
function isCalled(wanted: string, title: string): boolean {
  return wanted === title || wanted === title.replace(/ \[[0-9a-f]+\]$/, "");
}

function resultOf(id: string, answer: JsonValue): RuntimeResult {
  if (isJsonObject(answer) && answer.html_info !== undefined) {
    const { image, html_info } = parsed(extraAnswerSchema, answer, "the task");
    return { images: [base64Image(image, "image")], output: output(id, { html_info }, "") };
  }
  const { images, parameters, info } = parsed(answerSchema, answer, "the task");
  const given = parameters as JsonObject;
  return {
    images: images.map((text, index) => base64Image(text, `images[${index}]`)),
    output: output(id, { ...given, ...blanked(given), image_seed: seeds(info) }, info),
  };
}

/** As the guidance's agent writes it, and WebUI's `info` too. */
function output(id: string, parameters: JsonObject, info: string): JsonValue {
  return { images: [""], parameters: { ...parameters, id_task: id, error_msg: "" }, info };
}

/** With `include_init_images`, the inputs come back. */
function blanked({ init_images, mask }: JsonObject): JsonObject {
  return {
    ...(Array.isArray(init_images) && { init_images: init_images.map(() => "") }),
    ...(typeof mask === "string" && { mask: "" }),
  };
}

function seeds(info: string): string {
  try {
    return (JSON.parse(info) as { all_seeds: readonly number[] }).all_seeds.join(",");
  } catch {
    // An image without its seed is better than none.
    return "";
  }
}

function parsed<T extends z.ZodType>(schema: T, answer: JsonValue, to: string): z.output<T> {
  const { success, data } = schema.safeParse(answer);
  if (success) return data;
  throw new TaskFailed("runtime", `the runtime's answer to ${to} is not as documented`);
}
