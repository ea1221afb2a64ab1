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

/** The config without the parts that are wrong, so that the rules can judge the rest. */
function repaired(raw: unknown, issues: readonly Issue[]): FleetConfig | undefined {
  const copy = structuredClone(raw) as Record<string, unknown>;
  for (const issue of issues) {
    const keys = issue.code === "unrecognized_keys" ? issue.keys : [undefined];
    for (const key of keys) remove(copy, key === undefined ? issue.path : [...issue.path, key]);
  }
  const again = configSchema.safeParse(copy);
  return again.success ? again.data : undefined;
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
      return [problem(key, value, article(issue.expected, value))];
    case "too_small":
      return [
        problem(
          key,
          value,
          `${amount(issue.origin)}${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}`,
        ),
      ];
    case "too_big":
      return [
        problem(
          key,
          value,
          `${amount(issue.origin)}${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}`,
        ),
      ];
    default:
      return [problem(key, value, issue.message)];
  }
}

function problem(key: string, value: unknown, allowed: string, near?: string): Problem {
  return { key, value, allowed, ...(near === undefined ? {} : { nearest: near }) };
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
  let schema: z.ZodType | undefined = configSchema;
  for (const step of path) {
    const inner: z.ZodType | undefined = schema && unwrap(schema);
    if (inner instanceof z.ZodObject) schema = inner.shape[String(step)] as z.ZodType | undefined;
    else if (inner instanceof z.ZodRecord) schema = inner.valueType as z.ZodType;
    else if (inner instanceof z.ZodArray) schema = inner.element as z.ZodType;
    else return [];
  }
  const last = schema && unwrap(schema);
  return last instanceof z.ZodObject ? Object.keys(last.shape) : [];
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
