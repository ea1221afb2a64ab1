import { Command, Option } from "commander";
import { breakingPoint } from "../../fleet/targets";
import type { ProfileOptions } from "./settings";

/** `fleet profile`: how much a unit's server can take. */
export function profileCommand(root: string, finish: (status: number) => void): Command {
  return new Command("profile")
    .description(
      "Load a server of images more and more, and find its breaking point: a measurement for the config.",
    )
    .requiredOption(
      "--url <url>",
      "the server, e.g. http://localhost:8000; one replica of one unit",
    )
    .option(
      "--objective <duration>",
      "the latency that nine of ten requests are to keep",
      `${breakingPoint.latencySeconds * 1000}ms`,
    )
    .option(
      "--max-utilisation <percentage>",
      "how busy a device may be, where the server says it",
      `${breakingPoint.utilisation * 100}%`,
    )
    .option("--unit <name>", "the unit that it is, for its price and for --apply")
    .option("--stack <name>", "the environment whose config has the unit", "dev")
    .option("--prompt <text>", "what to draw", "a lighthouse at night")
    .option("--size <size>", "WIDTHxHEIGHT; default: the server's")
    .option("--steps <n>", "denoising steps; default: the model's")
    .option("--api-key-file <file>", "a file with the key to send")
    .option("--start-rate <n>", "requests a second of the first step", "0.5")
    .option("--growth <factor>", "each step's rate is the last one's times this", "1.25")
    .option("--step-seconds <n>", "how long requests are sent at one rate", "30")
    .option("--max-rate <n>", "requests a second, at most", "100")
    .option("--max-requests <n>", "requests that are sent, at most", "2000")
    .option("--out <file>", "write the result there, as JSON")
    .option("--svg <file>", "draw throughput and latency over the load there")
    .option("--json", "print the result as JSON", false)
    .addOption(
      new Option("--apply", "write the measurement of --unit into Pulumi.STACK.yaml").default(
        false,
      ),
    )
    .allowExcessArguments(false)
    .action(async (options: ProfileOptions) => {
      const { runProfile } = await import("./run");
      finish(await runProfile(root, options));
    });
}
