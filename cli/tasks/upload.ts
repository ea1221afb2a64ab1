import { readFile } from "node:fs/promises";
import type { UploadRequest } from "../../contracts/tasks/api";
import { uploadContentTypes } from "../../contracts/tasks/api";
import { UserError } from "../../contracts/userError";
import type { TaskApi } from "./api";
import { networkProblem } from "./networkProblem";

/** First bytes, hexadecimal, by type. Source: the formats' specifications. */
const signatures: readonly (readonly [RegExp, UploadRequest["contentType"]])[] = [
  [/^89504e470d0a1a0a/, "image/png"],
  [/^ffd8ff/, "image/jpeg"],
  [/^52494646.{8}57454250/, "image/webp"],
  [/^47494638/, "image/gif"],
  [/^424d/, "image/bmp"],
  [/^(49492a00|4d4d002a)/, "image/tiff"],
];

/**
 * Uploads an image.
 *
 * @returns what stands for it in a task's content
 * @throws UserError when the file is no image, or cannot be read or uploaded
 */
export async function uploaded(api: TaskApi, file: string): Promise<string> {
  const bytes = await readFile(file).catch((error: Error) => {
    throw new UserError(`--image: ${file} cannot be read: ${error.message}`);
  });
  const { reference, method, url, headers } = await api.upload({
    bytes: bytes.length,
    contentType: typeOf(file, bytes),
  });
  const body = new Uint8Array(bytes);
  // fetch counts the bytes itself.
  const { "Content-Length": _, ...sent } = headers;
  const answer = await fetch(url, { method, headers: sent, body }).catch((error: unknown) => {
    const problem = networkProblem(error);
    if (problem === undefined) throw error;
    throw new UserError(
      `${file} cannot be uploaded: ${new URL(url).origin} cannot be reached: ${problem.text}`,
    );
  });
  if (!answer.ok)
    throw new UserError(`${file} cannot be uploaded: ${answer.status} ${await answer.text()}`);
  return reference;
}

function typeOf(file: string, bytes: Buffer): UploadRequest["contentType"] {
  const beginning = bytes.subarray(0, 12).toString("hex");
  const type = signatures.find(([signature]) => signature.test(beginning))?.[1];
  if (type !== undefined) return type;
  throw new UserError(
    `--image: ${file} is none of ${uploadContentTypes.map((each) => each.split("/")[1]).join(", ")}.`,
  );
}
