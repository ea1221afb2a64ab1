import type * as z from "zod";
import { UserError } from "../../contracts/userError";

/**
 * Marks a setting whose value may not be shown, neither in an error nor in a log:
 * `secret(z.string().min(20))`.
 */
export function secret<T extends z.ZodType>(schema: T): T {
  return schema.meta({ ...schema.meta(), secret: true }) as T;
}

/**
 * Reads an app's settings from the environment. The schema's keys are the variables' names; numbers
 * by `z.coerce.number()`, yes or no by `z.stringbool()`. An empty variable counts as one that is
 * not set. A misspelt variable cannot be told from somebody else's.
 *
 * @throws UserError that names all that is missing or wrong, a line each
 */
export function readSettings<T extends z.ZodObject>(
  schema: T,
  env: NodeJS.ProcessEnv = process.env,
): z.output<T> {
  const given = Object.fromEntries(
    Object.keys(schema.shape)
      .filter((name) => env[name])
      .map((name) => [name, env[name]]),
  );
  const { success, data, error } = schema.safeParse(given);
  if (success) return data;
  const problems = error.issues.map((issue) => problem(schema, given, issue));
  throw new UserError(
    `the environment is wrong:\n${problems.map((line) => `  ${line}`).join("\n")}`,
  );
}

function problem(
  schema: z.ZodObject,
  given: Readonly<Record<string, string | undefined>>,
  { path: [key], message }: z.core.$ZodIssue,
): string {
  // Of a rule about several settings at once.
  if (key === undefined) return message;
  const name = String(key);
  const field = schema.shape[name] as z.ZodType | undefined;
  const description = field && metaOf(field, "description");
  const isSecret = field !== undefined && metaOf(field, "secret") === true;
  const about = description === undefined ? "" : ` (${description})`;
  const value = given[name];
  if (value === undefined) return `${name} is not set${about}: ${allowed(field, message)}`;
  const shown = isSecret ? "has a value that is not allowed" : `is ${JSON.stringify(value)}`;
  // A message of zod's may repeat the value.
  const why = isSecret ? message.split(value).join("…") : message;
  return `${name} ${shown}${about}: ${why}`;
}

/** What a schema is marked with, or one that it wraps, e.g. to give it a default. */
function metaOf(schema: z.ZodType, key: string): unknown {
  const { [key]: found } = (schema.meta() ?? {}) as Record<string, unknown>;
  if (found !== undefined) return found;
  const { innerType, in: input } = schema.def as { innerType?: z.ZodType; in?: z.ZodType };
  const inner = innerType ?? input;
  return inner === undefined ? undefined : metaOf(inner, key);
}

/** What may be set, for a variable that is not: zod would only say that it is undefined. */
function allowed(field: z.ZodType | undefined, message: string): string {
  // The least that is not allowed, so that it says what is.
  const issues = field?.safeParse("").error?.issues ?? [];
  const said = issues.map((issue) => issue.message).join("; ");
  return said || message.replace(/, received .*$/, "");
}
