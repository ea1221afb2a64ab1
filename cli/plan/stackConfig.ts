import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { closest } from "fastest-levenshtein";
import { parse } from "yaml";
import { UserError } from "../../contracts/userError";
import { parsePropertyPath, replaceAt } from "./propertyPath";
import { SECRET } from "./wire";

/** A stack's config as Pulumi hands it to a program: texts, objects as JSON. */
export interface PulumiConfig {
  readonly values: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
}

/** A stack's config while it can still be changed: values by whole key, `namespace:name`. */
export interface StackConfig {
  readonly project: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Keys that hold something encrypted; its text here is `<secret>`. */
  readonly secretKeys: ReadonlySet<string>;
}

/**
 * Reads Pulumi.yaml and Pulumi.STACK.yaml of a project. Encrypted values need the stack's key,
 * which a plan does not have: each stands as the text `<secret>`, and as a secret.
 *
 * @throws UserError when there is no such stack (with the stacks that there are) or a file is not YAML
 */
export function readStackConfig(root: string, stack: string): StackConfig {
  const stacks = readdirSync(root)
    .map((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1])
    .filter((name) => name !== undefined);
  if (!stacks.includes(stack)) {
    const hint = stacks.length > 0 ? ` Did you mean "${closest(stack, stacks)}"?` : "";
    throw new UserError(
      `There is no stack "${stack}"; the stacks are ${stacks.join(", ") || "none yet"}.${hint} ` +
        "A stack is a file Pulumi.NAME.yaml.",
    );
  }
  const projectFile = readYaml(join(root, "Pulumi.yaml"));
  const project = String(projectFile.name);
  const values: Record<string, unknown> = {};
  const secretKeys = new Set<string>();
  for (const [key, declared] of [
    ...Object.entries(section(projectFile.config)).map(([key, entry]) => [key, defaultOf(entry)]),
    ...Object.entries(section(readYaml(join(root, `Pulumi.${stack}.yaml`)).config)),
  ] as [string, unknown][]) {
    if (declared === undefined) continue;
    const wholeKey = key.includes(":") ? key : `${project}:${key}`;
    const value = hideEncrypted(declared);
    values[wholeKey] = value.plain;
    if (value.encrypted) secretKeys.add(wholeKey);
    else secretKeys.delete(wholeKey);
  }
  return { project, values, secretKeys };
}

/**
 * A config with `PATH=VALUE` applied, as `pulumi config set --path` would: a path without a
 * namespace is the project's, the value is YAML, and an empty one (or `null`) takes the key out.
 *
 * @throws UserError for text that is not `PATH=VALUE`, or does not fit into the config
 */
export function withAssignment(config: StackConfig, assignment: string): StackConfig {
  const { namespace, path, value } = parseAssignment(assignment);
  if (namespace !== undefined) checkNamespace(config, namespace, assignment);
  const [name, ...inner] = parsePropertyPath(path);
  const key = `${namespace ?? config.project}:${name}`;
  let replaced: unknown;
  try {
    replaced = replaceAt(config.values[key], inner, value);
  } catch (error) {
    if (error instanceof UserError)
      throw new UserError(`${assignment} cannot be set: ${error.message}`);
    throw error;
  }
  const { [key]: _, ...others } = config.values;
  return {
    ...config,
    values: replaced === undefined ? others : { ...config.values, [key]: replaced },
  };
}

/** A key that nobody reads would be set without any effect. */
function checkNamespace({ project, values }: StackConfig, namespace: string, assignment: string) {
  const known = [project, ...Object.keys(values).map((key) => key.split(":")[0] as string)];
  if (known.includes(namespace) || hasProvider(namespace)) return;
  throw new UserError(
    `"${assignment}" sets a key of "${namespace}", which nothing here reads. ` +
      `Did you mean "${closest(namespace, known)}"?`,
  );
}

function hasProvider(namespace: string): boolean {
  try {
    require.resolve(`@pulumi/${namespace}/package.json`);
    return true;
  } catch {
    return false;
  }
}

export function isAssignment(text: string): boolean {
  return text.includes("=");
}

function parseAssignment(text: string) {
  const [, namespace, path, yaml] =
    /^(?:([A-Za-z][\w-]*):)?((?:\["(?:[^"\\]|\\.)*"\]|[^="])+?)=(.*)$/s.exec(text) ?? [];
  if (path === undefined || yaml === undefined)
    throw new UserError(`"${text}" is not PATH=VALUE, e.g. mode=capacity or aws:region=us-east-1`);
  try {
    return { namespace, path, value: (parse(yaml) as unknown) ?? undefined };
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    throw new UserError(`the value in "${text}" is not YAML: ${reason}`);
  }
}

/** The texts that Pulumi would hand to the program: objects as JSON, their keys sorted. */
export function toPulumi({ values, secretKeys }: StackConfig): PulumiConfig {
  return {
    values: Object.fromEntries(
      Object.entries(values).map(([key, value]) => [
        key,
        typeof value === "object" && value !== null
          ? JSON.stringify(sorted(value))
          : String(value ?? ""),
      ]),
    ),
    secretKeys: [...secretKeys],
  };
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

function readYaml(file: string): Record<string, unknown> {
  try {
    return section(parse(readFileSync(file, "utf8")));
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

function section(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** In Pulumi.yaml a key has its value itself, or a declaration with a value or a default in it. */
function defaultOf(entry: unknown): unknown {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) return entry;
  const declaration = entry as Record<string, unknown>;
  return declaration.value ?? declaration.default;
}

function hideEncrypted(value: unknown): { plain: unknown; encrypted: boolean } {
  if (typeof value !== "object" || value === null) return { plain: value, encrypted: false };
  const entries = Object.entries(value).map(([key, inner]) => ({ key, ...hideEncrypted(inner) }));
  const [only] = entries;
  if (entries.length === 1 && only?.key === "secure" && typeof only.plain === "string")
    return { plain: SECRET, encrypted: true };
  return {
    plain: Array.isArray(value)
      ? entries.map(({ plain }) => plain)
      : Object.fromEntries(entries.map(({ key, plain }) => [key, plain])),
    encrypted: entries.some(({ encrypted }) => encrypted),
  };
}
