import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { closest } from "fastest-levenshtein";
import { UserError } from "../../contracts/userError";
import { ExitCode } from "../exitCode";
import { type Column, paintFor, table } from "../terminal";
import type { Bench } from "./bench";
import { benches } from "./registry";
import type { Row } from "./row";

export interface BenchOptions {
  readonly json: boolean;
  readonly prepare: boolean;
}

const COLUMNS: readonly Column[] = [
  { title: "bench" },
  { title: "metric" },
  { title: "median", align: "right" },
  { title: "min", align: "right" },
  { title: "max", align: "right" },
  { title: "unit" },
  { title: "runs", align: "right" },
  { title: "better" },
  { title: "ratio", align: "right" },
  { title: "against" },
];

/**
 * Measures, or prepares, the named benches.
 *
 * @returns the exit status
 * @throws UserError for a name that no bench has
 */
export async function runBenches(
  names: readonly string[],
  { json, prepare }: BenchOptions,
): Promise<number> {
  const rows: Row[] = [];
  const launcher = process.argv[1] as string;
  const folder = join(dirname(dirname(launcher)), "node_modules/.cache/diffusion-fleet");
  mkdirSync(folder, { recursive: true });
  for (const [name, bench] of await chosen(names)) {
    const context = { launcher, folder, progress: progressOf(name) };
    if (prepare) await bench.prepare?.(context);
    else rows.push(...(await bench.measure(context)));
    context.progress("");
  }
  if (prepare) return ExitCode.ok;
  if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else
    process.stdout.write(
      `${table(COLUMNS, rows.map(cells), paintFor(process.stdout)).join("\n")}\n`,
    );
  return ExitCode.ok;
}

async function chosen(names: readonly string[]): Promise<[string, Bench][]> {
  const all = Object.keys(benches);
  for (const name of names)
    if (!all.includes(name))
      throw new UserError(
        `There is no bench "${name}"; the benches are ${all.join(", ")}. ` +
          `Did you mean "${closest(name, all)}"?`,
      );
  const wanted = names.length > 0 ? names : all;
  return Promise.all(
    wanted.map(async (name): Promise<[string, Bench]> => [name, await benches[name]!()]),
  );
}

/** On a terminal, one line that is written over. */
function progressOf(name: string): (text: string) => void {
  if (!process.stderr.isTTY) return () => {};
  return (text) => process.stderr.write(`\r\u001b[K${text === "" ? "" : `${name}: ${text} …`}`);
}

function cells(row: Row): string[] {
  return [
    row.name,
    row.metric,
    String(row.median),
    String(row.min),
    String(row.max),
    row.unit,
    String(row.runs),
    row.better,
    row.ratio === undefined ? "" : String(row.ratio),
    row.against ?? "",
  ];
}
