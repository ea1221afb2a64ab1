/** Reading objects of others that need not be what they should be. */

/** What is at a path of names with dots between them, or undefined. */
export function field(value: unknown, path: string): unknown {
  return at(value, path.split("."));
}

/** A text at a path; undefined when there is anything else, or an empty one. */
export function text(value: unknown, path: string): string | undefined {
  const found = field(value, path);
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** A whole number of at least 0 at a path; undefined when there is anything else. */
export function count(value: unknown, path: string): number | undefined {
  const found = field(value, path);
  return Number.isSafeInteger(found) && (found as number) >= 0 ? (found as number) : undefined;
}

/** The list at a path; empty when there is anything else. */
export function list(value: unknown, path: string): readonly unknown[] {
  const found = field(value, path);
  return Array.isArray(found) ? found : [];
}

/** A label, whose name has dots itself. */
export function label(value: unknown, name: string): string | undefined {
  const found = at(value, ["metadata", "labels", name]);
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** An annotation, whose name has dots itself. */
export function annotation(value: unknown, name: string): string | undefined {
  const found = at(value, ["metadata", "annotations", name]);
  return typeof found === "string" ? found : undefined;
}

/** The condition of a type. */
export function condition(value: unknown, type: string): unknown {
  return list(value, "status.conditions").find((each) => text(each, "type") === type);
}

/** Milliseconds since 1970 of a time as Kubernetes writes it, or undefined. */
export function millis(time: unknown): number | undefined {
  const parsed = typeof time === "string" ? Date.parse(time) : Number.NaN;
  return Number.isNaN(parsed) ? undefined : parsed;
}

function at(value: unknown, names: readonly string[]): unknown {
  let found = value;
  for (const name of names) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name))
      return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}
