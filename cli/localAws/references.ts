/** What a resource has that others refer to, by property, e.g. `arn`. */
export type Outputs = Readonly<Record<string, string>>;

/** A resource that exists. */
export interface Existing {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly outputs: Outputs;
}

/** How a plan writes what it cannot know yet. */
const placeholder = /<output of ([^<>]+?)\.([^<>.]+)>/g;

/**
 * A planned value with what exists now in the place of every `<output of NAME.PROPERTY>`, as the
 * engine would put it there. What is unknown still stays as it is.
 *
 * Resources of several types may share a name; then it is the one that the value depends on.
 *
 * @param dependencies URNs that the value's resource depends on
 */
export function filled<T>(
  value: T,
  existing: readonly Existing[],
  dependencies: readonly string[],
): T {
  if (typeof value === "string")
    return value.replace(
      placeholder,
      (text, name: string, property: string) =>
        outputOf(existing, dependencies, name, property) ?? text,
    ) as T;
  if (Array.isArray(value)) return value.map((each) => filled(each, existing, dependencies)) as T;
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, filled(each, existing, dependencies)]),
    ) as T;
  return value;
}

/** The placeholders in a text that nothing exists for. */
export function unfilled(text: string): string[] {
  return text.match(/<output of [^<>]+>/g) ?? [];
}

function outputOf(
  existing: readonly Existing[],
  dependencies: readonly string[],
  name: string,
  property: string,
): string | undefined {
  const candidates = existing.filter((it) => it.name === name && property in it.outputs);
  const [found = candidates[0]] = candidates.filter(({ urn }) => dependencies.includes(urn));
  return found?.outputs[property];
}
