import { isIP } from "node:net";
import type { ProblemField } from "../../contracts/tasks/api";
import { uploadId } from "../../contracts/tasks/message";
import { UPLOAD_SCHEME } from "../../contracts/tasks/task";
import { pathOf, shown } from "./problem";

/** What the content of a task may point to. */
export interface AllowedInputs {
  /** `images.example.com`, or `*.example.com` for all below it. */
  readonly hosts: readonly string[];
  readonly buckets: readonly string[];
}

/**
 * The strings of a content that point to something that may not be fetched. Where a host's name
 * leads is looked at by the agent that fetches it; here its name has to be one of the allowed.
 *
 * @param path of the content in the request
 */
export function wrongInputs(
  content: unknown,
  allowed: AllowedInputs,
  path: readonly PropertyKey[] = ["content"],
): readonly ProblemField[] {
  const found: ProblemField[] = [];
  collect(content, allowed, [...path], found);
  return found;
}

/** @param path of the value; changed on the way, as contents may have a million parts */
function collect(
  value: unknown,
  allowed: AllowedInputs,
  path: PropertyKey[],
  found: ProblemField[],
): void {
  if (typeof value === "string") {
    const why = wrongInput(value, allowed);
    if (why !== undefined) found.push({ field: pathOf(path), ...shown(value), allowed: why });
  } else if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      path.push(index);
      collect(value[index], allowed, path, found);
      path.pop();
    }
  } else if (typeof value === "object" && value !== null)
    for (const key of Object.keys(value)) {
      path.push(key);
      collect((value as Readonly<Record<string, unknown>>)[key], allowed, path, found);
      path.pop();
    }
}

/** Schemes that a runtime or a library below it might follow. What else has `://` in it is text. */
const schemes = /^[\s\p{Cc}]*(https?|s3|upload|ftps?|file|gopher|dict|ldaps?|jar|smb|wss?):[/\\]/iu;

/** Why a string may not stand in a content; undefined: it is no URL, or an allowed one. */
export function wrongInput(text: string, allowed: AllowedInputs): string | undefined {
  const scheme = schemes.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return undefined;
  if (scheme === "upload") return wrongUpload(text);
  if (scheme === "s3") return wrongObject(text, allowed.buckets);
  if (scheme === "https") return wrongUrl(text, allowed.hosts);
  return `https://, s3:// or ${UPLOAD_SCHEME}; nothing is fetched by ${scheme}`;
}

function wrongUpload(text: string): string | undefined {
  const isReference =
    text.startsWith(UPLOAD_SCHEME) && uploadId.safeParse(text.slice(UPLOAD_SCHEME.length)).success;
  return isReference ? undefined : `the \`reference\` of an upload, ${UPLOAD_SCHEME}ID`;
}

function wrongObject(text: string, buckets: readonly string[]): string | undefined {
  const [, bucket] = /^s3:\/\/([^/?#\s\\]+)\/./.exec(text) ?? [];
  if (bucket === undefined) return "s3://BUCKET/KEY";
  return buckets.includes(bucket) ? undefined : among("an object of the buckets", buckets);
}

function wrongUrl(text: string, hosts: readonly string[]): string | undefined {
  // What parsers disagree about: a backslash ends the host for some, and belongs to it for others.
  if (!/^https:\/\/[^/\s\\\p{Cc}][^\s\\\p{Cc}]*$/iu.test(text) || !URL.canParse(text))
    return "https://HOST/PATH, without spaces and backslashes";
  // As all that fetch see it: numbers in any notation become an address, names become ASCII.
  const { hostname, port, username, password } = new URL(text);
  if (username !== "" || password !== "") return "a URL without user and password";
  if (port !== "") return "a URL without a port";
  if (isIP(hostname.replace(/^\[|\]$/g, "")) !== 0) return "a URL with a host's name, no address";
  return hosts.some((host) => matches(hostname, host.toLowerCase()))
    ? undefined
    : among("a URL of the hosts", hosts);
}

function matches(hostname: string, host: string): boolean {
  if (!host.startsWith("*.")) return hostname === host;
  return hostname.endsWith(host.slice(1)) && !hostname.startsWith(".");
}

function among(what: string, names: readonly string[]): string {
  return `${what} that the stack allows: ${names.length === 0 ? "there are none" : names.join(", ")}`;
}
