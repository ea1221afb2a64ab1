import { UserError } from "../../contracts/userError";

/** A place in a config: object keys and list indices, outermost first. */
export type PropertyPath = readonly [string, ...(string | number)[]];

/**
 * Reads a path as `pulumi config set --path` writes it: `units.sd21.replicas[0]["a.key"]`.
 *
 * @throws UserError naming the path and where it stops making sense
 */
export function parsePropertyPath(text: string): PropertyPath {
  const path: (string | number)[] = [];
  let rest = text;
  while (rest !== "") {
    const [whole, step] =
      nextStep(rest, path.length === 0) ?? wrong(text, text.length - rest.length);
    path.push(step);
    rest = rest.slice(whole.length);
  }
  const [first, ...inner] = path;
  if (typeof first !== "string" || first === "") return wrong(text, 0);
  return [first, ...inner];
}

/**
 * Reads a path that may leave open a key or an index: `spec.rules`, `spec.*.name`, `list[*].name`.
 *
 * @throws UserError as {@link parsePropertyPath} does
 */
export function parsePattern(text: string): PropertyPath {
  return parsePropertyPath(text.replaceAll("[*]", ".*"));
}

function nextStep(rest: string, isFirst: boolean): [string, string | number] | undefined {
  const index = /^\[(\d+)\]/.exec(rest);
  if (index && !isFirst) return [index[0], Number(index[1])];
  const quoted = /^\["((?:[^"\\]|\\.)*)"\]/.exec(rest);
  if (quoted) return [quoted[0], quoted[1]?.replace(/\\(.)/g, "$1") ?? ""];
  const name = (isFirst ? /^([^.[\]"]+)/ : /^\.([^.[\]"]+)/).exec(rest);
  return name ? [name[0], name[1] ?? ""] : undefined;
}

function wrong(text: string, position: number): never {
  throw new UserError(
    `"${text}" is not a property path (at character ${position + 1}); ` +
      'write units.name.key, lists as list[0], and keys with dots as ["a.key"]',
  );
}

/**
 * A value with one place in it replaced; what is missing on the way there is made. `undefined`
 * takes the place out.
 *
 * @throws UserError where the path leads through something that has no such place
 */
export function replaceAt(
  value: unknown,
  path: readonly (string | number)[],
  replacement: unknown,
): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return replacement;
  if (typeof step === "number") {
    const list = value ?? [];
    if (!Array.isArray(list) || step > list.length)
      throw new UserError(
        Array.isArray(list)
          ? `the list has ${list.length} elements, so there is no place for [${step}]`
          : `[${step}] needs a list, and there is ${JSON.stringify(value)}`,
      );
    const inner = replaceAt(list[step], rest, replacement);
    const tail = list.slice(step + 1);
    return [...list.slice(0, step), ...(inner === undefined ? [] : [inner]), ...tail];
  }
  const object = value ?? {};
  if (typeof object !== "object" || Array.isArray(object))
    throw new UserError(`"${step}" needs an object, and there is ${JSON.stringify(value)}`);
  const inner = replaceAt((object as Record<string, unknown>)[step], rest, replacement);
  const { [step]: _, ...others } = object as Record<string, unknown>;
  return inner === undefined ? others : { ...object, [step]: inner };
}
