import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { readStackConfig, withAssignment } from "../../../cli/plan/stackConfig";

const root = resolve(__dirname, "../../..");

/**
 * Writes a project with stack dev as it is here after some assignments of `--set`, for
 * DIFFUSION_FLEET_PROJECT.
 *
 * @param folder is there, and gets the project's files
 */
export function writeProject(folder: string, assignments: readonly string[]): void {
  const { project, values } = assignments.reduce(withAssignment, readStackConfig(root, "dev"));
  const program = JSON.stringify(join(root, "cli/project"));
  writeFileSync(join(folder, "Pulumi.yaml"), stringify({ name: project, runtime: "nodejs" }));
  writeFileSync(join(folder, "Pulumi.dev.yaml"), stringify({ config: values }));
  writeFileSync(join(folder, "project.ts"), `export { project } from ${program};\n`);
}
