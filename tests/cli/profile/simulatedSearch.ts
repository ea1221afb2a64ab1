import { nextStep, type Ramp, type SearchStep } from "../../../cli/profile/nextStep";
import type { LoadLimits } from "../../../fleet/breakingPoint";

export type ProfileStep = SearchStep;

const STEP_SECONDS = 30;

/** A search on a server that exists as arithmetic only: D/D/1, with a queue without end. */
export function search(
  server: { readonly capacity: number; readonly serviceSeconds: number },
  limits: LoadLimits,
  ramp: Ramp,
  disturbed: (step: ProfileStep) => ProfileStep = (step) => step,
): readonly ProfileStep[] {
  const steps: ProfileStep[] = [];
  for (;;) {
    const next = nextStep(steps, limits, ramp);
    if ("stop" in next) return steps;
    steps.push(disturbed({ ...measured(server, next.rate), phase: next.phase }));
    if (steps.length > 1000) throw new Error("the search does not end");
  }
}

function measured(
  { capacity, serviceSeconds }: { readonly capacity: number; readonly serviceSeconds: number },
  rate: number,
): Omit<ProfileStep, "phase"> {
  const requests = Math.max(5, Math.round(rate * STEP_SECONDS));
  const seconds = requests / rate;
  const served = Math.min(rate, capacity);
  // Each request waits for the surplus of those before it.
  const at = (share: number) => serviceSeconds + Math.max(0, rate / capacity - 1) * seconds * share;
  return {
    offeredRequestsPerSecond: rate,
    requests,
    answeredRequests: requests,
    answeredRequestsPerSecond: served,
    imagesPerMinute: served * 60,
    latency: {
      meanSeconds: at(0.5),
      p50Seconds: at(0.5),
      p90Seconds: at(0.9),
      p99Seconds: at(0.99),
      fastestSeconds: at(0),
      slowestSeconds: at(1),
    },
    errorRatio: 0,
  };
}
