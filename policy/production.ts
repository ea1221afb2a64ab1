import { z } from "zod";
import { stackOf } from "./resource";

/** The setting of rules that hold in production only. */
export const production = {
  productionStacks: z
    .array(z.string())
    .default(["prod"])
    .describe("The stacks that are production, by name."),
};

export function isProduction(
  { urn }: { readonly urn: string },
  { productionStacks }: { readonly productionStacks: readonly string[] },
): boolean {
  return productionStacks.includes(stackOf(urn));
}
