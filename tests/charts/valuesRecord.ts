import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";

/** What stands at a key of a chart's values.yaml; `any`: nothing does (null). */
export type Kind = "text" | "number" | "boolean" | "list" | "map" | "any";

/** A key that values.yaml lacks and the chart reads all the same. */
export interface KeyElsewhere {
  readonly kind: Kind;
  /** The file of the chart, or of what it installs, that reads it. */
  readonly file: string;
}

/**
 * All keys of a chart's values.yaml, as record.ts writes them. Paths have dots between keys, and a
 * backslash before a dot inside one, as in `helm --set`. `list` and `map` are where the chart names
 * no further keys: Helm replaces a list whole, and takes anything into an empty map.
 */
export interface ValuesRecord {
  readonly chart: string;
  /** The chart's version that the keys hold for. */
  readonly version: string;
  /** Where the values.yaml was read. */
  readonly source: string;
  /** The day, as YYYY-MM-DD. */
  readonly recorded: string;
  /** Of the values.yaml. */
  readonly sha256: string;
  /** In which way `source` is not the published chart itself. */
  readonly note?: string;
  readonly keys: Readonly<Record<string, Kind>>;
  readonly elsewhere: Readonly<Record<string, KeyElsewhere>>;
}

export const recordsFolder = resolve(__dirname, "values");

/** The record of a chart, if there is one. */
export function readRecord(chart: string): ValuesRecord | undefined {
  const file = join(recordsFolder, `${chart}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as ValuesRecord) : undefined;
}

/** The names of the charts that have a record. */
export function recordedCharts(): string[] {
  return readdirSync(recordsFolder).map((file) => file.replace(/\.json$/, ""));
}

/** The keys of a values.yaml and what stands there. */
export function keysOf(valuesYaml: string): Record<string, Kind> {
  const keys: Record<string, Kind> = {};
  const visit = (value: unknown, path: readonly string[]) => {
    const children = isMap(value) ? Object.entries(value) : [];
    if (children.length === 0 && path.length > 0) keys[joined(path)] = kindOf(value);
    for (const [key, child] of children) visit(child, [...path, key]);
  };
  visit(parse(valuesYaml), []);
  return keys;
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export function kindOf(value: unknown): Kind {
  if (value === null || value === undefined) return "any";
  if (Array.isArray(value)) return "list";
  if (isMap(value)) return "map";
  return typeof value === "number" ? "number" : typeof value === "boolean" ? "boolean" : "text";
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A path in one text, as `helm --set` reads it. */
export function joined(path: readonly string[]): string {
  return path.map((key) => key.replaceAll(".", "\\.")).join(".");
}

/** The keys of a path, outermost first. */
export function split(path: string): string[] {
  return path.split(/(?<!\\)\./).map((key) => key.replaceAll("\\.", "."));
}
