import { isSecret, SECRET, type WireValue } from "../../cli/plan/wire";

const PLACEHOLDER = /<output of [^<>]+>/;

/**
 * Where a real value is not what a plan said, by path; an output that the plan names may be
 * anything, and a secret anything that is one.
 */
export function mismatches(planned: unknown, real: unknown, path: string): string[] {
  if (planned === SECRET) return isSecret(real as WireValue) ? [] : [`${path} is no secret`];
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

function isFilledIn(planned: string, real: unknown): boolean {
  const [first = "", ...rest] = planned.split(PLACEHOLDER);
  if (rest.length === 1 && first === "" && rest[0] === "") return real !== undefined;
  const pattern = [first, ...rest].map(escaped).join("[^<>]+");
  return typeof real === "string" && new RegExp(`^${pattern}$`, "s").test(real);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
