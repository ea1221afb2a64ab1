import type { Scope } from "./scope";

/** The tags that tell one environment's resources and costs from another's. */
export const PROJECT_TAG = "diffusion-fleet:project";
export const STACK_TAG = "diffusion-fleet:stack";

/** What every AWS resource of an environment carries; `more` cannot replace it. */
export function environmentTags(
  { project, stack }: Pick<Scope, "project" | "stack">,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return { ...more, [PROJECT_TAG]: project, [STACK_TAG]: stack };
}
