import { runtime } from "@pulumi/pulumi";
import { isSecret, printable, SECRET, type WireValue } from "../../cli/plan/wire";

/** The plan hashes a text that has placeholders, and nobody can tell from the hash. */
const HASH_OF_OUTPUTS = /task-api-deployment\.triggers\.document$/;
const SHA_256 = /^[0-9a-f]{64}$/;

const PLACEHOLDER = /<output of [^<>]+>/;

/**
 * Where a real value is not what a plan said, by path; an output that the plan names may be
 * anything, and a secret anything that is one.
 */
export function mismatches(planned: unknown, real: unknown, path: string): string[] {
  if (planned === SECRET) return isSecret(real as WireValue) ? [] : [`${path} is no secret`];
  if (isArchive(real))
    return mismatches(
      planned,
      printable(real, () => "", []),
      path,
    );
  if (HASH_OF_OUTPUTS.test(path)) return SHA_256.test(String(real)) ? [] : [differs()];
  if (typeof planned === "string") return isFilledIn(planned, real) ? [] : [differs()];
  if (typeof planned !== "object" || planned === null)
    return Object.is(planned, real) ? [] : [differs()];
  if (typeof real !== "object" || real === null || Array.isArray(planned) !== Array.isArray(real))
    return [differs()];
  const keys = new Set([...Object.keys(planned), ...Object.keys(real)]);
  return [...keys].flatMap((key) =>
    mismatches(
      (planned as Record<string, unknown>)[key],
      (real as Record<string, unknown>)[key],
      `${path}.${key}`,
    ),
  );

  function differs(): string {
    return `${path} is ${JSON.stringify(real)}, and was planned as ${JSON.stringify(planned)}`;
  }
}

function isArchive(value: unknown): value is WireValue {
  const signature = (value as Record<string, unknown> | null | undefined)?.[runtime.specialSigKey];
  return signature === runtime.specialArchiveSig || signature === runtime.specialAssetSig;
}

function isFilledIn(planned: string, real: unknown): boolean {
  const [first = "", ...rest] = planned.split(PLACEHOLDER);
  if (rest.length === 1 && first === "" && rest[0] === "") return real !== undefined;
  const pattern = [first, ...rest].map(escaped).join("[^<>]+");
  return typeof real === "string" && new RegExp(`^${pattern}$`, "s").test(real);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
