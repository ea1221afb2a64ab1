import { runtime } from "@pulumi/pulumi";
import { Construction } from "./construction";
import { leaveCloudsOut } from "./environment";
import { PlanMonitor, type Registration } from "./monitor";
import { ProgramFailure } from "./programFailure";
import { type LogLine, ProgramLog } from "./programLog";
import type { PulumiConfig } from "./stackConfig";
import type { WireObject } from "./wire";

/** A Pulumi program as a function: builds its resources and returns its stack outputs. */
export type Program = () => Promise<Record<string, unknown>>;

export interface ProgramRun {
  /** In the order in which the program constructs them. */
  readonly registrations: readonly Registration[];
  readonly outputs: WireObject;
  readonly construction: Construction;
  readonly log: readonly LogLine[];
}

/** How long a failed program may go on to tell of further failures, in milliseconds. */
const GRACE = 50;

/**
 * Runs a program in this process as `pulumi preview` would, without an engine or providers.
 * Programs run one after the other: Pulumi's SDK keeps the running one in global state.
 *
 * @throws UserError  what the program itself throws to its user, e.g. a ConfigError
 * @throws ProgramFailure everything else that goes wrong in it, also where it only stops
 */
export async function runProgram(
  program: Program,
  project: string,
  stack: string,
  config: PulumiConfig,
): Promise<ProgramRun> {
  const bringCloudsBack = leaveCloudsOut(process.env);
  const monitor = new PlanMonitor(project, stack, config.values["aws:region"]);
  const construction = new Construction();
  const log = new ProgramLog();
  runtime.setMockOptions(monitor, project, stack, true, "organization");
  runtime.setAllConfig(config.values, [...config.secretKeys]);

  const stopObserving = construction.observeApplies();
  log.start();
  try {
    await orFailure(run(program, monitor, construction), construction);
  } finally {
    stopObserving();
    log.stop();
    bringCloudsBack();
  }

  const errors = log.lines.filter(({ level }) => level === "error");
  if (errors.length > 0) throw new ProgramFailure(errors.map(({ message }) => message));
  const order = construction.order();
  const position = ({ urn }: Registration) => order.get(urn) ?? -1;
  return {
    registrations: [...monitor.registrations].sort((a, b) => position(a) - position(b)),
    outputs: monitor.stackOutputs,
    construction,
    log: log.lines,
  };
}

async function run(
  program: Program,
  monitor: PlanMonitor,
  construction: Construction,
): Promise<void> {
  await runtime.runInPulumiStack(async () => {
    runtime.registerStackTransformation(construction.observe);
    const exported = await program();
    construction.ended(exported);
    return exported;
  });
  // Resources that are made inside an `apply` come after the program's own end.
  let seen: number;
  do {
    seen = monitor.registrations.length;
    await runtime.disconnect();
    await new Promise(setImmediate);
  } while (monitor.registrations.length > seen);
}

/**
 * Waits for the program, and throws what went wrong in it wherever that shows: a throwing `apply`
 * surfaces as an unhandled rejection only, a cycle between resources as a process that has nothing
 * left to do.
 */
async function orFailure(running: Promise<void>, construction: Construction): Promise<void> {
  const reasons = new Set<unknown>();
  let stop: (value: "failed" | "hangs") => void = () => {};
  const stopped = new Promise<"failed" | "hangs">((resolve) => {
    stop = resolve;
  });
  const onRejection = (reason: unknown) => {
    reasons.add(reason);
    stop("failed");
  };
  const onNothingLeft = () => stop("hangs");
  process.on("unhandledRejection", onRejection);
  process.on("beforeExit", onNothingLeft);
  try {
    const end = await Promise.race([running.catch(onRejection), stopped]);
    await new Promise((resolve) =>
      reasons.size > 0 ? setTimeout(resolve, GRACE) : setImmediate(resolve),
    );
    if (reasons.size === 0 && end !== "hangs") return;
    throw (
      [...reasons].find(isUserError) ?? new ProgramFailure([...reasons], construction.waiting())
    );
  } finally {
    process.off("unhandledRejection", onRejection);
    process.off("beforeExit", onNothingLeft);
  }
}

function isUserError(error: unknown): boolean {
  return error instanceof Error && ["UserError", "ConfigError"].includes(error.name);
}
