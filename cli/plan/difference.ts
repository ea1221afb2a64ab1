import type { PlannedResource } from "./document";
import { parsePattern } from "./propertyPath";

/** One value that differs; `undefined` where there is none. */
export interface Change {
  /** As Pulumi writes paths: `spec.rules[0].backendRefs[0].weight`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface Update {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly changes: readonly Change[];
  readonly before: PlannedResource;
  /** With what is ignored as it was. */
  readonly after: PlannedResource;
}

/** What `pulumi up` would do to come from one plan to another. */
export interface Difference {
  readonly created: readonly PlannedResource[];
  readonly deleted: readonly PlannedResource[];
  readonly updated: readonly Update[];
}

/** A resource to compare, and the inputs that Pulumi leaves as they are (`ignoreChanges`). */
export interface Comparable extends PlannedResource {
  readonly ignoreChanges: readonly string[];
}

/** Compares by URN; two stacks of one project compare as if they were one. */
export function differenceOf(
  base: readonly Comparable[],
  planned: readonly Comparable[],
): Difference {
  const before = new Map(base.map((resource) => [stackless(resource.urn), resource]));
  const after = new Map(planned.map((resource) => [stackless(resource.urn), resource]));
  return {
    created: planned.filter(({ urn }) => !before.has(stackless(urn))),
    deleted: base.filter(({ urn }) => !after.has(stackless(urn))),
    updated: planned.flatMap((resource) => {
      const old = before.get(stackless(resource.urn));
      if (old === undefined) return [];
      const inputs = resource.ignoreChanges.reduce<unknown>(
        (kept, pattern) => keep(old.inputs, kept, parsePattern(pattern)),
        resource.inputs,
      ) as PlannedResource["inputs"];
      const changes = changesBetween(old.inputs, inputs);
      const { urn, type, name } = resource;
      const after = { ...resource, inputs };
      return changes.length > 0 ? [{ urn, type, name, changes, before: old, after }] : [];
    }),
  };
}

function stackless(urn: string): string {
  const [stack, project, ...rest] = urn.replace("urn:pulumi:", "").split("::");
  return rest.join("::").replace(`${project}-${stack}`, `${project}`);
}

/** The new value with what a pattern ignores put back to what it was. */
function keep(before: unknown, after: unknown, [step, ...rest]: readonly (string | number)[]) {
  if (!isContainer(after)) return after;
  const steps = step === "*" ? [...new Set([...keysOf(before), ...keysOf(after)])] : [String(step)];
  const kept: Record<string, unknown> = { ...after };
  for (const key of steps) {
    const old = isContainer(before) ? before[key] : undefined;
    if (rest.length > 0) {
      if (key in kept) kept[key] = keep(old, kept[key], rest);
    } else if (old === undefined) delete kept[key];
    else kept[key] = old;
  }
  return Array.isArray(after) ? Object.values(kept) : kept;
}

/** Every innermost place where two values differ. */
export function changesBetween(before: unknown, after: unknown, path = ""): Change[] {
  if (isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after))
    return [...new Set([...keysOf(before), ...keysOf(after)])].flatMap((key) =>
      changesBetween(before[key], after[key], extend(path, key, Array.isArray(after))),
    );
  return Object.is(before, after) ? [] : [{ path, before, after }];
}

function extend(path: string, key: string, isIndex: boolean): string {
  if (isIndex) return `${path}[${key}]`;
  if (!/^[\w-]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function keysOf(value: unknown): string[] {
  return isContainer(value) ? Object.keys(value) : [];
}
