import { Command } from "commander";
import type { PlanOptions } from "./run";

/** `fleet plan`: what `pulumi up` would build, without an AWS account and without Pulumi's CLI. */
export function planCommand(root: string, finish: (status: number) => void): Command {
  return new Command("plan")
    .description("Show what `pulumi up` would build, without an AWS account or the Pulumi CLI.")
    .option("-s, --stack <name>", "the stack to plan", "dev")
    .option("--set <path=value...>", "plan with a config key set, e.g. mode=capacity", [])
    .option(
      "--against <stack or path=value...>",
      "show only what would change, coming from another stack or from other config",
      [],
    )
    .option("--json", "print one JSON document", false)
    .option("--full", "list every resource", false)
    .option("--html <file>", "write the plan as a web page")
    .option("--svg <file>", "write the picture of the planned system")
    .allowExcessArguments(false)
    .action(async (options: PlanOptions) => {
      const { runPlan } = await import("./run");
      finish(await runPlan(root, options));
    });
}
