/** Shows how far something is. */
export interface Progress {
  /**
   * @param picture lines for a terminal, in the place of those before
   * @param line    the same for a file or a pipe, where it is added when it says something new and
   *                the last one is some seconds old; absent: nothing
   */
  show(picture: readonly string[], line?: string): void;
  /** A line that stays. */
  say(line: string): void;
  /** Leaves the last picture, or adds the last line. */
  end(): void;
}

/** How often a file or a pipe gets a line. */
const LINE_INTERVAL_MS = 3000;

const UP = (lines: number) => `\u001b[${lines}A`;
const TO_END_OF_SCREEN = "\u001b[J";

/** What progress is written to. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly rows?: number;
  write(text: string): unknown;
}

export function progressOn(stream: ProgressStream, now: () => number = Date.now): Progress {
  return stream.isTTY ? onTerminal(stream) : inLines(stream, now);
}

function onTerminal(stream: ProgressStream): Progress {
  let shown: readonly string[] = [];
  const paint = (lines: readonly string[]) => {
    const above = shown.length === 0 ? "\r" : UP(shown.length);
    stream.write(`${above}${TO_END_OF_SCREEN}${lines.map((line) => `${line}\n`).join("")}`);
  };
  return {
    show: (picture) => {
      // What has left the window cannot be painted over.
      const lines = picture.slice(0, Math.max(1, (stream.rows ?? 24) - 1));
      paint(lines);
      shown = lines;
    },
    say: (line) => {
      paint([line, ...shown]);
    },
    end: () => {
      shown = [];
    },
  };
}

function inLines(stream: ProgressStream, now: () => number): Progress {
  let last = { line: "", at: Number.NEGATIVE_INFINITY };
  let pending: string | undefined;
  const write = (line: string) => {
    stream.write(`${line}\n`);
    last = { line, at: now() };
    pending = undefined;
  };
  return {
    show: (_, line) => {
      if (line === undefined || line === last.line) pending = undefined;
      else if (now() - last.at < LINE_INTERVAL_MS) pending = line;
      else write(line);
    },
    say: (line) => void stream.write(`${line}\n`),
    end: () => {
      if (pending !== undefined) write(pending);
    },
  };
}

/** `██████░░░░`: how much of a whole. */
export function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return "█".repeat(full) + "░".repeat(width - full);
}
