import type { TaskView } from "../../contracts/tasks/api";
import type { TaskState } from "../../contracts/tasks/record";
import { span } from "../routes/age";
import { type Column, type Paint, type Tone, table, wrap } from "../terminal";

/** The most columns of what `fleet tasks` prints. */
export const COLUMNS = 80;

const INDENT = "  ";
const LABEL_WIDTH = 10;

export const toneOfState: Readonly<Record<TaskState, Tone>> = {
  queued: "dim",
  running: "cyan",
  completed: "green",
  failed: "red",
  cancelled: "yellow",
};

/** Whether nothing more becomes of a task, unless somebody brings it back. */
export function hasEnded({ state }: Pick<TaskView, "state">): boolean {
  return state !== "queued" && state !== "running";
}

/** What a task is asked for by: its id, or `ID~RUN`. */
export function keyOf({ id, run }: Pick<TaskView, "id" | "run">): string {
  return run === undefined ? id : `${id}~${run}`;
}

/** A task, with everything that the API tells of it. */
export function taskLines(task: TaskView, now: number, paint: Paint): string[] {
  const { state, runtime, type, attempts, failure, images = [], output } = task;
  const facts: readonly (readonly [label: string, text: string | undefined])[] = [
    ["runtime", `${runtime}, ${type}`],
    ["submitted", instant(task.createdAt, now)],
    ["started", task.startedAt && instant(task.startedAt, now)],
    ["ended", task.finishedAt && instant(task.finishedAt, now)],
    ["attempts", String(attempts)],
    ["failure", failure && `${failure.code}: ${failure.message}`],
    ["results", output && task.outputLocation],
    ["context", task.context === undefined ? undefined : JSON.stringify(task.context)],
    ...images.map(
      ({ location, bytes }) => ["image", `${nameIn(location)}, ${size(bytes)}`] as const,
    ),
    ["output", output && `${nameIn(output.location)}, ${size(output.bytes)}`],
  ];
  return [
    `${paint("bold", keyOf(task))}  ${paint(toneOfState[state], state)}`,
    ...facts.flatMap(([label, text]) => (text ? labelled(label, text, paint) : [])),
  ];
}

const columns: readonly Column[] = [
  { title: "task" },
  { title: "runtime" },
  { title: "state" },
  { title: "tries", align: "right" },
  { title: "took", align: "right" },
];

/** Tasks, a line each. */
export function taskTable(tasks: readonly TaskView[], now: number, paint: Paint): string[] {
  const plain: Paint = (_, text) => text;
  const rows = tasks.map((task) => [
    keyOf(task),
    task.runtime,
    task.state,
    String(task.attempts),
    span((task.finishedAt ? Date.parse(task.finishedAt) : now) - Date.parse(task.createdAt)),
  ]);
  const [title, ...lines] = table(columns, rows, plain);
  return [
    paint("dim", title!),
    ...lines.map((line, index) => paint(toneOfState[tasks[index]!.state], line)),
  ];
}

/** Why tasks failed, each below its key. */
export function failureLines(tasks: readonly TaskView[], paint: Paint): string[] {
  return tasks.flatMap((task) =>
    task.state === "failed" && task.failure !== undefined
      ? [
          paint("red", `${keyOf(task)} failed: ${task.failure.code}`),
          ...indented(task.failure.message),
        ]
      : [],
  );
}

export function indented(text: string): string[] {
  return wrap(text, COLUMNS - INDENT.length).map((line) => INDENT + line);
}

function labelled(label: string, text: string, paint: Paint): string[] {
  const margin = " ".repeat(LABEL_WIDTH + INDENT.length);
  const [first, ...rest] = wrap(text, COLUMNS - margin.length);
  return [
    `${INDENT}${paint("dim", label.padEnd(LABEL_WIDTH))}${first}`,
    ...rest.map((line) => margin + line),
  ];
}

/** `2026-11-15 03:12:07 UTC, 4m ago` */
function instant(time: string, now: number): string {
  const at = Date.parse(time);
  const text = new Date(at).toISOString().slice(0, 19).replace("T", " ");
  return `${text} UTC, ${span(now - at)} ago`;
}

export function nameIn(location: string): string {
  return location.slice(location.lastIndexOf("/") + 1);
}

/** `312 KiB` */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const kib = bytes / 1024;
  return kib < 1024 ? `${Math.round(kib)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}
