import { Command } from "commander";
import type { VersionsOptions } from "./run";

/** `fleet versions`: everything of others' that a stack installs or runs. */
export function versionsCommand(root: string, finish: (status: number) => void): Command {
  return new Command("versions")
    .description("List the charts, CRDs, add-ons, machine and container images that a stack pins.")
    .option("-s, --stack <name>", "the stack", "dev")
    .option("--json", "print one JSON document", false)
    .allowExcessArguments(false)
    .action(async (options: VersionsOptions) => {
      const { runVersions } = await import("./run");
      finish(await runVersions(root, options));
    });
}
