import type { PlanSummary } from "../../stacks/summary";
import { outputsOf, type PlanDocument, resourcesOf } from "./document";
import type { Project } from "./project";
import { type ProgramRun, runProgram } from "./runProgram";
import { type StackConfig, toPulumi } from "./stackConfig";

/** A planned environment, with everything that one or another way to show it needs. */
export interface Plan {
  readonly document: PlanDocument;
  readonly summary: PlanSummary;
  readonly run: ProgramRun;
}

/**
 * Plans one environment.
 *
 * @throws ConfigError    when the program refuses the config
 * @throws ProgramFailure when the program has a bug
 */
export async function makePlan(
  { program, summarise, evaluate }: Project,
  stack: string,
  config: StackConfig,
): Promise<Plan> {
  const run = await runProgram(program, config.project, stack, toPulumi(config));
  const summary = summarise();
  const resources = resourcesOf(run);
  return {
    run,
    summary,
    document: {
      project: config.project,
      stack,
      mode: summary.mode,
      resources,
      outputs: outputsOf(run),
      ...(evaluate?.(resources, run.registrations) ?? { policies: [], violations: [] }),
    },
  };
}
