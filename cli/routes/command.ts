import { Command } from "commander";
import type { RoutesOptions } from "./run";

/** What the config calls the units' namespace where it does not say otherwise. */
export const defaultNamespace = "diffusion-fleet";

/** `fleet routes`: where a running cluster sends traffic, and why. */
export function routesCommand(finish: (status: number) => void): Command {
  return new Command("routes")
    .description("Show the modes, evidence, pins and weights of a running cluster.")
    .option("--kubeconfig <file>", "how the cluster is reached; default: as kubectl does")
    .option("--context <name>", "the kubeconfig's context; default: its current one")
    .option("-n, --namespace <name>", "the units' namespace", defaultNamespace)
    .option("--model <name>", "this model only")
    .option("--json", "print one JSON document", false)
    .option("--watch", "go on, and show what changes", false)
    .allowExcessArguments(false)
    .action(async (options: RoutesOptions) => {
      const { runRoutes } = await import("./run");
      finish(await runRoutes(options));
    });
}
