import type { Resource } from "../../policy/resource";
import { guarded, isPlaceholder } from "../../policy/unknown";

/** Resources for tests of rules, as a plan shows them and as Pulumi's engine does. */

/** As a plan prints a value that nobody knows before `pulumi up`. */
export const unknown = "<output of other.value>";

/** A resource that both worlds can be made of: its properties are as a plan prints them. */
export interface Subject extends Omit<Resource, "props" | "provider"> {
  readonly props: Readonly<Record<string, unknown>>;
  readonly provider: Readonly<Record<string, unknown>> | undefined;
}

export interface Circumstances {
  readonly name?: string;
  readonly stack?: "dev" | "prod";
  readonly protect?: boolean;
  /** The settings of the provider that makes it. */
  readonly provider?: Readonly<Record<string, unknown>>;
  /** By property, what it was computed from. */
  readonly from?: Readonly<Record<string, Subject | readonly Subject[]>>;
}

export function subject(
  type: string,
  props: Readonly<Record<string, unknown>> = {},
  { name = "it", stack = "dev", protect = false, provider, from = {} }: Circumstances = {},
): Subject {
  return {
    urn: `urn:pulumi:${stack}::diffusion-fleet::${type}::${name}`,
    type,
    name,
    props,
    protect,
    provider,
    sources: new Map(
      Object.entries(from).map(([property, origins]) => [
        property,
        [origins].flat().map(({ urn }) => urn),
      ]),
    ),
  };
}

/** A way to look at a resource: where the rules run. */
export type World = (subject: Subject) => Resource;

/** In process, over a plan. */
export const inPlan: World = (subject) => ({
  ...subject,
  props: guarded(subject.props),
  provider: guarded(subject.provider),
});

interface Proxy {
  unknownCheckingProxy<T>(value: T): T;
  readonly unknownStringValue: string;
}

// The SDK's own, which its server puts around what the engine sends; it declares no types.
const { unknownCheckingProxy, unknownStringValue } = require("@pulumi/policy/proxy") as Proxy;

/** In Pulumi's engine, during a preview: a text with an unknown part is unknown as a whole. */
export const inEngine: World = (subject) => ({
  ...subject,
  props: unknownCheckingProxy(asSent(subject.props)),
  provider: unknownCheckingProxy(asSent(subject.provider)),
});

function asSent<T>(value: T): T {
  if (typeof value === "string" && hasUnknownPart(value)) return unknownStringValue as T;
  if (Array.isArray(value)) return value.map(asSent) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, asSent(it)])) as T;
}

function hasUnknownPart(text: string): boolean {
  return isPlaceholder(text) || /<output of [^<>]+>/.test(text);
}

/** Whether the engine knows less of a resource than a plan: it has texts with unknown parts. */
export function isPartlyKnown(value: unknown): boolean {
  if (typeof value === "string") return hasUnknownPart(value) && !isPlaceholder(value);
  return typeof value === "object" && value !== null && Object.values(value).some(isPartlyKnown);
}

/** A policy document as the program writes them. */
export function document(...statements: readonly Readonly<Record<string, unknown>>[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}
