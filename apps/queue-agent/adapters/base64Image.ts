import { mediaTypeOf } from "../mediaType";
import { TaskFailed } from "../taskFailed";
import type { RuntimeImage } from "./adapter";

const DATA_URL = /^data:[\w.+/-]*;base64,/;

/** Characters that tell what it is: 24 bytes. */
const BEGINNING = 32;

/**
 * An image of a runtime's answer, as base64 or a data URL, which is decoded when it is stored.
 *
 * @throws TaskFailed `runtime` when it is no image and no video
 */
export function base64Image(text: string, name: string): RuntimeImage {
  const start = DATA_URL.exec(text.slice(0, 100))?.[0].length ?? 0;
  const type = mediaTypeOf(Buffer.from(text.slice(start, start + BEGINNING), "base64"));
  if (type === undefined || (text.length - start) % 4 !== 0)
    throw new TaskFailed("runtime", `${name} of the runtime's answer is no image in base64`);
  return {
    contentType: type.contentType,
    bytes: text.length,
    body: () => Buffer.from(start === 0 ? text : text.slice(start), "base64"),
  };
}

/** An input's bytes; nothing when it is no image and no video in base64. */
export function decodedInput(text: string): Buffer | undefined {
  const start = DATA_URL.exec(text.slice(0, 100))?.[0].length ?? 0;
  if (mediaTypeOf(Buffer.from(text.slice(start, start + BEGINNING), "base64")) === undefined)
    return undefined;
  return Buffer.from(start === 0 ? text : text.slice(start), "base64");
}
