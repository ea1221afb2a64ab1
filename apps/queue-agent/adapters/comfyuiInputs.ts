import { Blob } from "node:buffer";
import { createHash } from "node:crypto";
import { FormData } from "undici";
import * as z from "zod";
import { isJsonObject, type JsonObject } from "../json";
import { mediaTypeOf } from "../mediaType";
import { TaskFailed } from "../taskFailed";
import { decodedInput } from "./base64Image";
import type { RuntimeClient } from "./runtimeClient";

/** Nodes that want the name of a file in ComfyUI's input folder, and their input for it. */
const fileInputs: Readonly<Record<string, string>> = {
  LoadImage: "image",
  LoadImageMask: "image",
  LoadVideo: "file",
  VHS_LoadVideo: "video",
};

const uploadedSchema = z.object({ name: z.string(), subfolder: z.string().default("") });

/**
 * The workflow with images in base64 uploaded, and the nodes that load them given their names. A
 * file is called by what is in it, so that the same image is one file, however often it is used.
 *
 * @throws TaskFailed `refused` when it is no workflow in ComfyUI's API format
 */
export async function withUploads(
  workflow: JsonObject,
  client: RuntimeClient,
  signal: AbortSignal,
): Promise<JsonObject> {
  const uploads = new Map<string, Promise<string>>();
  const nodes = Object.entries(workflow).map(async ([id, node]) => {
    if (!isJsonObject(node) || typeof node.class_type !== "string" || !isJsonObject(node.inputs))
      throw new TaskFailed("refused", `content.${id}: a node has class_type and inputs`);
    const name = fileInputs[node.class_type];
    const value = name === undefined ? undefined : node.inputs[name];
    const bytes = typeof value === "string" ? decodedInput(value) : undefined;
    if (name === undefined || bytes === undefined) return [id, node];
    const file = await uploaded(bytes, uploads, client, signal);
    return [id, { ...node, inputs: { ...node.inputs, [name]: file } }];
  });
  return Object.fromEntries(await Promise.all(nodes)) as JsonObject;
}

function uploaded(
  bytes: Buffer,
  uploads: Map<string, Promise<string>>,
  client: RuntimeClient,
  signal: AbortSignal,
): Promise<string> {
  const { contentType, extension } = mediaTypeOf(bytes)!;
  const fileName = `${createHash("sha256").update(bytes).digest("hex")}.${extension}`;
  const known = uploads.get(fileName);
  if (known !== undefined) return known;
  const body = new FormData();
  body.append("image", new Blob([bytes], { type: contentType }), fileName);
  body.append("type", "input");
  body.append("overwrite", "true");
  const upload = client
    .json({ method: "POST", path: "/upload/image", body }, signal)
    .then((answer) => {
      const { success, data } = uploadedSchema.safeParse(answer);
      if (!success) throw new TaskFailed("runtime", "ComfyUI's answer to an upload names no file");
      return data.subfolder === "" ? data.name : `${data.subfolder}/${data.name}`;
    });
  uploads.set(fileName, upload);
  return upload;
}
