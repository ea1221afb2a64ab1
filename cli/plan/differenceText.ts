import { clip, type Paint, WIDTH } from "../terminal";
import { type Change, changesBetween, type Difference } from "./difference";
import type { PlannedResource } from "./document";
import { factsOf } from "./facts";
import { kindOf } from "./tree";

/** What would change, for a person: resources with a sign, values old → new. */
export function differenceLines(
  { created, deleted, updated }: Difference,
  total: number,
  paint: Paint,
): string[] {
  const untouched = total - created.length - updated.length;
  return [
    ...created.map((resource) => paint("green", `+ ${lineOf(resource)}`)),
    ...deleted.map((resource) => paint("red", `- ${lineOf(resource)}`)),
    ...updated.flatMap(({ type, name, changes }) => [
      paint("yellow", `~ ${kindOf(type)} ${name}`),
      ...changes.flatMap(insideJson).map((change) => changeLine(change, paint)),
    ]),
    "",
    `${created.length} to create, ${updated.length} to update, ${deleted.length} to delete, ` +
      `${untouched} as they are.`,
    ...(updated.length > 0
      ? [paint("dim", "Whether an update replaces a resource is its provider's decision.")]
      : []),
  ];
}

function lineOf(resource: PlannedResource): string {
  const facts = factsOf(resource);
  const line = `${kindOf(resource.type)} ${resource.name}${facts === undefined ? "" : `: ${facts}`}`;
  return clip(line, WIDTH - 2);
}

function changeLine({ path, before, after }: Change, paint: Paint): string {
  const room = Math.max(20, WIDTH - path.length - 12);
  const values = [before, after].map((value) => clip(shown(value), Math.floor(room / 2)));
  return `    ${path}: ${values[0]} ${paint("dim", "→")} ${values[1]}`;
}

function shown(value: unknown): string {
  return value === undefined ? "(none)" : JSON.stringify(value);
}

/** A document inside a text, such as a policy, is compared as what it says. */
function insideJson(change: Change): Change[] {
  const before = document(change.before);
  const after = document(change.after);
  if (before === undefined || after === undefined) return [change];
  const inside = changesBetween(before, after);
  return inside.map((inner) => ({ ...inner, path: `${change.path} › ${inner.path}` }));
}

function document(value: unknown): object | undefined {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return undefined;
  try {
    return JSON.parse(value) as object;
  } catch {
    return undefined;
  }
}
