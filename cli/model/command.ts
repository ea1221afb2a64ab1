import { Command, Option } from "commander";
import type { AddOptions } from "./add";
import type { PackOptions } from "./pack";

const DEFAULT_STACK = "dev";

/** `fleet model`: bring models into the bucket that pods load them from. */
export function modelCommand(root: string, finish: (status: number) => void): Command {
  const model = new Command("model").description("Import models into the stack's bucket.");
  model
    .command("add <name>")
    .description(
      "Import a model from a folder or the Hugging Face hub: the files that its pipeline needs, and a manifest of their hashes.",
    )
    .allowExcessArguments(false)
    .requiredOption("--from <source>", "a folder, or OWNER/NAME[@REVISION] of the hub")
    .requiredOption("--framework <name>", "what is to run it: cuda, triton or neuron")
    .addOption(new Option("--stack <name>", "the environment").default(DEFAULT_STACK))
    .option("--bucket <name>", "where to; default: the stack's bucket")
    .option("--accept-licence <id>", "the model's licence, which you have read and accept")
    .option("--token-env <name>", "environment variable with a token of the hub; default: HF_TOKEN")
    .option("--token-secret <id>", "secret of AWS Secrets Manager with it: an ARN or a name")
    .option("--apply", "write the hash into the stack's file", false)
    .option("--json", "print one JSON document", false)
    .option("--dry-run", "look at everything and send nothing", false)
    .action(async (name: string, options: AddOptions & { readonly json: boolean }) => {
      // What it does is loaded when it is used, because plans need no AWS SDK.
      const { runAdd } = await import("./add");
      finish(await runAdd(root, name, options));
    });
  model
    .command("pack <name>")
    .description(
      "Put our server beside an imported model, for a container that SageMaker caches: an artefact of its own, in the same bucket.",
    )
    .allowExcessArguments(false)
    .requiredOption("--framework <name>", "what runs it: cuda")
    .requiredOption("--container <image>", "the container's image, with its tag")
    .addOption(new Option("--stack <name>", "the environment").default(DEFAULT_STACK))
    .option("--bucket <name>", "where it is; default: the stack's bucket")
    .option("--artefact <hash>", "the import; default: the one in the stack's file")
    .option(
      "--at <key>",
      "who is to load it, below sagemaker: componentEndpoints.ENDPOINT.components.COMPONENT",
    )
    .option("--apply", "write the hash there, into the stack's file", false)
    .option("--json", "print one JSON document", false)
    .option("--dry-run", "look at everything and send nothing", false)
    .action(async (name: string, options: PackOptions & { readonly json: boolean }) => {
      const { runPack } = await import("./pack");
      finish(await runPack(root, name, options));
    });
  return model;
}
