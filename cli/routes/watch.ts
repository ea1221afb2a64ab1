import { setTimeout as sleep } from "node:timers/promises";
import { type Paint, paintFor, WIDTH, wrap } from "../terminal";
import { Unreachable } from "./clusterReader";
import { secondLook } from "./failoverReport";
import { essence, type RoutesReport } from "./report";
import { reportLines } from "./reportText";

/** Often enough to see a switch, and seven small requests. */
const INTERVAL_MS = 2000;

const HOME = "\u001b[H";
const TO_END_OF_LINE = "\u001b[K";
const TO_END_OF_SCREEN = "\u001b[J";

/** Where a picture is shown. */
interface Screen {
  /** Shows a report, or why there is none that is newer. */
  show(report: RoutesReport, trouble: string | undefined): void;
}

export interface WatchOptions {
  readonly json: boolean;
  /** Aborted when it is to end. */
  readonly until: AbortSignal;
  readonly stdout?: NodeJS.WriteStream;
  readonly stderr?: Pick<NodeJS.WriteStream, "write">;
  readonly intervalMs?: number;
}

/**
 * Shows reports, one after the other.
 *
 * A cluster that is away later on is shown as such, with what was last known of it.
 *
 * @throws UserError when the first look fails, or a later one for a reason that will not pass
 */
export async function watchRoutes(
  read: () => Promise<RoutesReport>,
  options: WatchOptions,
): Promise<void> {
  const { until, intervalMs = INTERVAL_MS } = options;
  const screen = screenOf(options);
  let report = await read();
  screen.show(report, undefined);
  while (await passed(intervalMs, until)) {
    let trouble: string | undefined;
    try {
      const next = await read();
      report = { ...next, failover: secondLook(report.failover, next.failover) };
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      trouble = error.message;
    }
    screen.show(report, trouble);
  }
}

function screenOf({ json, stdout = process.stdout, stderr = process.stderr }: WatchOptions) {
  if (json) return jsonLines(stdout, stderr);
  return stdout.isTTY ? terminal(stdout) : plainLines(stdout);
}

/** Whether the time has passed without an interruption. */
async function passed(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(milliseconds, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}

/** Paints over itself, since ages grow all the time; what does not fit is cut at the bottom. */
function terminal(stdout: NodeJS.WriteStream): Screen {
  const paint = paintFor(stdout);
  stdout.write(HOME + TO_END_OF_SCREEN);
  return {
    show: (report, trouble) => {
      const lines = [
        paint("dim", `${clock(report.at)} · every ${INTERVAL_MS / 1000} s · Ctrl-C ends`),
        ...reportLines(report, paint),
        ...troubleLines(trouble, paint),
      ];
      const rows = Math.max(2, (stdout.rows ?? lines.length + 1) - 1);
      const left = lines.length - rows;
      const shown =
        left <= 0
          ? lines
          : [...lines.slice(0, rows - 1), `… ${left + 1} more lines than the window has`];
      const text = shown.map((line) => line + TO_END_OF_LINE).join("\n");
      stdout.write(`${HOME}${text}\n${TO_END_OF_SCREEN}`);
    },
  };
}

/** For a file or a pipe: a report below the other, whenever something has happened. */
function plainLines(stdout: NodeJS.WriteStream): Screen {
  const paint = paintFor(stdout);
  return onChange((report, trouble) => {
    const lines = [
      `--- ${report.at}`,
      ...(trouble === undefined ? reportLines(report, paint) : troubleLines(trouble, paint)),
    ];
    stdout.write(`${lines.join("\n")}\n`);
  });
}

/** One object a line, whenever something has happened. */
function jsonLines(stdout: NodeJS.WriteStream, stderr: Pick<NodeJS.WriteStream, "write">): Screen {
  return onChange((report, trouble) => {
    if (trouble === undefined) stdout.write(`${JSON.stringify(report)}\n`);
    else stderr.write(`${trouble}\n`);
  });
}

function onChange(show: Screen["show"]): Screen {
  let before: string | undefined;
  return {
    show: (report, trouble) => {
      const now = trouble === undefined ? essence(report) : "away";
      if (now !== before) show(report, trouble);
      before = now;
    },
  };
}

function troubleLines(trouble: string | undefined, paint: Paint): string[] {
  if (trouble === undefined) return [];
  const text = `${trouble} What is shown was read before that; trying again.`;
  return ["", ...wrap(text, WIDTH).map((line) => paint("red", line))];
}

function clock(time: string): string {
  return `${time.slice(11, 19)} UTC`;
}
