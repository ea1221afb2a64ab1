import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Bench } from "./bench";
import { type ProcessRun, runNode } from "./childProcess";
import { type Row, row } from "./row";

const RUNS = 7;

/** Whole processes of the plan of `dev`, in turn with ones that do not even load the policies. */
export const policiesBench: Bench = {
  about: "the plan of dev with policies, against the same without",
  measure: async ({ launcher, folder, progress }) => {
    const plan = [launcher, "plan", "--stack", "dev", "--json"];
    const without = projectWithoutPolicies(dirname(dirname(launcher)), folder);
    const measure = async (project?: string) => {
      const variable = "DIFFUSION_FLEET_PROJECT";
      if (project !== undefined) process.env[variable] = project;
      try {
        return await runNode(folder, plan);
      } finally {
        delete process.env[variable];
      }
    };
    await measure();
    const judged: ProcessRun[] = [];
    const unjudged: ProcessRun[] = [];
    for (let run = 1; run <= RUNS; run++) {
      progress(`run ${run} of ${RUNS}`);
      judged.push(await measure());
      unjudged.push(await measure(without));
    }
    const figure = (metric: string, unit: string, key: "wallSeconds" | "peakMiB"): Row =>
      row(
        { name: "policies", metric, unit, better: "lower" },
        judged.map((run) => run[key]),
        { name: "without policies", values: unjudged.map((run) => run[key]) },
      );
    return [figure("plan wall", "s", "wallSeconds"), figure("peak memory", "MiB", "peakMiB")];
  },
};

/** A folder that the launcher takes for a project: this one's program and stack, nobody to judge. */
function projectWithoutPolicies(root: string, folder: string): string {
  const project = join(folder, "without-policies");
  mkdirSync(project, { recursive: true });
  for (const file of ["Pulumi.yaml", "Pulumi.dev.yaml"])
    copyFileSync(join(root, file), join(project, file));
  const source = JSON.stringify(join(root, "cli/program"));
  writeFileSync(join(project, "project.ts"), `export { unjudged as project } from ${source};\n`);
  return project;
}
