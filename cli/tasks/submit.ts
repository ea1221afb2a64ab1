import { randomUUID } from "node:crypto";
import { closest } from "fastest-levenshtein";
import type { Submitted } from "../../contracts/tasks/api";
import type { Runtime } from "../../contracts/tasks/runtimes";
import { type TaskType, taskTypes } from "../../contracts/tasks/task";
import { UserError } from "../../contracts/userError";
import { ExitCode } from "../exitCode";
import { paintFor, table } from "../terminal";
import { type ApiOptions, openApi } from "./api";
import { type Content, givenContent, withImages } from "./content";
import { downloaded, fileLine, userPath } from "./download";
import { endText, followed, statusOf } from "./follow";
import { inParallel } from "./inParallel";
import { progressOn } from "./progress";
import { uploaded } from "./upload";

export interface SubmitOptions extends ApiOptions {
  readonly runtime: string;
  readonly prompt?: string;
  readonly content?: string;
  readonly type?: string;
  readonly id?: string;
  readonly prefix?: string;
  readonly image?: readonly string[];
  readonly count: number;
  readonly wait: boolean;
  readonly download?: string;
}

/** Submits tasks; where asked for, waits for them and downloads their results. */
export async function runSubmit(root: string, options: SubmitOptions): Promise<number> {
  const { image = [], count, id, prefix } = options;
  const given = givenContent(options);
  const api = await openApi(root, options);
  const runtime = runtimeNamed(await api.runtimes(), options.runtime);
  const type = typeOf(runtime, options);
  const references = await inParallel(image, (file) => uploaded(api, userPath(file)));
  const content: Content = withImages(given, references, runtime.adapter, type);
  const submitted = await inParallel(idsOf(id, count), (each) =>
    api.submit({
      id: each,
      runtime: runtime.name,
      type,
      content,
      ...(prefix !== undefined && { prefix }),
    }),
  );
  if (!options.wait && options.download === undefined) {
    print(submittedText(submitted, options.json));
    return ExitCode.ok;
  }
  const ids = submitted.map((task) => task.id);
  const tasks = await followed(api, ids, progressOn(process.stderr));
  const files = [];
  if (options.download !== undefined)
    for (const task of tasks)
      if (task.state === "completed")
        files.push(...(await downloaded(task, userPath(options.download))));
  if (options.json) print(JSON.stringify({ tasks, files }, null, 2));
  else print([endText(tasks, false, paintFor(process.stdout)), ...files.map(fileLine)].join("\n"));
  return statusOf(tasks);
}

function runtimeNamed(runtimes: readonly Runtime[], name: string): Runtime {
  const names = runtimes.map((runtime) => runtime.name);
  const found = runtimes.find((runtime) => runtime.name === name);
  if (found !== undefined) return found;
  const hint = names.length > 0 ? ` Did you mean "${closest(name, names)}"?` : "";
  throw new UserError(
    `--runtime ${name}: there is none; the runtimes are ${names.join(", ") || "none yet"}.${hint}`,
  );
}

/** What is to be done: as said; else, with an image, what starts from one; else the first it takes. */
function typeOf({ name, types }: Runtime, { type, image }: SubmitOptions): TaskType {
  const fromImage =
    image === undefined ? undefined : types.find((each) => each === "image-to-image");
  const wanted = type ?? fromImage ?? types[0];
  const found = types.find((each) => each === wanted);
  if (found !== undefined) return found;
  const known = taskTypes.some((each) => each === wanted) ? "" : " There is no such type.";
  throw new UserError(`--type ${wanted}: ${name} takes ${types.join(", ")}.${known}`);
}

function idsOf(id: string | undefined, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    if (id === undefined) return randomUUID();
    return count === 1 ? id : `${id}-${index + 1}`;
  });
}

function submittedText(submitted: readonly Submitted[], json: boolean): string {
  if (json) return JSON.stringify({ tasks: submitted }, null, 2);
  return table(
    [{ title: "task" }, { title: "runtime" }, { title: "type" }],
    submitted.map(({ id, runtime, type }) => [id, runtime, type]),
    paintFor(process.stdout),
  ).join("\n");
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
