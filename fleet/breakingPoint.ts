/**
 * Where a server breaks: the judgement of steps of load, one rate each.
 *
 * Source: seed 001, "The breaking point occurs when throughput plateaus and latency exceeds 900
 * milliseconds", "or when the compute usage reaches over 80%".
 */

/** What was seen while requests were sent at one rate. */
export interface LoadStep {
  /** Requests sent a second. */
  readonly offeredRequestsPerSecond: number;
  /** Requests that were sent. */
  readonly requests: number;
  /** Those of them that were answered by images. */
  readonly answeredRequests: number;
  /** Answers with images a second, of a time as long as that of sending. */
  readonly answeredRequestsPerSecond: number;
  /** Images a minute in those answers: the catalogue's unit of throughput. */
  readonly imagesPerMinute: number;
  /**
   * From the time at which a request was to be sent to its answer; one that timed out counts with
   * the time it was waited for. Absent when nothing was answered or timed out.
   */
  readonly latency?: LatencySummary;
  /** Requests answered otherwise, or not at all, of those sent: 0 to 1. */
  readonly errorRatio: number;
  /** Mean over devices and time, 0 to 1; absent where the server does not say. */
  readonly utilisation?: number;
}

export interface LatencySummary {
  readonly meanSeconds: number;
  readonly p50Seconds: number;
  readonly p90Seconds: number;
  readonly p99Seconds: number;
  readonly fastestSeconds: number;
  readonly slowestSeconds: number;
}

/** What a step is judged by; the seed's values are `breakingPoint` in targets.ts. */
export interface LoadLimits {
  readonly objectiveSeconds: number;
  /** 0 to 1. */
  readonly maxUtilisation: number;
}

/** Errors of all requests from which a load counts as too much: 1 in 100. */
export const MAX_ERROR_RATIO = 0.01;

/** Throughput no longer follows the load when less than this share of it is answered. */
export const PLATEAU_RATIO = 0.95;

/** Why a load is too much. */
export type LoadLimit = "latency" | "utilisation" | "errors" | "throughput";

/**
 * What a step goes beyond; nothing when the server holds its load.
 *
 * Latency is the 90th percentile: nine of ten clients are within the objective. The seed has a mean,
 * which hides a slow tenth; of the few dozen requests of a step, the 99th percentile is the slowest
 * one alone, and one hiccup would end a search.
 *
 * The plateau leaves one request out of account, because of 15 requests one is 7 %.
 */
export function limitOf(
  step: LoadStep,
  { objectiveSeconds, maxUtilisation }: LoadLimits,
): LoadLimit | undefined {
  const { latency, utilisation, offeredRequestsPerSecond, answeredRequestsPerSecond } = step;
  if (latency !== undefined && latency.p90Seconds > objectiveSeconds) return "latency";
  if (utilisation !== undefined && utilisation > maxUtilisation) return "utilisation";
  if (step.errorRatio >= MAX_ERROR_RATIO) return "errors";
  const shortRatio = 1 - answeredRequestsPerSecond / offeredRequestsPerSecond;
  const isShort = shortRatio > 1 - PLATEAU_RATIO && shortRatio * step.requests > 1.5;
  return isShort ? "throughput" : undefined;
}

/** What a search has shown so far. */
export interface Bounds<S extends LoadStep> {
  /** The highest rate that is held, below every rate that is not. */
  readonly held?: S;
  /** The lowest rate that is not held. */
  readonly beyond?: S;
}

/** The steps between which a server breaks. Of several at one rate, the last one counts. */
export function boundsOf<S extends LoadStep>(steps: readonly S[], limits: LoadLimits): Bounds<S> {
  const byRate = new Map(steps.map((step) => [step.offeredRequestsPerSecond, step]));
  const rising = [...byRate.entries()].sort(([a], [b]) => a - b).map(([, step]) => step);
  const first = rising.findIndex((step) => limitOf(step, limits) !== undefined);
  const held = rising.at(first === -1 ? -1 : first - 1);
  const beyond = rising[first];
  return {
    ...(held !== undefined && first !== 0 && { held }),
    ...(beyond !== undefined && { beyond }),
  };
}

/** Why a search ended before the server broke. */
export type SearchEnd = "max-rate" | "max-requests" | "interrupted";

/** The most that one replica serves well. */
export interface BreakingPoint {
  readonly requestsPerSecond: number;
  /** Served, not offered. */
  readonly imagesPerMinute: number;
  /** The mean, which Little's law wants (`inFlightTarget` in targets.ts). */
  readonly latencySeconds: number;
  /** What was compared with the objective. */
  readonly latencyP90Seconds: number;
  /** 0 to 1; absent where the server does not say. */
  readonly utilisation?: number;
  /** What the next higher rate went beyond, or why there was none: then it is a lower bound. */
  readonly limitedBy: LoadLimit | SearchEnd;
}

/**
 * The highest step within all limits, below every step that is not.
 *
 * @param end why the search ended, where it did not go beyond what the server holds
 * @returns nothing when no step is within the limits
 */
export function breakingPointOf(
  steps: readonly LoadStep[],
  limits: LoadLimits,
  end: SearchEnd,
): BreakingPoint | undefined {
  const { held, beyond } = boundsOf(steps, limits);
  if (held?.latency === undefined) return undefined;
  return {
    requestsPerSecond: held.offeredRequestsPerSecond,
    imagesPerMinute: held.imagesPerMinute,
    latencySeconds: held.latency.meanSeconds,
    latencyP90Seconds: held.latency.p90Seconds,
    ...(held.utilisation !== undefined && { utilisation: held.utilisation }),
    limitedBy: (beyond && limitOf(beyond, limits)) ?? end,
  };
}
