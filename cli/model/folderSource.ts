import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { UserError } from "../../contracts/userError";
import { LICENCE_FILE, licenceOfCard, licenceOfText, noLicence } from "./licence";
import type { Licence, ModelSource, SourceFile } from "./modelSource";

const CARD_NAME = "README.md";
const READ_BYTES = 1024 ** 2;

/**
 * A model in a folder of this machine.
 *
 * @param folder as an absolute path
 * @throws UserError when it cannot be read
 */
export async function folderSource(folder: string): Promise<ModelSource> {
  const files = await reading(folder, filesIn(folder));
  return {
    from: folder,
    licence: await reading(folder, licenceIn(folder, files)),
    files,
    read: (path, from = 0, to = Number.POSITIVE_INFINITY) => readFrom(join(folder, path), from, to),
  };
}

/** Files in it and below, without hidden ones; where links lead to, as the hub's own cache has them. */
async function filesIn(folder: string): Promise<SourceFile[]> {
  const names = await readdir(folder, { recursive: true });
  const files: SourceFile[] = [];
  for (const name of names.sort()) {
    const path = name.split(sep).join("/");
    if (path.split("/").some((step) => step.startsWith("."))) continue;
    const status = await stat(join(folder, name));
    if (status.isFile()) files.push({ path, bytes: status.size });
  }
  return files;
}

async function licenceIn(folder: string, files: readonly SourceFile[]): Promise<Licence> {
  const names = files.map(({ path }) => path);
  const text = names.find((path) => LICENCE_FILE.test(path));
  const linkOf = (target: string | undefined) => join(folder, target ?? text ?? CARD_NAME);
  if (names.includes(CARD_NAME)) {
    const card = await readFile(join(folder, CARD_NAME), "utf8");
    const licence = licenceOfCard(card, linkOf);
    if (licence !== undefined) return licence;
  }
  if (text === undefined) return noLicence(folder);
  return licenceOfText(await readFile(join(folder, text), "utf8"), join(folder, text));
}

async function* readFrom(file: string, from: number, to: number): AsyncIterable<Uint8Array> {
  if (to <= from) return;
  const stream = createReadStream(file, { start: from, end: to - 1, highWaterMark: READ_BYTES });
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    throw unreadable(file, error);
  }
}

async function reading<T>(folder: string, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw unreadable(folder, error);
  });
}

function unreadable(what: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === undefined ? error : new UserError(`${what} cannot be read: ${message}`);
}
