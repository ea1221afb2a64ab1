import { isJsonObject, type JsonObject, type JsonValue } from "../json";

/** A string of the content that stands for an input. */
export interface InputUrl {
  /** Where it stands, e.g. `content.init_images[0]`. */
  readonly field: string;
  readonly url: string;
}

/**
 * Wholly a URL: a prompt that only begins with one stays a prompt. The guidance's agent takes
 * whatever begins with `http` or `s3://`, in any field.
 */
const INPUT_URL = /^(https?|s3|upload):\/\/\S+$/i;

/** URLs are short; a long string is an image in base64, which is not searched. */
const URL_LENGTH = 8192;

export function isInputUrl(text: string): boolean {
  return text.length <= URL_LENGTH && INPUT_URL.test(text);
}

/** All strings of the content that stand for inputs. */
export function inputUrls(content: JsonObject): readonly InputUrl[] {
  const found: InputUrl[] = [];
  replaced(content, "content", (url, field) => {
    found.push({ field, url });
    return url;
  });
  return found;
}

/** The content with each of them replaced. */
export function withInputs(
  content: JsonObject,
  replacement: (url: string) => JsonValue,
): JsonObject {
  return replaced(content, "content", replacement) as JsonObject;
}

function replaced(
  value: JsonValue,
  field: string,
  replacement: (url: string, field: string) => JsonValue,
): JsonValue {
  if (typeof value === "string") return isInputUrl(value) ? replacement(value, field) : value;
  if (Array.isArray(value))
    return value.map((item: JsonValue, index) => replaced(item, `${field}[${index}]`, replacement));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      replaced(item, `${field}${part(name)}`, replacement),
    ]),
  );
}

function part(name: string): string {
  return /^[\w-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

/** A URL as people are told of it: without what may be secret, a signature or a password. */
export function shownUrl(url: string): string {
  return url
    .replace(/[?#].*$/s, "?…")
    .replace(/^([a-z0-9]+:\/\/)[^/]*@/i, "$1…@")
    .slice(0, 300);
}
