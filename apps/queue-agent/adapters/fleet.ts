import { Blob } from "node:buffer";
import { FormData } from "undici";
import { EDITS_PATH, GENERATIONS_PATH } from "../../../contracts/inferenceApi";
import type { JsonObject, JsonValue } from "../json";
import { mediaTypeOf } from "../mediaType";
import { TaskFailed } from "../taskFailed";
import type { Adapter, RuntimeTask } from "./adapter";
import { decodedInput } from "./base64Image";
import { fleetResult } from "./fleetAnswer";
import { RuntimeClient } from "./runtimeClient";

/** Fields of an edit that are files. */
const FILE_FIELDS = ["image", "mask"];

/**
 * Our inference server, by OpenAI's images API. The content goes as it is; of image-to-image,
 * `image` (one or several) and `mask` go as files.
 */
export function fleetAdapter(url: string): Adapter {
  const client = new RuntimeClient(url);
  return {
    readiness: (signal) => client.problem("/readiness", signal),
    run: async (task, signal) => {
      const answer = await client.json({ ...requestOf(task), method: "POST" }, signal);
      return fleetResult(answer);
    },
    close: () => client.close(),
  };
}

function requestOf({ id, type, content, headers }: RuntimeTask) {
  const all = { ...headers, "x-request-id": id };
  const body: JsonObject = { ...content, response_format: "b64_json" };
  if (type === "text-to-image") return { path: GENERATIONS_PATH, headers: all, body };
  if (type === "image-to-image") return { path: EDITS_PATH, headers: all, body: formOf(body) };
  throw new TaskFailed("unsupported", `the runtime takes no ${type}`);
}

function formOf(content: JsonObject): FormData {
  if (content.image === undefined)
    throw new TaskFailed("input", "content.image: an image to start from is wanted");
  const form = new FormData();
  for (const [name, value] of Object.entries(content)) {
    if (FILE_FIELDS.includes(name)) appendFiles(form, name, value);
    else if (value !== null)
      form.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  return form;
}

function appendFiles(form: FormData, name: string, value: JsonValue): void {
  const isList = Array.isArray(value);
  for (const [index, text] of (isList ? value : [value]).entries()) {
    const bytes = typeof text === "string" ? decodedInput(text) : undefined;
    if (bytes === undefined)
      throw new TaskFailed(
        "input",
        `content.${name}${isList ? `[${index}]` : ""}: neither an image in base64 nor a URL of one`,
      );
    const { contentType, extension } = mediaTypeOf(bytes)!;
    const file = new Blob([bytes], { type: contentType });
    form.append(name, file, `${name}-${index + 1}.${extension}`);
  }
}
