import { boundsOf, type LoadLimits, type LoadStep, limitOf } from "../../fleet/breakingPoint";

/**
 * Why a rate is tried: `ramp`, more than the last; `confirm`, once more, because it went wrong;
 * `halve`, less, because nothing has been held yet; `refine`, between what is held and what is not.
 */
export type Phase = "ramp" | "confirm" | "halve" | "refine";

export interface SearchStep extends LoadStep {
  readonly phase: Phase;
}

/** Between which rates is searched; requests a second. */
export interface Ramp {
  readonly startRate: number;
  /** Each rate is the last one times this. */
  readonly growth: number;
  readonly maxRate: number;
}

export type Next =
  | { readonly rate: number; readonly phase: Phase }
  /** `found`: there is nothing more to try. `hopeless`: no rate is held, and none lower would be. */
  | { readonly stop: "found" | "max-rate" | "hopeless" };

/** Down to a sixteenth of the first rate. */
const MOST_HALVINGS = 4;
const MOST_REFINEMENTS = 2;

/**
 * What to try next.
 *
 * Up from the start until a rate is not held, and that rate once more: where it is held the second
 * time, the first was a hiccup, and the ramp goes on. Then twice between the two. Where not even the
 * first rate is held, down by halves, unless the fastest answer was too slow already.
 */
export function nextStep(steps: readonly SearchStep[], limits: LoadLimits, ramp: Ramp): Next {
  if (steps.length === 0) return { rate: Math.min(ramp.startRate, ramp.maxRate), phase: "ramp" };
  const { held, beyond } = boundsOf(steps, limits);
  if (beyond === undefined) return upwards(held!, ramp);
  const rate = beyond.offeredRequestsPerSecond;
  if (!isConfirmed(steps, limits)) return { rate, phase: "confirm" };
  if (held === undefined) {
    const isTooSlow = (beyond.latency?.fastestSeconds ?? 0) > limits.objectiveSeconds;
    return isTooSlow || count(steps, "halve") >= MOST_HALVINGS
      ? { stop: "hopeless" }
      : { rate: rate / 2, phase: "halve" };
  }
  return count(steps, "refine") >= MOST_REFINEMENTS
    ? { stop: "found" }
    : { rate: (held.offeredRequestsPerSecond + rate) / 2, phase: "refine" };
}

function upwards({ offeredRequestsPerSecond: rate }: LoadStep, { growth, maxRate }: Ramp): Next {
  return rate >= maxRate
    ? { stop: "max-rate" }
    : { rate: Math.min(rate * growth, maxRate), phase: "ramp" };
}

/** Whether some rate has gone wrong twice: one confirmation is enough for a search. */
function isConfirmed(steps: readonly SearchStep[], limits: LoadLimits): boolean {
  return steps.some((step) => step.phase === "confirm" && limitOf(step, limits) !== undefined);
}

function count(steps: readonly SearchStep[], phase: Phase): number {
  return steps.filter((step) => step.phase === phase).length;
}
