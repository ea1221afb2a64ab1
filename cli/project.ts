import program from "../index";
import { readConfig } from "../stacks/config/read";
import { type PlanSummary, summarise } from "../stacks/summary";
import type { Program } from "./plan/runProgram";

/** What the command line works on; a test puts a file of its own in this one's place. */
export interface Project {
  /** Builds everything; reads its config from Pulumi. */
  readonly program: Program;
  /** The facts behind the plan, from the config that the program ran with. */
  readonly summarise: () => PlanSummary;
}

export const project: Project = {
  program,
  summarise: () => {
    const { config, region } = readConfig();
    return summarise(config, region);
  },
};
