import { isJsonObject, type JsonValue } from "../json";

/** Most characters of a message: it goes into a record and a notification. */
const MESSAGE_LENGTH = 500;

/**
 * What a runtime says is wrong, from an error's body: `error.message` (OpenAI), `detail` as text or
 * as a list of `loc` and `msg` (FastAPI), `errors` (WebUI's unexpected errors), `error`, `reasons`
 * (our readiness); else the text itself, unless it is a page.
 *
 * @param describe a runtime's own way to say it, asked first
 */
export function errorMessage(
  text: string,
  describe: (answer: JsonValue) => string | undefined = () => undefined,
): string {
  const answer = parsed(text);
  const said =
    (answer === undefined ? undefined : describe(answer)) ??
    messageIn(answer) ??
    (/^\s*</.test(text) ? "" : text);
  const line = said.replace(/\s+/g, " ").trim();
  return line.length > MESSAGE_LENGTH ? `${line.slice(0, MESSAGE_LENGTH - 1)}…` : line;
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function messageIn(value: JsonValue | undefined): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  if (!isJsonObject(value)) return undefined;
  return (
    messageIn(value.message) ??
    detail(value.detail) ??
    messageIn(value.errors) ??
    messageIn(value.error) ??
    (Array.isArray(value.reasons) ? value.reasons.map(String).join("; ") : undefined)
  );
}

function detail(value: JsonValue | undefined): string | undefined {
  if (!Array.isArray(value)) return messageIn(value);
  const problems = (value as readonly JsonValue[]).filter(isJsonObject).map(({ loc, msg }) => {
    const field = Array.isArray(loc) ? loc.filter((part) => part !== "body").join(".") : "";
    return field === "" ? String(msg) : `${field}: ${String(msg)}`;
  });
  return problems.length === 0 ? undefined : problems.join("; ");
}
