import { Command, InvalidArgumentError, Option } from "commander";
import type { AsyncDemoOptions } from "./asyncDemo";

/** `fleet demo`: paths of the program at work on one machine, without AWS. */
export function demoCommand(root: string, finish: (status: number) => void): Command {
  const demo = new Command("demo").description("Run a serving path on this machine, without AWS.");
  demo
    .command("async")
    .description(
      "Run the asynchronous path: the API, the queues, agents, and a runtime that draws; moto plays AWS.",
    )
    .option("--tasks <n>", "how many tasks", wholeNumber(1, 10_000), 20)
    .option("--agents <n>", "how many agents, each with a runtime", wholeNumber(1, 32), 2)
    .option("--stack <name>", "whose queues, filters, table, buckets and settings", "dev")
    .option("--keep <folder>", "where to put the images; default: a new folder")
    .option("--json", "print one JSON object", false)
    .addOption(
      new Option(
        "--serve",
        "submit nothing; API and agents stay up for `fleet tasks`, until Ctrl-C",
      )
        .default(false)
        .conflicts(["tasks", "keep", "json"]),
    )
    .allowExcessArguments(false)
    .action(async (options: AsyncDemoOptions) => {
      const { runAsyncDemo } = await import("./asyncDemo");
      finish(await runAsyncDemo(root, options));
    });
  return demo;
}

function wholeNumber(least: number, most: number) {
  return (text: string) => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < least || number > most)
      throw new InvalidArgumentError(`It is to be a whole number from ${least} to ${most}.`);
    return number;
  };
}
