import { z } from "zod";
import { matches } from "./pattern";
import { stackOf } from "./resource";

/** The setting of rules that hold in production only: a stack is, unless it is known not to be. */
export const production = {
  otherStacks: z
    .array(z.string())
    .default(["dev", "dev-*", "test", "test-*", "feature-*"])
    .describe("The stacks that are not production, by name; `*` stands for any text."),
};

export function isProduction(
  { urn }: { readonly urn: string },
  { otherStacks }: { readonly otherStacks: readonly string[] },
): boolean {
  const stack = stackOf(urn);
  return !otherStacks.some((pattern) => matches(pattern, stack));
}
