import { LONGEST_REQUEST_SECONDS } from "../contracts/tasks/settings";
import { type QueueTimes, queueTimes } from "../fleet/queueing";
import type { AsyncConfig, RuntimeConfig } from "./config/async";

/** The times of one runtime's queue, by the config. */
export function runtimeTimes(config: AsyncConfig, runtime: string): QueueTimes {
  return timesOf(config, config.runtimes[runtime]!);
}

function timesOf(
  config: AsyncConfig,
  { longestTaskSeconds, maxAttempts }: Pick<RuntimeConfig, "longestTaskSeconds" | "maxAttempts">,
): QueueTimes {
  return queueTimes({
    longestTaskSeconds,
    maxAttempts,
    backlogHours: config.backlogHours,
    resultDays: config.results.days,
  });
}

/** Days that inputs are kept, and seconds that records are: what the slowest runtime wants. */
export function longestTimes(config: AsyncConfig): {
  readonly inputDays: number;
  readonly recordSeconds: number;
} {
  const { runtimes, managedRuntimes } = config;
  const all = [...Object.values(runtimes), ...Object.values(managedRuntimes)];
  const times = all.map((runtime) => timesOf(config, runtime));
  return {
    inputDays: Math.max(1, ...times.map(({ inputDays }) => inputDays)),
    recordSeconds: Math.max(1, ...times.map(({ recordSeconds }) => recordSeconds)),
  };
}

/** Seconds that a request may wait in SageMaker: of the tasks' backlog, what it keeps. */
export function requestSeconds({ backlogHours }: Pick<AsyncConfig, "backlogHours">): number {
  return Math.min(backlogHours * 3600, LONGEST_REQUEST_SECONDS);
}
