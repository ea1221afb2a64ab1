import { createHash } from "node:crypto";

/** The account and the region that the double stands for. */
export const account = { id: "123456789012", region: "us-west-2" } as const;

/** So many hexadecimal digits that are the same whenever they are made of the same seed. */
export function digits(count: number, ...seed: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(seed)).digest("hex").slice(0, count);
}
