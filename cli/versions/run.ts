import { ExitCode } from "../exitCode";
import { makePlan } from "../plan/makePlan";
import { readStackConfig } from "../plan/stackConfig";
import { paintFor } from "../terminal";
import { versionsOf } from "./versions";
import { versionLines } from "./versionsText";

export interface VersionsOptions {
  readonly stack: string;
  readonly json: boolean;
}

/**
 * Plans a stack, and prints the versions in the plan.
 *
 * @param root the folder of Pulumi.yaml
 * @returns the exit status
 */
export async function runVersions(root: string, { stack, json }: VersionsOptions): Promise<number> {
  const config = readStackConfig(root, stack);
  const { project } = await import("../project");
  const { document } = await makePlan(project, stack, config);
  const versions = versionsOf(document.resources);
  const text = json
    ? JSON.stringify({ project: document.project, stack, versions }, null, 2)
    : versionLines(document.project, stack, versions, paintFor(process.stdout)).join("\n");
  process.stdout.write(`${text}\n`);
  return ExitCode.ok;
}
