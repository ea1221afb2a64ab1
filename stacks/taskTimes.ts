import { type QueueTimes, queueTimes } from "../fleet/queueing";
import type { AsyncConfig } from "./config/async";

/** The times of one runtime's queue, by the config. */
export function runtimeTimes(config: AsyncConfig, runtime: string): QueueTimes {
  const { longestTaskSeconds, maxAttempts } = config.runtimes[runtime]!;
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
  const times = Object.keys(config.runtimes).map((runtime) => runtimeTimes(config, runtime));
  return {
    inputDays: Math.max(1, ...times.map(({ inputDays }) => inputDays)),
    recordSeconds: Math.max(1, ...times.map(({ recordSeconds }) => recordSeconds)),
  };
}
