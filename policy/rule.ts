import { z } from "zod";
import type { Resource, Stack } from "./resource";

export type Level = "advisory" | "mandatory" | "disabled";

interface About {
  /** Unique, kebab-case; what is written in policy/config.json and printed with a violation. */
  readonly name: string;
  readonly level: Level;
  /** What goes wrong where the rule is not kept. */
  readonly protectsFrom: string;
  /** What to do about a violation. */
  readonly remedy: string;
  /** Type tokens of the resources that it looks at. */
  readonly types: readonly string[];
}

/** Says what is wrong with the resource that is looked at: names the property and the value. */
export type Report = (message: string) => void;

/** A rule that can judge a resource by itself, before it is made. */
export interface ResourceRule extends About {
  readonly sees: "resource";
  readonly config: z.ZodObject;
  readonly check: (resource: Resource, report: Report, config: never) => void;
}

/** A rule that judges a resource by what else there is. */
export interface StackRule extends About {
  readonly sees: "stack";
  readonly config: z.ZodObject;
  readonly check: (resource: Resource, stack: Stack, report: Report, config: never) => void;
}

export type Rule = ResourceRule | StackRule;

/** Rules of one area, as docs/policies.md groups them. */
export interface Area {
  readonly title: string;
  readonly rules: readonly Rule[];
}

type Settings<S extends z.ZodRawShape> = z.output<z.ZodObject<S>>;

export function resourceRule<S extends z.ZodRawShape = Record<never, never>>(
  rule: About & {
    /** Thresholds that are a choice, each with a default. */
    readonly config?: S;
    readonly check: (resource: Resource, report: Report, config: Settings<S>) => void;
  },
): Rule {
  return { ...rule, sees: "resource", config: z.strictObject(rule.config ?? {}) };
}

export function stackRule<S extends z.ZodRawShape = Record<never, never>>(
  rule: About & {
    /** Thresholds that are a choice, each with a default. */
    readonly config?: S;
    readonly check: (resource: Resource, stack: Stack, report: Report, config: Settings<S>) => void;
  },
): Rule {
  return { ...rule, sees: "stack", config: z.strictObject(rule.config ?? {}) };
}
