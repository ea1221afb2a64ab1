/** How a text may be set off on a terminal. */
export type Tone = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

const CODES: Readonly<Record<Tone, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

export type Paint = (tone: Tone, text: string) => string;

/** Colours for a stream: on a terminal only, and as NO_COLOR and FORCE_COLOR say. */
export function paintFor(stream: { isTTY?: boolean }, environment = process.env): Paint {
  const { NO_COLOR, FORCE_COLOR } = environment;
  const forced = FORCE_COLOR === undefined ? undefined : FORCE_COLOR !== "0";
  const colours = forced ?? (NO_COLOR ? false : stream.isTTY === true);
  return colours
    ? (tone, text) => `\u001b[${CODES[tone][0]}m${text}\u001b[${CODES[tone][1]}m`
    : (_, text) => text;
}

/** The most columns that anything meant for a terminal takes. */
export const WIDTH = 98;

/** A text on one line, cut to a width with an ellipsis. */
export function clip(text: string, width: number): string {
  const line = text.replace(/\s+/g, " ");
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

/** A text broken at spaces into lines of a width, all but the first indented. */
export function wrap(text: string, width: number, indent = ""): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
    }
    line = line === "" || line === indent ? line + word : `${line} ${word}`;
  }
  return [...lines, line];
}

export interface Column {
  readonly title: string;
  readonly align?: "right";
}

/** Rows under titles, as wide as their cells. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): string[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align }, index) => {
        const [cell, width] = [cells[index] ?? "", widths[index] ?? 0];
        return align === "right" ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  return [paint("dim", line(columns.map(({ title }) => title))), ...rows.map(line)];
}
