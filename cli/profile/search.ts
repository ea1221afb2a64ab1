import type { SearchEnd } from "../../fleet/breakingPoint";
import type { ImageClient } from "./imageRequest";
import { loadStep, type StepProgress } from "./loadStep";
import { nextStep, type Phase } from "./nextStep";
import type { RequestBudget } from "./requestBudget";
import type { ProfiledStep } from "./result";
import type { ProfileSettings } from "./settings";
import { watchUtilisation } from "./utilisation";

/** So few would say nothing of a rate; at a low one, a step takes longer than it was given. */
export const LEAST_REQUESTS = 5;

export interface SearchWatcher {
  under(rate: number, phase: Phase, progress: StepProgress): void;
  stepped(step: ProfiledStep): void;
}

export interface Searched {
  readonly steps: readonly ProfiledStep[];
  readonly end: SearchEnd;
}

/**
 * Loads a server step by step, until it is known where it breaks, or something ends it.
 *
 * @param signal ends it at once; whole steps are kept
 */
export async function search(
  client: ImageClient,
  settings: ProfileSettings,
  budget: RequestBudget,
  signal: AbortSignal,
  watcher: SearchWatcher,
): Promise<Searched> {
  const steps: ProfiledStep[] = [];
  for (;;) {
    const next = nextStep(steps, settings, settings);
    if ("stop" in next) return { steps, end: "max-rate" };
    const { rate, phase } = next;
    const requests = Math.max(LEAST_REQUESTS, Math.round(rate * settings.stepSeconds));
    if (requests > budget.left) return { steps, end: "max-requests" };

    const sending = new AbortController();
    const pollMs = Math.min(1, requests / rate / 5) * 1000;
    const utilisation = watchUtilisation(client, pollMs, sending.signal);
    const step = await loadStep({
      requestsPerSecond: rate,
      requests,
      budget,
      signal,
      ask: (until) => client.ask(until),
      progress: (progress) => {
        // What a device does while it works off a queue says nothing of the rate.
        if (progress.sent === requests) sending.abort();
        watcher.under(rate, phase, progress);
      },
    });
    sending.abort();
    const busy = await utilisation;
    if (step === undefined) return { steps, end: "interrupted" };
    steps.push({ ...step, phase, ...(busy !== undefined && { utilisation: busy }) });
    watcher.stepped(steps.at(-1)!);
  }
}
