import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { isCollection, isMap, isNode, isScalar, type Pair, parseDocument, stringify } from "yaml";
import { UserError } from "../contracts/userError";
import { replaceAt } from "./plan/propertyPath";

/** A place below `config:`; the first step is a whole key, `PROJECT:NAME`. */
export type StackFilePath = readonly (string | number)[];

/** What has become of a value of a stack's config. */
export interface StackFileChange {
  readonly file: string;
  /** As `pulumi config set --path` takes it, e.g. `diffusion-fleet:models.sd21.artefacts.cuda`. */
  readonly key: string;
  /** Undefined: it was not there. */
  readonly before: unknown;
  readonly after: unknown;
  /** False: it was the same already, and the file is as it was. */
  readonly changed: boolean;
}

/**
 * Sets a value in Pulumi.STACK.yaml. All else in the file stays as it is, to the byte: comments,
 * order, quotes. Objects that are missing on the way to the value are made.
 *
 * @param file  where it is
 * @param path  e.g. `["diffusion-fleet:models", "sd21", "artefacts", "cuda"]`
 * @param value a text, number, list or object, as YAML has them
 * @throws UserError when the file cannot be read, is not YAML, or has something else on the way
 */
export function setInStackFile(file: string, path: StackFilePath, value: unknown): StackFileChange {
  const text = read(file);
  const key = stackKey(path);
  const content = contentOf(file, text);
  const before = valueAt(content, ["config", ...path]);
  if (isDeepStrictEqual(before, value)) return { file, key, before, after: value, changed: false };
  const edited = withStackValue(text, path, value);
  if (edited === undefined)
    throw new UserError(
      `${file} has no place for ${key}; write it by hand: ${inline(nested(path, value))}`,
    );
  const part = `${file}.part`;
  writeFileSync(part, edited);
  renameSync(part, file);
  return { file, key, before, after: value, changed: true };
}

/**
 * The text of a stack's file with another value in it.
 *
 * @returns nothing where the file is written in a way that has no place for it
 */
export function withStackValue(
  text: string,
  path: StackFilePath,
  value: unknown,
): string | undefined {
  const whole = ["config", ...path];
  const edit = editFor(text, whole, value);
  if (edit === undefined) return undefined;
  const edited = `${text.slice(0, edit.from)}${edit.text}${text.slice(edit.to)}`.replace(
    /\n*$/,
    "\n",
  );
  // Whatever the file's style does to the edit, nothing but the value changes.
  const [old, now] = [text, edited].map((each) => parseDocument(each));
  const isAsWanted =
    now!.errors.length === 0 &&
    isDeepStrictEqual(now!.toJS(), replaceAt(old!.toJS() ?? undefined, whole, value));
  return isAsWanted ? edited : undefined;
}

/** A path as `pulumi config set --path` takes it. */
export function stackKey(path: StackFilePath): string {
  return path
    .map((step, index) => {
      if (typeof step === "number") return `[${step}]`;
      if (index > 0 && /[.[\]"]/.test(step)) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join("");
}

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Nothing where the file is written in a way that has no place for it. */
function editFor(text: string, path: StackFilePath, value: unknown): Edit | undefined {
  const { contents } = parseDocument(text);
  let node: unknown = contents;
  for (const [index, step] of path.entries()) {
    const rest = path.slice(index);
    if (rest.some((each) => typeof each === "number") && !isCollection(node)) return undefined;
    if (isNothing(node)) return intoNothing(text, node, nested(rest, value));
    if (!isCollection(node)) return undefined;
    if (!node.has(step)) return isMap(node) ? intoMap(text, node, rest, value) : undefined;
    node = node.get(step, true);
  }
  if (isNothing(node)) return intoNothing(text, node, value);
  if (!isNode(node) || !node.range) return undefined;
  return { from: node.range[0], to: node.range[1], text: inline(value) };
}

/** `key:` without a value, `key: null`, or a file without anything. */
function isNothing(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

function intoNothing(text: string, node: unknown, value: unknown): Edit {
  if (!isScalar(node) || !node.range) {
    const block = stringify(value, { lineWidth: 0 });
    return { from: text.length, to: text.length, text: text === "" ? block : `\n${block}` };
  }
  const [from, to] = node.range;
  return from < to
    ? { from, to, text: inline(value) }
    : { from: afterColon(text, from), to: afterColon(text, from), text: ` ${inline(value)}` };
}

/** The place of an absent value may lie behind blanks and a comment. */
function afterColon(text: string, at: number): number {
  const lineStart = text.lastIndexOf("\n", at - 1) + 1;
  const colon = /^(?:[^#"']|"[^"]*"|'[^']*')*:(?=\s|$)/.exec(text.slice(lineStart, at));
  return colon === null ? at : lineStart + colon[0].length;
}

function intoMap(
  text: string,
  map: { readonly items: Pair[]; flow?: boolean; range?: readonly number[] | null },
  [step, ...rest]: StackFilePath,
  value: unknown,
): Edit | undefined {
  const entry = `${inline(step)}: ${inline(nested(rest, value))}`;
  const { items, flow, range } = map;
  if (!range) return undefined;
  if (items.length === 0) return { from: range[0]!, to: range[1]!, text: `{ ${entry} }` };
  if (flow) {
    const end = endOf(items.at(-1)!);
    return { from: end, to: end, text: `, ${entry}` };
  }
  let last = items.at(-1)!;
  // The end of a block lies behind the comments that follow it.
  while (isMap(last.value) && !last.value.flow && last.value.items.length > 0)
    last = last.value.items.at(-1)!;
  const firstKey = items[0]!.key;
  if (!isNode(firstKey) || !firstKey.range) return undefined;
  const indent = firstKey.range[0] - (text.lastIndexOf("\n", firstKey.range[0] - 1) + 1);
  const valueEnd = text.slice(0, endOf(last)).trimEnd().length;
  const newline = text.indexOf("\n", valueEnd);
  const end = newline < 0 ? text.length : newline;
  return { from: end, to: end, text: `\n${" ".repeat(indent)}${entry}` };
}

function endOf({ key, value }: Pair): number {
  const ends = [key, value].map((node) => (isNode(node) && node.range ? node.range[1] : 0));
  return Math.max(...ends);
}

/** YAML on one line. */
function inline(value: unknown): string {
  return stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trim();
}

function nested(path: StackFilePath, value: unknown): unknown {
  return path.reduceRight<unknown>((inner, step) => ({ [step]: inner }), value);
}

function valueAt(content: unknown, path: StackFilePath): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === "object" && value !== null
        ? (value as Record<string | number, unknown>)[step]
        : undefined,
    content,
  );
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

function contentOf(file: string, text: string): unknown {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined)
    throw new UserError(`${file} is not YAML: ${error.message.split("\n")[0]}`);
  return document.toJS() ?? undefined;
}
