import { parse } from "yaml";
import { UserError } from "../../contracts/userError";
import { type StackFilePath, withStackValue } from "../stackFile";

/** What a unit's config says of it under load (stacks/config/units.ts). */
export interface AppliedMeasurement {
  /** Images per minute per replica at the breaking point. */
  readonly throughput: number;
  /** Seconds per image there. */
  readonly latencySeconds: number;
}

/** A stack file with another measurement in it. */
export interface AppliedFile {
  readonly text: string;
  /** What stood there before; absent: nothing. */
  readonly before?: unknown;
}

/**
 * Puts a unit's measurement into the text of a Pulumi.STACK.yaml. Of one that is there, each number
 * in its place, so that what is said beside it stays.
 *
 * @param unitsKey the whole key, `diffusion-fleet:units`
 * @throws UserError where the unit is written in a way that has no place for it
 */
export function withMeasurement(
  text: string,
  unitsKey: string,
  unit: string,
  measurement: AppliedMeasurement,
): AppliedFile {
  const configured: unknown = parse(text)?.config?.[unitsKey]?.[unit];
  const before = isObject(configured) ? configured.measurement : undefined;
  if (!isObject(configured) || (before !== undefined && !isObject(before))) throw noPlace(unit);
  const place = [unitsKey, unit, "measurement"];
  const edits: readonly (readonly [StackFilePath, unknown])[] = isObject(before)
    ? Object.entries(measurement).map(([key, value]) => [[...place, key], value])
    : [[place, measurement]];
  let edited: string | undefined = text;
  for (const [path, value] of edits) edited = edited && withStackValue(edited, path, value);
  if (edited === undefined) throw noPlace(unit);
  return { text: edited, ...(before !== undefined && { before }) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function noPlace(unit: string): UserError {
  return new UserError(
    `--apply: the stack's file has units.${unit} in a form that cannot be changed here; ` +
      "write its measurement into it yourself, or write it out as keys and values.",
  );
}
