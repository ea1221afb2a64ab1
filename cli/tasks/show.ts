import { ExitCode } from "../exitCode";
import { paintFor } from "../terminal";
import { type ApiOptions, openApi } from "./api";
import { inParallel } from "./inParallel";
import { taskLines } from "./taskText";

/** Prints tasks as they are now. */
export async function runShow(
  root: string,
  ids: readonly string[],
  options: ApiOptions,
): Promise<number> {
  const api = await openApi(root, options);
  const tasks = await inParallel(ids, (id) => api.task(id));
  const paint = paintFor(process.stdout);
  const text = options.json
    ? JSON.stringify({ tasks }, null, 2)
    : tasks.map((task) => taskLines(task, Date.now(), paint).join("\n")).join("\n\n");
  process.stdout.write(`${text}\n`);
  return ExitCode.ok;
}
