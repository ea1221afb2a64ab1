import { z } from "zod";
import { ConfigError, type Problem } from "./errors";
import { nearest } from "./nearest";
import { crossFieldProblems } from "./rules";
import { configSchema, type FleetConfig } from "./schema";

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/**
 * The config of a stack from the raw values of its `diffusion-fleet:` keys.
 *
 * @param raw    values by key, objects already decoded
 * @param region the stack's `aws:region`
 * @throws ConfigError with every problem at once: unknown keys, wrong values, broken rules
 */
export function parseConfig(raw: Readonly<Record<string, unknown>>, region: string): FleetConfig {
  const parsed = configSchema.safeParse(raw);
  const problems = parsed.success ? [] : parsed.error.issues.flatMap((i) => problemsOf(i, raw, []));
  const config = parsed.success ? parsed.data : repaired(raw, parsed.error.issues);
  if (config !== undefined) {
    const wrong = problems.map((problem) => problem.key);
    problems.push(
      ...crossFieldProblems(config, region).filter(
        ({ key, reads = [] }) => ![key, ...reads].some((k) => wrong.some((w) => overlaps(k, w))),
      ),
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config as FleetConfig;
}

/**
 * The config without the parts that are wrong, so that the rules can judge the rest. What is left of
 * an object or a list may be wrong in turn, for want of the part: then it goes as a whole.
 */
function repaired(raw: unknown, issues: readonly Issue[]): FleetConfig | undefined {
  const copy = structuredClone(raw) as Record<string, unknown>;
  let left = issues;
  while (left.length > 0) {
    const paths = left.flatMap((issue) => wrongPaths(issue, copy));
    if (paths.some((path) => path.length === 0)) return undefined;
    // From the back, so that the places in a list stay what they are.
    for (const path of paths.reverse()) remove(copy, path);
    const again = configSchema.safeParse(copy);
    if (again.success) return again.data;
    left = again.error.issues;
  }
  return undefined;
}

/** What an issue wants away: the keys that nobody knows, the value, or what lacks one. */
function wrongPaths(issue: Issue, root: unknown): Path[] {
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => [...issue.path, key]);
  const isMissing = issue.code !== "invalid_key" && valueAt(root, issue.path) === undefined;
  return [isMissing ? issue.path.slice(0, -1) : issue.path];
}

function remove(root: Record<string, unknown>, path: Path): void {
  const parent = valueAt(root, path.slice(0, -1));
  const last = path.at(-1);
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else if (typeof parent === "object" && parent !== null)
    delete (parent as Record<PropertyKey, unknown>)[last as PropertyKey];
}

function problemsOf(issue: Issue, raw: unknown, base: Path): Problem[] {
  const path = [...base, ...issue.path];
  const key = keyOf(path);
  const value = valueAt(raw, path);
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = knownKeys(path);
      return issue.keys.map((name) =>
        problem(
          keyOf([...path, name]),
          valueAt(raw, [...path, name]),
          `${path.length === 0 ? "the keys" : `in ${key} the keys`} ${known.join(", ")}`,
          nearest(name, known),
        ),
      );
    }
    case "invalid_key": {
      const why = issue.issues[0]?.message ?? "another name";
      return [problem(key, String(path.at(-1)), `as a name: ${why}`)];
    }
    case "invalid_value": {
      const values = issue.values.map(String);
      return [problem(key, value, values.join(", "), nearest(String(value), values))];
    }
    case "invalid_union": {
      const literals = issue.errors
        .flat()
        .flatMap((e) => (e.code === "invalid_value" ? e.values.map(String) : [e.message]));
      return [problem(key, value, [...new Set(literals)].join(", "))];
    }
    case "invalid_type":
      return [
        problem(key, value, keysAt(path) ?? article(issue.expected, value) + exampleOf(path)),
      ];
    case "too_small":
    case "too_big":
      return [problem(key, value, rangeAt(path, issue) ?? bound(issue))];
    default:
      return [problem(key, value, issue.message)];
  }
}

function problem(key: string, value: unknown, allowed: string, near?: string): Problem {
  return { key, value, allowed, ...(near === undefined ? {} : { nearest: near }) };
}

/** All that a number or a list may be, where the schema has both ends of it or names its elements. */
function rangeAt(path: Path, issue: Bound): string | undefined {
  const schema = schemaAt(path);
  if (schema instanceof z.ZodNumber) {
    const { minValue: min, maxValue: max } = schema;
    // An exclusive bound, or none, is told as it is.
    if (min === null || max === null || Math.max(-min, max) >= Number.MAX_SAFE_INTEGER)
      return undefined;
    if ("inclusive" in issue && issue.inclusive === false) return undefined;
    const kind = schema.isInt ? "a whole number, " : "";
    return `${kind}${min} to ${max}${unitOf(path)}${reasonOf(issue)}`;
  }
  if (schema instanceof z.ZodArray && issue.code === "too_small" && issue.minimum === 1) {
    const element = unwrap(schema.element as z.ZodType);
    if (element instanceof z.ZodEnum) return `at least one of ${element.options.join(", ")}`;
  }
  return undefined;
}

type Bound = Extract<Issue, { code: "too_small" | "too_big" }>;

function bound(issue: Bound): string {
  const [more, less, limit] =
    issue.code === "too_small"
      ? ["more than", "at least", issue.minimum]
      : ["less than", "at most", issue.maximum];
  return `${amount(issue.origin)}${issue.inclusive === false ? more : less} ${limit}`;
}

/** What a bound is for, where the schema says it in place of the library's own sentence. */
function reasonOf({ message }: Bound): string {
  return /^Too (small|big)\b/.test(message) ? "" : `: ${message}`;
}

const units = { Seconds: "seconds", Minutes: "minutes", Hours: "hours", Days: "days" } as const;

/** The unit that a key ends in, e.g. `holdSeconds`. */
function unitOf(path: Path): string {
  const [, ending] = /(Seconds|Minutes|Hours|Days)$/.exec(String(path.at(-1))) ?? [];
  return ending === undefined ? "" : ` ${units[ending as keyof typeof units]}`;
}

/** The keys of an object, or of entries whose names are the user's own. */
function keysAt(path: Path): string | undefined {
  const schema = schemaAt(path);
  if (schema instanceof z.ZodObject)
    return `an object with the keys ${Object.keys(schema.shape).join(", ")}`;
  const entry = schema instanceof z.ZodRecord && unwrap(schema.valueType as z.ZodType);
  return entry instanceof z.ZodObject
    ? `entries by name, NAME: {…}, with the keys ${Object.keys(entry.shape).join(", ")}`
    : undefined;
}

/** How a list is written, where the schema names its elements. */
function exampleOf(path: Path): string {
  const schema = schemaAt(path);
  const element = schema instanceof z.ZodArray && unwrap(schema.element as z.ZodType);
  return element instanceof z.ZodEnum ? `, e.g. [${element.options[0]}]` : "";
}

function amount(origin: string): string {
  return origin === "array"
    ? "a list whose length is "
    : origin === "string"
      ? "a text whose length is "
      : "";
}

function article(expected: string, value: unknown): string {
  if (expected === "string" && (typeof value === "number" || typeof value === "boolean"))
    return "a text, in quotes where YAML would read a number or a truth value, e.g. '\"1.35\"'";
  const words: Record<string, string> = {
    object: "an object with named keys",
    record: "an object with named keys",
    array: "a list",
    int: "a whole number",
    boolean: "true or false",
    string: "a text",
    number: "a number",
  };
  return words[expected] ?? expected;
}

/** The keys that the schema has at a path, for the nearest one to a misspelt key. */
function knownKeys(path: Path): string[] {
  const schema = schemaAt(path);
  if (schema instanceof z.ZodRecord && schema.keyType instanceof z.ZodEnum)
    return schema.keyType.options.map(String);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** The schema of what stands at a path. */
function schemaAt(path: Path): z.ZodType | undefined {
  let schema: z.ZodType | undefined = configSchema;
  for (const step of path) {
    const inner: z.ZodType | undefined = schema && unwrap(schema);
    if (inner instanceof z.ZodObject) schema = inner.shape[String(step)] as z.ZodType | undefined;
    else if (inner instanceof z.ZodRecord) schema = inner.valueType as z.ZodType;
    else if (inner instanceof z.ZodArray) schema = inner.element as z.ZodType;
    else return undefined;
  }
  return schema && unwrap(schema);
}

/** The schema behind defaults and optionality. */
export function unwrap(schema: z.ZodType): z.ZodType {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional
  )
    return unwrap(schema.unwrap() as z.ZodType);
  return schema;
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === "object" && value !== null
        ? (value as Record<PropertyKey, unknown>)[step]
        : undefined,
    root,
  );
}

/** A path as `pulumi config set --path` writes it: `units.sd21-inf2-neuron.instanceTypes[0]`. */
export function keyOf(path: Path): string {
  return path.reduce<string>(
    (key, step) =>
      typeof step === "number"
        ? `${key}[${step}]`
        : key === ""
          ? String(step)
          : `${key}.${String(step)}`,
    "",
  );
}

function overlaps(a: string, b: string): boolean {
  const inside = (x: string, y: string) =>
    x === y || x.startsWith(`${y}.`) || x.startsWith(`${y}[`);
  return inside(a, b) || inside(b, a);
}
