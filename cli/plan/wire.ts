import { runtime } from "@pulumi/pulumi";

/**
 * Values as Pulumi's SDK sends them to an engine: plain JSON in which secrets, unknown values,
 * assets and references to resources are marked by a signature.
 */
export type WireValue =
  | null
  | boolean
  | number
  | string
  | readonly WireValue[]
  | { readonly [key: string]: WireValue };

export type WireObject = { readonly [key: string]: WireValue };

/** What stands in the plan where the program has a secret. */
export const SECRET = "<secret>";

/** What stands in the plan where only `pulumi up` learns the value. */
export function outputOf(name: string, property: string): string {
  return `<output of ${name}.${property}>`;
}

export const UNKNOWN = runtime.unknownValue;

export function secretOf(value: WireValue): WireObject {
  return { [runtime.specialSigKey]: runtime.specialSecretSig, value };
}

export function isSecret(value: WireValue): boolean {
  return isObject(value) && value[runtime.specialSigKey] === runtime.specialSecretSig;
}

export function referenceTo(urn: string, id: string): WireObject {
  return { [runtime.specialSigKey]: runtime.specialResourceSig, urn, id };
}

export function isObject(value: WireValue | undefined): value is WireObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Where in an input a value stands, e.g. `["spec", "rules", 0]`. */
export type WirePath = readonly (string | number)[];

/**
 * A wire value as the plan shows it: plain JSON, secrets hidden, unknown values named.
 *
 * @param nameUnknown gives the text for the unknown value at a path
 */
export function printable(
  value: WireValue,
  nameUnknown: (path: WirePath) => string,
  path: WirePath = [],
): unknown {
  if (value === UNKNOWN) return nameUnknown(path);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value))
    return value.map((element, index) => printable(element, nameUnknown, [...path, index]));
  const object = value as WireObject;
  switch (object[runtime.specialSigKey]) {
    case undefined:
      return Object.fromEntries(
        Object.entries(object).map(([key, inner]) => [
          key,
          printable(inner, nameUnknown, [...path, key]),
        ]),
      );
    case runtime.specialSecretSig:
      return SECRET;
    case runtime.specialResourceSig:
      return printable(object.id ?? object.urn ?? null, nameUnknown, path);
    case runtime.specialAssetSig:
      return isShown(object, path) ? object.text : content(object);
    case runtime.specialArchiveSig:
      return object.assets === undefined
        ? content(object)
        : printable(object.assets, nameUnknown, path);
    default:
      throw new Error(`the value at ${path.join(".")} has a signature that the plan cannot read`);
  }
}

function content({ path, uri }: WireObject): string {
  return `<${path ?? uri ?? "content"}>`;
}

/** JSON among an archive's files is settings; the others are code. */
function isShown({ text }: WireObject, path: WirePath): boolean {
  return typeof text === "string" && String(path.at(-1)).endsWith(".json");
}

/**
 * Inputs as an engine hands them back to the program as outputs. References to resources become
 * ids, for a reference would make the SDK look the resource up.
 */
export function echoed(value: WireValue): WireValue {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(echoed);
  const object = value as WireObject;
  if (object[runtime.specialSigKey] === runtime.specialResourceSig)
    return object.id ?? object.urn ?? null;
  return Object.fromEntries(Object.entries(object).map(([key, inner]) => [key, echoed(inner)]));
}
