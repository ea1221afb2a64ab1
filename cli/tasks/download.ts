import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import type { TaskView } from "../../contracts/tasks/api";
import { UserError } from "../../contracts/userError";
import { ExitCode } from "../exitCode";
import { paintFor } from "../terminal";
import { type ApiOptions, openApi } from "./api";
import { inParallel } from "./inParallel";
import { networkProblem } from "./networkProblem";
import { keyOf, nameIn, size } from "./taskText";

/** A result on this machine. */
export interface Downloaded {
  readonly task: string;
  readonly file: string;
  readonly bytes: number;
  readonly contentType: string;
}

/** Downloads what tasks have made. 1 when one has not completed. */
export async function runDownload(
  root: string,
  ids: readonly string[],
  options: ApiOptions & { readonly to: string },
): Promise<number> {
  const api = await openApi(root, options);
  const folder = userPath(options.to);
  const files: Downloaded[] = [];
  const without: TaskView[] = [];
  // Links are fresh when each task is asked for as its turn comes.
  for (const id of ids) {
    const task = await api.task(id);
    if (task.state === "completed") files.push(...(await downloaded(task, folder)));
    else without.push(task);
  }
  if (options.json)
    process.stdout.write(
      `${JSON.stringify({ files, without: without.map(({ state, ...task }) => ({ id: keyOf(task), state })) }, null, 2)}\n`,
    );
  else
    process.stdout.write(
      [
        ...files.map(fileLine),
        ...without.map((task) =>
          paintFor(process.stdout)("yellow", `${keyOf(task)} is ${task.state}: no results`),
        ),
      ]
        .map((line) => `${line}\n`)
        .join(""),
    );
  return without.length === 0 ? ExitCode.ok : ExitCode.incomplete;
}

/**
 * Downloads the images of a completed task, and what the runtime answered beside them.
 *
 * @throws UserError when a file cannot be fetched or written
 */
export async function downloaded(task: TaskView, folder: string): Promise<Downloaded[]> {
  const objects = [...(task.images ?? []), ...(task.output === undefined ? [] : [task.output])];
  await mkdir(folder, { recursive: true }).catch((error: Error) => {
    throw new UserError(`${folder} cannot be made: ${error.message}`);
  });
  return inParallel(objects, async ({ location, url, bytes, contentType }) => {
    const file = join(folder, basename(nameIn(location)));
    await fetchTo(url, file, location);
    return { task: keyOf(task), file, bytes, contentType };
  });
}

export function fileLine({ file, bytes }: Downloaded): string {
  return `${file}  ${size(bytes)}`;
}

/** Relative to where the user stands: npm changes to the project's folder first. */
export function userPath(given: string): string {
  return resolve(process.env.INIT_CWD ?? "", given);
}

/** A file is there whole or not at all. */
async function fetchTo(url: string, file: string, location: string): Promise<void> {
  const part = `${file}.part`;
  try {
    const answer = await fetch(url);
    if (!answer.ok || answer.body === null)
      throw new UserError(
        `${location} cannot be downloaded: ${answer.status} ${answer.statusText}. ` +
          "Results are deleted when their days are over.",
      );
    await pipeline(
      Readable.fromWeb(answer.body as ReadableStream<Uint8Array>),
      createWriteStream(part),
    );
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    if (error instanceof UserError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const why = networkProblem(error)?.text ?? (code === undefined ? undefined : message);
    if (why === undefined) throw error;
    throw new UserError(`${location} cannot be downloaded to ${file}: ${why}`);
  }
}
