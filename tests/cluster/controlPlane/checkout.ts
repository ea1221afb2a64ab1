import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The root of the checkout; a bench's code runs from a bundle in a folder of its own. */
export function checkoutRoot(from = __dirname): string {
  if (existsSync(join(from, "Pulumi.yaml"))) return from;
  if (dirname(from) === from) throw new Error(`no Pulumi.yaml above ${__dirname}`);
  return checkoutRoot(dirname(from));
}
