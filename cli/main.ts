import { Command, CommanderError } from "commander";
import { benchCommand } from "./bench/command";
import { demoCommand } from "./demo/command";
import { docsCommand } from "./docs/command";
import { ExitCode } from "./exitCode";
import { modelCommand } from "./model/command";
import { planCommand } from "./plan/command";
import { profileCommand } from "./profile/command";
import { routesCommand } from "./routes/command";
import { tasksCommand } from "./tasks/command";
import { versionsCommand } from "./versions/command";

/**
 * Runs the `fleet` command line.
 *
 * @param args what follows `fleet`
 * @param root the folder of the project, with its Pulumi.yaml
 * @returns the exit status
 * @throws whatever is neither the user's doing nor a result: a bug
 */
export async function main(args: readonly string[], root: string): Promise<number> {
  let status: number = ExitCode.ok;
  const finish = (code: number) => {
    status = code;
  };
  const fleet = new Command("fleet")
    .description(
      "Plan a diffusion fleet and watch it, give it models and tasks, list its versions, measure it, write its docs.",
    )
    .addCommand(planCommand(root, finish))
    .addCommand(routesCommand(finish))
    .addCommand(profileCommand(root, finish))
    .addCommand(tasksCommand(root, finish))
    .addCommand(modelCommand(root, finish))
    .addCommand(demoCommand(root, finish))
    .addCommand(versionsCommand(root, finish))
    .addCommand(benchCommand(finish))
    .addCommand(docsCommand(root));
  throwInsteadOfExit(fleet);
  try {
    await fleet.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? ExitCode.ok : ExitCode.wrongUse;
    if (!isUserError(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return ExitCode.wrongUse;
  }
  return status;
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const inner of command.commands) throwInsteadOfExit(inner);
}

/** By name, because the program's errors may come from another copy of the class. */
function isUserError(error: unknown): error is Error {
  return error instanceof Error && ["UserError", "ConfigError"].includes(error.name);
}
