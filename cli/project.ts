import program from "../index";
import { readConfig } from "../stacks/config/read";
import { type PlanSummary, summarise } from "../stacks/summary";
import type { Evaluation, PlannedResource } from "./plan/document";
import type { Program } from "./plan/runProgram";

/** What the command line works on; a test puts a file of its own in this one's place. */
export interface Project {
  /** Builds everything; reads its config from Pulumi. */
  readonly program: Program;
  /** The facts behind the plan, from the config that the program ran with. */
  readonly summarise: () => PlanSummary;
  /** What the policies say of the planned resources. */
  readonly evaluate?: (resources: readonly PlannedResource[]) => Evaluation;
}

export const project: Project = {
  program,
  summarise: () => {
    const { config, aws } = readConfig();
    return summarise(config, aws.region);
  },
};
