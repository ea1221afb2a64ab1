import { setTimeout as sleep } from "node:timers/promises";
import type { TaskView } from "../../contracts/tasks/api";
import { type TaskState, taskStates } from "../../contracts/tasks/record";
import { ExitCode } from "../exitCode";
import { type Paint, paintFor } from "../terminal";
import { type ApiOptions, openApi, type TaskApi } from "./api";
import { inParallel } from "./inParallel";
import { bar, type Progress, progressOn } from "./progress";
import { failureLines, hasEnded, keyOf, taskTable } from "./taskText";

const SHORTEST_INTERVAL_MS = 1000;
/** A stack's API takes 50 requests a second by default, of all its clients. */
const REQUESTS_PER_SECOND = 10;
const BAR_WIDTH = 30;
/** More tasks than these are counted only. */
const LISTED = 15;

/** Follows tasks until they have ended, then prints them. 1 when one has not completed. */
export async function runFollow(
  root: string,
  ids: readonly string[],
  options: ApiOptions,
): Promise<number> {
  const api = await openApi(root, options);
  const tasks = await followed(api, ids, progressOn(process.stderr));
  process.stdout.write(`${endText(tasks, options.json, paintFor(process.stdout))}\n`);
  return statusOf(tasks);
}

/**
 * Asks for tasks until they have ended.
 *
 * @returns the tasks, in the order of their keys
 * @throws UserError when the API cannot be asked, or knows no such task
 */
export async function followed(
  api: TaskApi,
  keys: readonly string[],
  progress: Progress,
): Promise<TaskView[]> {
  const paint = paintFor(process.stderr);
  const tasks = new Map<string, TaskView>();
  for (;;) {
    const open = [...new Set(keys)].filter(
      (key) => !hasEnded(tasks.get(key) ?? { state: "queued" }),
    );
    await inParallel(open, async (key) => {
      const [before, task] = [tasks.get(key), await api.task(key)];
      tasks.set(key, task);
      if (!process.stderr.isTTY && saidOf(before) !== saidOf(task))
        progress.say(`${new Date().toISOString()} ${key} ${saidOf(task)}`);
    });
    const all = keys.map((key) => tasks.get(key)!);
    progress.show(picture(all, paint));
    if (all.every(hasEnded)) break;
    const requestsMs = (open.length / REQUESTS_PER_SECOND) * 1000;
    await sleep(Math.max(SHORTEST_INTERVAL_MS, requestsMs));
  }
  progress.end();
  return keys.map((key) => tasks.get(key)!);
}

/** What a user wants to know at the end. */
export function endText(tasks: readonly TaskView[], json: boolean, paint: Paint): string {
  if (json) return JSON.stringify({ tasks }, null, 2);
  return [...taskTable(tasks, Date.now(), paint), ...failureLines(tasks, paint)].join("\n");
}

export function statusOf(tasks: readonly Pick<TaskView, "state">[]): number {
  return tasks.every(({ state }) => state === "completed") ? ExitCode.ok : ExitCode.incomplete;
}

function saidOf(task: TaskView | undefined): string {
  if (task === undefined) return "";
  const { state, attempts, failure } = task;
  const again = attempts > 1 ? ` (attempt ${attempts})` : "";
  const why =
    failure !== undefined && state !== "completed" ? `: ${failure.code}, ${failure.message}` : "";
  return state + again + why;
}

function picture(tasks: readonly TaskView[], paint: Paint): string[] {
  const ended = tasks.filter(hasEnded).length;
  return [
    `${bar(ended / tasks.length, BAR_WIDTH)} ${ended}/${tasks.length}  ${countsText(tasks)}`,
    ...(tasks.length > LISTED ? [] : tasks.map((task) => lineOf(task, paint))),
  ];
}

/** `3 queued, 1 running` */
export function countsText(tasks: readonly { readonly state: TaskState }[]): string {
  return taskStates
    .map((state) => [tasks.filter((task) => task.state === state).length, state] as const)
    .filter(([count]) => count > 0)
    .map(([count, state]) => `${count} ${state}`)
    .join(", ");
}

function lineOf(task: TaskView, paint: Paint): string {
  const text = `  ${keyOf(task).padEnd(36)}  ${saidOf(task)}`.slice(0, 79);
  return task.state === "failed" ? paint("red", text) : text;
}
