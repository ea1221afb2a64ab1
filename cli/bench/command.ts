import { Command } from "commander";
import type { BenchOptions } from "./run";

/** `fleet bench`: measures what the project promises to be fast or small. */
export function benchCommand(finish: (status: number) => void): Command {
  return new Command("bench")
    .description("Measure the project's promises about speed and memory.")
    .argument("[names...]", "which benches; all of them without a name")
    .option("--json", "print the rows as JSON", false)
    .option("--prepare", "only install and build what the benches need", false)
    .action(async (names: string[], options: BenchOptions) => {
      const { runBenches } = await import("./run");
      finish(await runBenches(names, options));
    });
}
