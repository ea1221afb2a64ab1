import type { PlanSummary } from "../../stacks/summary";
import type { Evaluation, PlannedResource } from "./document";
import type { Registration } from "./monitor";
import type { Program } from "./runProgram";

/** What is planned. */
export interface Project {
  /** Builds everything; reads its config from Pulumi. */
  readonly program: Program;
  /** The facts behind the plan, from the config that the program ran with. */
  readonly summarise: () => PlanSummary;
  /** What the policies say of the planned resources. */
  readonly evaluate?: (
    resources: readonly PlannedResource[],
    registrations: readonly Registration[],
  ) => Evaluation;
}
