import { PROJECT_TAG, STACK_TAG } from "../contracts/tags";
import type { Scope } from "./scope";

/** What every AWS resource of an environment carries; `more` cannot replace it. */
export function environmentTags(
  { project, stack }: Pick<Scope, "project" | "stack">,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return { ...more, [PROJECT_TAG]: project, [STACK_TAG]: stack };
}
