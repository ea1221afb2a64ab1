import { Command } from "commander";
import type { BenchOptions } from "./run";

/** `fleet bench`: measures what the project promises to be fast or small. */
export function benchCommand(finish: (status: number) => void): Command {
  return (
    new Command("bench")
      .description("Measure the project's promises about speed and memory.")
      .argument("[names...]", "which benches; all of them without a name")
      .option("--json", "print the rows as JSON", false)
      .option("--prepare", "only install and build what the benches need", false)
      // The library's own help cannot wait for the benches, which say themselves what they measure.
      .helpOption(false)
      .option("-h, --help", "display help for command, with every bench")
      .action(
        async (names: string[], options: BenchOptions & { help?: true }, command: Command) => {
          if (options.help) {
            const { benchLines } = await import("./listing");
            const lines = [command.helpInformation(), "Benches:", ...(await benchLines()), ""];
            process.stdout.write(lines.join("\n"));
            return;
          }
          const { runBenches } = await import("./run");
          finish(await runBenches(names, options));
        },
      )
  );
}
