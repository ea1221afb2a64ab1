import { bar } from "../tasks/progress";
import { type Paint, table } from "../terminal";

/** What became of a task so far. */
export type DemoState = "submitted" | "running" | "completed" | "failed";

export interface DemoTask {
  readonly runtime: string;
  readonly state: DemoState;
}

/** What a demo comes to; with `--json`, what it prints. */
export interface DemoOutcome {
  readonly submitted: number;
  readonly completed: number;
  readonly deadLettered: number;
  /** PNG files on this machine. */
  readonly images: number;
  /** From the first task's submission to the last one's notification. */
  readonly seconds: number;
}

const BAR_WIDTH = 24;

/** How far each runtime is. */
export function demoTable(
  tasks: readonly DemoTask[],
  agents: ReadonlyMap<string, number>,
  seconds: number,
  paint: Paint,
): string[] {
  const rows = [...agents].map(([runtime, count]) => {
    const own = tasks.filter((task) => task.runtime === runtime);
    const number = (state: DemoState) => own.filter((task) => task.state === state).length;
    const ended = number("completed") + number("failed");
    return [
      runtime,
      String(count),
      bar(own.length === 0 ? 0 : ended / own.length, BAR_WIDTH),
      String(number("submitted") + number("running")),
      String(number("completed")),
      String(number("failed")),
    ];
  });
  return [
    ...table(
      [
        { title: "runtime" },
        { title: "agents", align: "right" },
        { title: "" },
        { title: "open", align: "right" },
        { title: "completed", align: "right" },
        { title: "failed", align: "right" },
      ],
      rows,
      paint,
    ),
    paint("dim", `${seconds.toFixed(0)} s · Ctrl-C ends`),
  ];
}

/** The same for a file or a pipe. */
export function demoLine(tasks: readonly DemoTask[], count: number): string {
  const number = (state: DemoState) => tasks.filter((task) => task.state === state).length;
  const failed = number("failed") === 0 ? "" : `, ${number("failed")} failed`;
  return `${number("completed")} of ${count} tasks completed${failed}`;
}

/** What a person is told at the end. */
export function outcomeLines(
  { submitted, completed, deadLettered, images, seconds }: DemoOutcome,
  notifications: number,
  folder: string,
): string[] {
  return [
    `${completed} of ${submitted} tasks completed in ${seconds} s` +
      (deadLettered === 0 ? "" : `, ${deadLettered} are dead letters`),
    `${notifications} notifications came from the result topic`,
    `${images} images are in ${folder}`,
  ];
}
