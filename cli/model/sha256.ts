import { createHash } from "node:crypto";
import { UserError } from "../../contracts/userError";
import type { ModelSource, SourceFile } from "./modelSource";

/** @returns hexadecimal digits */
export async function sha256Of(
  source: ModelSource,
  { path, bytes }: SourceFile,
  tell: (bytes: number) => void = () => undefined,
): Promise<string> {
  const hash = createHash("sha256");
  let read = 0;
  for await (const chunk of source.read(path)) {
    hash.update(chunk);
    read += chunk.length;
    tell(chunk.length);
  }
  if (read !== bytes) throw changed(path, `it has ${read} bytes and had ${bytes}`);
  return hash.digest("hex");
}

/**
 * A file's bytes as they come, with an error at their end when they are not those of the hash, so
 * that whoever reads them does not take them for whole.
 *
 * @throws UserError, while it is read
 */
export async function* verified(
  source: Pick<ModelSource, "read">,
  { path, bytes, sha256 }: Required<SourceFile>,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let read = 0;
  for await (const chunk of source.read(path)) {
    hash.update(chunk);
    read += chunk.length;
    yield chunk;
  }
  const digest = hash.digest("hex");
  if (read !== bytes || digest !== sha256)
    throw changed(path, `its sha256 is ${digest} instead of ${sha256}`);
}

function changed(path: string, how: string): UserError {
  return new UserError(
    `${path} is not what it was when this began: ${how}. Run the command again.`,
  );
}
