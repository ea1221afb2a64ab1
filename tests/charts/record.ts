import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parse } from "yaml";
import { type Pinned, pinned } from "../../charts/pinned";
import { packedChart } from "./packedChart";
import {
  type KeyElsewhere,
  keysOf,
  readRecord,
  recordsFolder,
  sha256,
  split,
  type ValuesRecord,
} from "./valuesRecord";

/**
 * Records the keys of a chart's values.yaml, after its pinned version was changed:
 *
 *   npx ts-node tests/charts/record.ts CHART                 pulls the chart, with helm
 *   npx ts-node tests/charts/record.ts CHART FOLDER SOURCE   from its unpacked folder, and where
 *                                                            that came from
 */

/** The record of a chart's unpacked folder; by hand stay its note and keys of other files. */
export function recordOf(
  chart: Pinned,
  folder: string,
  source: string,
  before: ValuesRecord | undefined,
  today: string,
): ValuesRecord {
  const text = readFileSync(join(folder, "values.yaml"), "utf8");
  const keys = keysOf(text);
  const byHand = Object.entries(before?.elsewhere ?? {}).filter(([, { file }]) => !isOfChart(file));
  return {
    chart: chart.name,
    version: chart.version,
    source,
    recorded: today,
    sha256: sha256(text),
    ...(before?.note === undefined ? {} : { note: before.note }),
    keys,
    elsewhere: { ...keysOfTemplates(folder, keys), ...Object.fromEntries(byHand) },
  };
}

function isOfChart(file: string): boolean {
  return file === "Chart.yaml" || file.startsWith("templates/");
}

/** What templates and dependencies' conditions read of the values, beyond what values.yaml has. */
function keysOfTemplates(folder: string, keys: Readonly<Record<string, unknown>>) {
  const known = Object.keys(keys).map(split);
  const isKnown = (path: readonly string[]) =>
    known.some((other) => {
      const length = Math.min(other.length, path.length);
      return other.slice(0, length).join("\n") === path.slice(0, length).join("\n");
    });
  const found: Record<string, KeyElsewhere> = {};
  const add = (path: string, element: KeyElsewhere) => {
    if (!isKnown(path.split("."))) found[path] ??= element;
  };
  const chart = parse(readFileSync(join(folder, "Chart.yaml"), "utf8"));
  for (const { condition = "" } of chart.dependencies ?? [])
    for (const path of condition.split(",").filter(Boolean))
      add(path, { kind: "boolean", file: "Chart.yaml" });
  for (const file of filesUnder(join(folder, "templates")))
    for (const [, path] of readFileSync(file, "utf8").matchAll(/\.Values\.(\w+(?:\.\w+)*)/g))
      add(path!, { kind: "any", file: relative(folder, file) });
  // A longer path says that the shorter one is a map.
  return Object.fromEntries(
    Object.entries(found)
      .filter(([path]) => !Object.keys(found).some((other) => other.startsWith(`${path}.`)))
      .sort(([a], [b]) => a.localeCompare(b)),
  );
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? filesUnder(path) : [path]));
}

function main([name, folder, source]: readonly string[]): number {
  const chart = pinned.find((each) => each.name === name && !each.repository.endsWith(".yaml"));
  if (chart === undefined || (folder === undefined) !== (source === undefined)) {
    const names = pinned.filter(({ repository }) => !repository.endsWith(".yaml"));
    console.error("usage: npx ts-node tests/charts/record.ts CHART [FOLDER SOURCE]");
    console.error(`CHART is one of: ${names.map((each) => each.name).join(", ")}`);
    return 2;
  }
  const before = readRecord(chart.name);
  const today = new Date().toISOString().slice(0, 10);
  const record =
    folder === undefined
      ? recordOfPulled(chart, before, today)
      : recordOf(chart, folder, source!, before, today);
  if (record === undefined) return 2;
  const file = join(recordsFolder, `${chart.name}.json`);
  writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
  console.log(`${relative(process.cwd(), file)}: ${Object.keys(record.keys).length} keys`);
  if (record.note !== undefined) console.log(`Does its note still hold? ${record.note}`);
  return 0;
}

function recordOfPulled(chart: Pinned, before: ValuesRecord | undefined, today: string) {
  const packed = packedChart(chart);
  if (packed.file === undefined) {
    console.error(`${chart.name} ${chart.version}: ${packed.reason}`);
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), "fleet-chart-"));
  try {
    const { status, stderr } = spawnSync("tar", ["-xzf", packed.file, "-C", folder]);
    if (status !== 0) throw new Error(`${packed.file} cannot be unpacked: ${stderr}`);
    const source = `${chart.repository}/${chart.name}`;
    return recordOf(chart, join(folder, chart.name), source, before, today);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (require.main === module) process.exitCode = main(process.argv.slice(2));
