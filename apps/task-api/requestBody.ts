import type { APIGatewayProxyEvent } from "aws-lambda";
import { REQUEST_BYTES } from "../../contracts/tasks/api";
import { invalid, Problem, pathOf, shown } from "./problem";

/** Deeper than workflows go, and so flat that nothing which walks the value runs out of stack. */
const MOST_LEVELS = 64;

/**
 * The JSON of a request's body.
 *
 * @throws Problem naming the body, or the field in it that is no number a program can hold
 */
export function readJson({ body, isBase64Encoded }: APIGatewayProxyEvent): unknown {
  const text = isBase64Encoded && body !== null ? Buffer.from(body, "base64").toString() : body;
  if (text === null || text.trim() === "")
    throw invalid([{ field: "body", allowed: "a JSON object; it is empty" }]);
  const bytes = Buffer.byteLength(text);
  if (bytes > REQUEST_BYTES)
    throw new Problem(
      "too-large",
      "The request is too large: ask POST /v1/uploads for a link, upload the image there, and put the answer's `reference` in its place.",
      [{ field: "body", allowed: `${REQUEST_BYTES} bytes at most; these are ${bytes}` }],
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // Only the message's end: its beginning quotes the body.
    const where = /(at position \d+|end of JSON input|after JSON)/.exec((error as Error).message);
    throw invalid([
      { field: "body", allowed: `JSON; it ends to be that ${where?.[0] ?? "at its start"}` },
    ]);
  }
  const found = unfit(value, 0);
  if (found === undefined) return value;
  const path = found.path.reverse();
  throw invalid([{ field: pathOf(path), ...shown(at(value, path)), allowed: found.allowed }]);
}

/** Whether the client says that it sends JSON. */
export function saysJson({ headers }: Pick<APIGatewayProxyEvent, "headers">): boolean {
  const type = header(headers, "content-type") ?? "";
  return /^application\/(json|[\w.+-]+\+json)\s*(;|$)/i.test(type.trim());
}

/** A header's value, however its name is written. */
export function header(
  headers: APIGatewayProxyEvent["headers"] | null,
  name: string,
): string | undefined {
  const found = Object.keys(headers ?? {}).find((key) => key.toLowerCase() === name);
  return found === undefined ? undefined : headers?.[found];
}

interface Unfit {
  /** From the inside out. */
  readonly path: PropertyKey[];
  readonly allowed: string;
}

/** The first place that is too deep, or holds a number that parsing has changed. */
function unfit(value: unknown, level: number): Unfit | undefined {
  if (typeof value === "number")
    return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
      ? undefined
      : {
          path: [],
          allowed: `a number from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`,
        };
  if (typeof value !== "object" || value === null) return undefined;
  if (level >= MOST_LEVELS)
    return { path: [], allowed: `${MOST_LEVELS} levels of lists and objects` };
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const found = unfit(value[index], level + 1);
      if (found !== undefined) return within(found, index);
    }
    return undefined;
  }
  for (const key of Object.keys(value)) {
    if (key === "__proto__") return { path: [key], allowed: "any other name" };
    const found = unfit((value as Readonly<Record<string, unknown>>)[key], level + 1);
    if (found !== undefined) return within(found, key);
  }
  return undefined;
}

function within(found: Unfit, key: PropertyKey): Unfit {
  found.path.push(key);
  return found;
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (parent, key) => (parent as Record<PropertyKey, unknown>)[key],
    value,
  );
}
