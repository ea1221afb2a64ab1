import type { Log } from "./log";

/** Shorter than the 30 s after which Kubernetes kills a pod by default. */
const DEADLINE_MS = 20_000;

/** What is to be done before the process ends. */
export interface StopStep {
  /** For the log, e.g. `give the Lease back`. */
  readonly name: string;
  readonly stop: () => void | Promise<void>;
}

export interface StopOptions {
  readonly log: Log;
  /** Done in their order, each when the one before has ended, in whatever way. */
  readonly steps: readonly StopStep[];
  /** Of all together, milliseconds. Default: 20000 */
  readonly deadlineMs?: number;
}

/**
 * Ends the process in good order on SIGTERM and SIGINT: status 0; 1 when a step failed or the
 * deadline passed; a second signal ends it at once. What nobody has caught is logged and ends it
 * with status 1, at once, because its state is not known any more.
 */
export function stopOnSignals({ log, steps, deadlineMs = DEADLINE_MS }: StopOptions): void {
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (isStopping) {
      log.warn({ signal }, "told to stop again: stopping at once");
      process.exit(1);
    }
    isStopping = true;
    log.info({ signal }, "stopping");
    setTimeout(() => {
      log.error({ deadlineMs }, "not stopped in time");
      process.exit(1);
    }, deadlineMs);
    void stopAll(log, steps).then((isClean) => {
      log.info("stopped");
      process.exit(isClean ? 0 : 1);
    });
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  for (const event of ["uncaughtException", "unhandledRejection"] as const)
    process.on(event, (error: unknown) => {
      log.fatal({ error, event }, "nobody has dealt with an error");
      process.exit(1);
    });
}

async function stopAll(log: Log, steps: readonly StopStep[]): Promise<boolean> {
  let isClean = true;
  for (const { name, stop } of steps)
    try {
      await stop();
    } catch (error) {
      isClean = false;
      log.error({ error, step: name }, "a step of stopping has failed");
    }
  return isClean;
}
