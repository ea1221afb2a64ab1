import { Command, InvalidArgumentError, Option } from "commander";
import type { ApiOptions } from "./api";
import type { QueueOptions } from "./deadLetters";
import type { SubmitOptions } from "./submit";

const DEFAULT_STACK = "dev";

type Finish = (status: number) => void;

/** `fleet tasks`: submit tasks, follow them, get their results; see dead letters and bring them back. */
export function tasksCommand(root: string, finish: Finish): Command {
  const tasks = new Command("tasks").description(
    "Submit tasks, follow them, download results; list dead letters and redrive them.",
  );
  /** A subcommand; what it does is loaded when it is used, because plans need no AWS SDK. */
  const add = (usage: string, description: string) =>
    tasks
      .command(usage)
      .description(description)
      .allowExcessArguments(false)
      .addOption(new Option("--stack <name>", "the environment").default(DEFAULT_STACK))
      .option("--json", "print one JSON document", false);
  const addOfApi = (usage: string, description: string) =>
    add(usage, description)
      .addOption(
        new Option(
          "--api <url>",
          "the API, with its stage; default: what `pulumi stack output` says",
        ).env("FLEET_API_URL"),
      )
      .addOption(new Option("--api-key <key>", "its key").env("FLEET_API_KEY"))
      .option("--sign", "sign requests, as is done at execute-api hosts anyway", false);

  addOfApi("submit", "Submit one task or several.")
    .requiredOption("--runtime <name>", "what runs it; `fleet tasks runtimes` lists them")
    .option("--prompt <text>", "what to draw")
    .option("--content <file>", "what the runtime gets, as JSON; -: from standard input")
    .option("--type <type>", "what is to be done; default: what the runtime and --image suggest")
    .option("--id <id>", "the task's id; with --count, ID-1, ID-2, …; default: a random one")
    .option("--prefix <path>", "folder of the results, before the task's own")
    .option(
      "--image <file>",
      'an image to start from, again for more; goes where the type wants it, or where the content says "@image"',
      (file: string, before: readonly string[] = []) => [...before, file],
    )
    .option("--count <n>", "how many of it", count, 1)
    .option("--wait", "wait until they have ended", false)
    .option("--download <folder>", "wait, and put the results there")
    .action(async (options: SubmitOptions) => {
      const { runSubmit } = await import("./submit");
      finish(await runSubmit(root, options));
    });

  addOfApi("show <id...>", "Show tasks.").action(
    async (ids: readonly string[], options: ApiOptions) => {
      const { runShow } = await import("./show");
      finish(await runShow(root, ids, options));
    },
  );

  addOfApi("follow <id...>", "Follow tasks until they have ended.").action(
    async (ids: readonly string[], options: ApiOptions) => {
      const { runFollow } = await import("./follow");
      finish(await runFollow(root, ids, options));
    },
  );

  addOfApi("download <id...>", "Download the results of tasks.")
    .requiredOption("--to <folder>", "where to")
    .action(async (ids: readonly string[], options: ApiOptions & { readonly to: string }) => {
      const { runDownload } = await import("./download");
      finish(await runDownload(root, ids, options));
    });

  addOfApi("cancel <id...>", "Cancel tasks that have not started.").action(
    async (ids: readonly string[], options: ApiOptions) => {
      const { runCancel } = await import("./cancel");
      finish(await runCancel(root, ids, options));
    },
  );

  addOfApi("runtimes", "List the runtimes.").action(async (options: ApiOptions) => {
    const { runRuntimes } = await import("./runtimes");
    finish(await runRuntimes(root, options));
  });

  add("dead-letters <runtime>", "List a runtime's dead letters, and why they are there.")
    .option("--limit <n>", "how many at most", count, 100)
    .action(async (runtime: string, options: QueueOptions & { readonly limit: number }) => {
      const { runDeadLetters } = await import("./deadLetters");
      finish(await runDeadLetters(root, runtime, options));
    });

  add("redrive <runtime>", "Bring a runtime's dead letters back into its queue.")
    .option("--yes", "without a question", false)
    .action(async (runtime: string, options: QueueOptions & { readonly yes: boolean }) => {
      const { runRedrive } = await import("./redrive");
      finish(await runRedrive(root, runtime, options));
    });
  return tasks;
}

function count(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 10_000)
    throw new InvalidArgumentError("It is to be a whole number from 1 to 10000.");
  return number;
}
