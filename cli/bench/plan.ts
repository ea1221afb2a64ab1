import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "./bench";
import { type ProcessRun, runNode } from "./childProcess";
import { type Row, row } from "./row";

const RUNS = 5;

/** Whole processes of the plan of `dev`, in turn with processes that only import its packages. */
export const planBench: Bench = {
  about: "the plan of dev, against a process that only imports the same packages",
  measure: async ({ launcher, folder, progress }) => {
    const plan = [launcher, "plan", "--stack", "dev", "--json"];
    progress("which packages the plan imports");
    const { packages } = await runNode(folder, plan, folder);
    const imports = join(folder, "bench-imports.cjs");
    writeFileSync(imports, packages.map((name) => `require(${JSON.stringify(name)});\n`).join(""));

    await runNode(folder, [imports]);
    const planned: ProcessRun[] = [];
    const imported: ProcessRun[] = [];
    for (let run = 1; run <= RUNS; run++) {
      progress(`run ${run} of ${RUNS}`);
      planned.push(await runNode(folder, plan));
      imported.push(await runNode(folder, [imports]));
    }
    const figure = (metric: string, unit: string, key: "wallSeconds" | "peakMiB"): Row =>
      row(
        { name: "plan", metric, unit, better: "lower" },
        planned.map((run) => run[key]),
        { name: "bare imports", values: imported.map((run) => run[key]) },
      );
    return [figure("wall", "s", "wallSeconds"), figure("peak memory", "MiB", "peakMiB")];
  },
};
