import { parse } from "yaml";
import { UserError } from "../../contracts/userError";
import type { Licence } from "./modelSource";

/** A licence's text beside a model. */
export const LICENCE_FILE = /^LICEN[CS]E(\.(md|txt))?$/i;

/** What a licence is called that nobody has named. */
const NONE = "none";
const OTHER = "other";

/** How texts of licences begin, by the id that model cards have (the hub's docs, "Licenses"). */
const beginnings: readonly (readonly [beginning: RegExp, id: string])[] = [
  [/CreativeML Open RAIL\+\+-M/i, "openrail++"],
  [/CreativeML Open RAIL-M/i, "creativeml-openrail-m"],
  [/Apache License\s+Version 2\.0/i, "apache-2.0"],
  [/\bMIT License\b/i, "mit"],
];
const BEGINNING_CHARACTERS = 500;

/**
 * What a model card's metadata say; nothing when they name no licence.
 *
 * @param metadata `license`, and `license_name` and `license_link` where that is `other`
 * @param linkOf   of a file's name beside the card, or of whatever fits best
 */
export function licenceOfMetadata(
  metadata: unknown,
  linkOf: (file: string | undefined) => string,
): Licence | undefined {
  const {
    license,
    license_name: name,
    license_link: link,
  } = (metadata ?? {}) as Record<string, unknown>;
  const named = Array.isArray(license) ? license.join(", ") : license;
  if (typeof named !== "string" || named === "") return undefined;
  const target = typeof link === "string" && link !== "" ? link : undefined;
  return {
    id: named === OTHER && typeof name === "string" && name !== "" ? name : named,
    link: target !== undefined && URL.canParse(target) ? target : linkOf(target),
  };
}

/** What the card itself says: its front matter is metadata. */
export function licenceOfCard(
  card: string,
  linkOf: (file: string | undefined) => string,
): Licence | undefined {
  const [, front] = /^---\r?\n(.*?)\r?\n---/s.exec(card) ?? [];
  if (front === undefined) return undefined;
  try {
    return licenceOfMetadata(parse(front), linkOf);
  } catch {
    return undefined;
  }
}

export function licenceOfText(text: string, link: string): Licence {
  const beginning = text.slice(0, BEGINNING_CHARACTERS);
  return { id: beginnings.find(([pattern]) => pattern.test(beginning))?.[1] ?? OTHER, link };
}

export function noLicence(link: string): Licence {
  return { id: NONE, link };
}

/** Asks a person; absent where there is none to ask. */
export type Ask = (question: string) => Promise<string>;

/**
 * Returns when the licence is accepted, by `--accept-licence` or by typing its id.
 *
 * @throws UserError otherwise
 */
export async function acceptLicence(
  { id, link }: Licence,
  given: string | undefined,
  ask: Ask | undefined,
): Promise<void> {
  const what =
    id === NONE
      ? `Nothing at ${link} names a licence: ask whoever made the model. If it is yours to use, its name here is "${NONE}".`
      : `The model's licence is "${id}": ${link}`;
  const accepted = given ?? (ask && (await ask(`${what}\nType "${id}" to accept it: `)).trim());
  if (accepted === id) return;
  throw new UserError(
    accepted === undefined
      ? `${what}\nRead it, and accept it by --accept-licence '${id}'.`
      : `${what}\n${given === undefined ? "The answer" : "--accept-licence"} is "${accepted}"; allowed: ${id}. Nothing is sent.`,
  );
}
