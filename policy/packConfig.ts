import { closest } from "fastest-levenshtein";
import type { z } from "zod";
import { UserError } from "../contracts/userError";
import type { Level, Rule } from "./rule";

/**
 * What this project has decided about rules: levels and thresholds by rule's name, in the format of
 * Pulumi's `--policy-pack-config`.
 */
export type PackConfig = Readonly<
  Record<
    string,
    Level | ({ readonly enforcementLevel?: Level } & Readonly<Record<string, unknown>>)
  >
>;

/** A rule with what has been decided about it. */
export interface ConfiguredRule {
  readonly rule: Rule;
  readonly level: Level;
  readonly config: never;
}

const levels: readonly string[] = ["advisory", "mandatory", "disabled"] satisfies Level[];

/**
 * @throws UserError naming every unknown rule, level and threshold that is not allowed
 */
export function configured(rules: readonly Rule[], config: PackConfig): ConfiguredRule[] {
  const known = rules.map(({ name }) => name);
  const mistakes = Object.keys(config)
    .filter((name) => !known.includes(name))
    .map((name) => `${name}: there is no such rule; did you mean ${closest(name, known)}?`);
  const result = rules.map((rule): ConfiguredRule => {
    const { enforcementLevel = rule.level, ...settings } = settingsOf(config[rule.name]);
    if (!levels.includes(enforcementLevel))
      mistakes.push(
        `${rule.name}: the level "${enforcementLevel}" is none of ${levels.join(", ")}`,
      );
    const parsed = rule.config.safeParse(settings);
    if (!parsed.success)
      for (const issue of parsed.error.issues)
        mistakes.push(`${[rule.name, ...issue.path].join(".")}: ${explained(issue, rule)}`);
    return { rule, level: enforcementLevel, config: parsed.data as never };
  });
  if (mistakes.length > 0)
    throw new UserError(["policy/config.json:", ...mistakes.map((it) => `  ${it}`)].join("\n"));
  return result;
}

/** What is wrong with a setting, and what the rule has. */
function explained(issue: z.core.$ZodIssue, { config }: Rule): string {
  if (issue.code !== "unrecognized_keys" || issue.path.length > 0) return issue.message;
  const settings = ["enforcementLevel", ...Object.keys(config.shape)];
  return `${issue.keys.join(", ")} is no setting of this rule; it has ${settings.join(", ")}`;
}

/** A rule's decided level and settings, as one object. */
export function settingsOf(
  decided: PackConfig[string] | undefined,
): { readonly enforcementLevel?: Level } & Readonly<Record<string, unknown>> {
  return typeof decided === "string" ? { enforcementLevel: decided } : (decided ?? {});
}
