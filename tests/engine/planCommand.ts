import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";

const root = resolve(__dirname, "../..");

/** What `fleet plan --against … --json` prints. */
export interface PlannedDifference {
  readonly created: readonly string[];
  readonly deleted: readonly string[];
  readonly updated: readonly { readonly urn: string; readonly paths: readonly string[] }[];
}

/** Asks the command line what a change of a stack's config would change. */
export async function planAgainst(
  stack: string,
  ...assignments: readonly string[]
): Promise<PlannedDifference> {
  const set = assignments.flatMap((assignment) => ["--set", assignment]);
  const args = ["plan", "--stack", stack, ...set, "--against", stack, "--json"];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [resolve(root, "cli/fleet.mjs"), ...args],
    { cwd: root, maxBuffer: 64 * 1024 * 1024 },
  );
  return JSON.parse(stdout) as PlannedDifference;
}
