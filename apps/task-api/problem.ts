import type * as z from "zod";
import { type ProblemCode, type ProblemField, problemCodes } from "../../contracts/tasks/api";

/** Why a request is refused: each wrong field with what may be there. */
export class Problem extends Error {
  override readonly name: string = "Problem";

  /**
   * @param message one sentence without the fields, which are named after it
   */
  constructor(
    readonly code: ProblemCode,
    message: string,
    readonly fields: readonly ProblemField[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  get status(): number {
    return problemCodes[this.code];
  }
}

/**
 * What a schema makes of a value.
 *
 * @throws Problem `invalid`, with all fields that are wrong
 */
export function valid<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  throw invalid(error.issues.flatMap((issue) => fieldsOf(issue, value)));
}

export function invalid(fields: readonly ProblemField[]): Problem {
  const [first] = fields;
  const message =
    fields.length === 1 && first !== undefined
      ? `${first.field} is wrong: ${first.allowed}`
      : `${fields.length} fields are wrong: ${fields.map(({ field }) => field).join(", ")}`;
  return new Problem("invalid", message, fields);
}

/** `content.init_images[0]`; a name that is no word in quotes: `content["a b"]`. */
export function pathOf(keys: readonly PropertyKey[]): string {
  const path = keys
    .map((key) => {
      if (typeof key === "number") return `[${key}]`;
      const name = String(key);
      return /^[\w-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
    })
    .join("");
  if (path.startsWith(".")) return path.slice(1);
  return `body${path}`;
}

/** The value where a person would want to see it: short, and no object. */
export function shown(value: unknown): { readonly value?: string | number | boolean | null } {
  if (typeof value === "string") return value.length <= SHOWN_LENGTH ? { value } : {};
  return value === null || ["number", "boolean"].includes(typeof value)
    ? { value: value as number | boolean | null }
    : {};
}

const SHOWN_LENGTH = 200;

function fieldsOf(issue: z.core.$ZodIssue, input: unknown): readonly ProblemField[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({
      field: pathOf([...issue.path, key]),
      allowed: "there is no such field",
    }));
  const value = issue.path.reduce<unknown>(
    (parent, key) => (parent as Record<PropertyKey, unknown> | undefined)?.[key],
    input,
  );
  return [{ field: pathOf(issue.path), ...shown(value), allowed: allowed(issue, value) }];
}

function allowed(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === "invalid_value") return `one of ${issue.values.join(", ")}`;
  if (issue.code === "invalid_type" && /^Invalid input/.test(issue.message)) {
    const expected = names[issue.expected] ?? issue.expected;
    return value === undefined ? `${expected}; it is missing` : expected;
  }
  return issue.message;
}

const names: Readonly<Record<string, string>> = {
  string: "a text",
  object: "an object",
  record: "an object",
  array: "a list",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};
