import { runtime } from "@pulumi/pulumi";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import {
  isObject,
  isSecret,
  secretOf,
  UNKNOWN,
  type WireObject,
  type WireValue,
} from "../../../cli/plan/wire";

/** Values of Pulumi's provider protocol: protobuf structs outside, wire values inside. */

export function fromStruct(struct: Struct | undefined): WireObject {
  return (struct?.toJavaScript() ?? {}) as WireObject;
}

export function toStruct(value: WireObject): Struct {
  return Struct.fromJavaScript(value as Parameters<typeof Struct.fromJavaScript>[0]);
}

/** A value without the marks of secrets. */
export function revealed(value: WireValue): WireValue {
  return isSecret(value) ? revealed(secretIn(value)) : mapped(value, revealed);
}

/** A value in which outputs, as component providers get them, are the values that they hold. */
export function settled(value: WireValue): WireValue {
  if (!isObject(value) || value[runtime.specialSigKey] !== runtime.specialOutputValueSig)
    return mapped(value, settled);
  const held = value.value === undefined ? UNKNOWN : settled(value.value);
  return value.secret === true ? secretOf(held) : held;
}

export function hasUnknown(value: WireValue): boolean {
  if (typeof value !== "object" || value === null) return value === UNKNOWN;
  return Object.values(value).some(hasUnknown);
}

function mapped(value: WireValue, each: (inner: WireValue) => WireValue): WireValue {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(each);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, each(inner)]));
}

function secretIn(value: WireValue): WireValue {
  return (value as WireObject).value ?? null;
}
