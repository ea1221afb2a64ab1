import { clip, type Paint, WIDTH, wrap } from "../terminal";
import { type Change, changesBetween, type Difference, type Update } from "./difference";
import type { PlannedResource } from "./document";
import { factsOf } from "./facts";
import { kindOf } from "./tree";

const INDENT = "    ";

/** What would change, for a person: resources with a sign, values old → new. */
export function differenceLines(
  { created, deleted, updated }: Difference,
  title: string,
  total: number,
  paint: Paint,
): string[] {
  const untouched = total - created.length - updated.length;
  return [
    paint("bold", clip(title, WIDTH)),
    "",
    ...created.map((resource) => paint("green", `+ ${lineOf(resource)}`)),
    ...deleted.map((resource) => paint("red", `- ${lineOf(resource)}`)),
    ...updated.flatMap((update) => [
      paint("yellow", `~ ${kindOf(update.type)} ${update.name}`),
      ...factLines(update, paint),
      ...update.changes.flatMap(insideJson).flatMap((change) => changeLines(change, paint)),
    ]),
    ...(created.length + deleted.length + updated.length > 0 ? [""] : []),
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

/** The change in a few words, where the words are about what changes. */
function factLines({ before, after }: Update, paint: Paint): string[] {
  const [was = "", is = ""] = [factsOf(before), factsOf(after)];
  if (was === is) return [];
  return wrap(`${was} → ${is}`, WIDTH - INDENT.length).map((line) => paint("cyan", INDENT + line));
}

function changeLines({ path, before, after }: Change, paint: Paint): string[] {
  if (before === undefined) return [oneSided("+", path, after)];
  if (after === undefined) return [oneSided("-", path, before)];
  const whole: [string, string] = [shown(before), shown(after)];
  const arrow = paint("dim", "→");
  for (const [was, is] of [whole, withoutCommonStart(...whole)])
    if (`${INDENT}${path}: ${was} → ${is}`.length <= WIDTH)
      return [`${INDENT}${path}: ${was} ${arrow} ${is}`];
  const room = WIDTH - INDENT.length - 4;
  const [was, is] = withoutCommonStart(...whole);
  return [
    `${INDENT}${clip(`${path}:`, WIDTH - INDENT.length)}`,
    `${INDENT}    ${clip(was, room)}`,
    `${INDENT}  ${arrow} ${clip(is, room)}`,
  ];
}

function oneSided(sign: string, path: string, value: unknown): string {
  return `  ${sign} ${clip(`${path}: ${shown(value)}`, WIDTH - INDENT.length)}`;
}

function shown(value: unknown): string {
  return JSON.stringify(value);
}

/** Two long texts from shortly before where they differ. */
function withoutCommonStart(before: string, after: string): [string, string] {
  let common = 0;
  while (common < before.length && before[common] === after[common]) common++;
  const skip = common - 12;
  if (skip < 8) return [before, after];
  return [`…${before.slice(skip)}`, `…${after.slice(skip)}`];
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
