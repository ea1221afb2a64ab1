import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import type { LoadStep } from "../../fleet/breakingPoint";
import type { Answer } from "./imageRequest";
import { Latencies } from "./latencies";
import type { RequestBudget } from "./requestBudget";

/** A step with what only its log is for. */
export interface MeasuredStep extends LoadStep {
  readonly durationSeconds: number;
  /** Answers 503: the queue was full. */
  readonly refusedRequests: number;
  readonly timedOutRequests: number;
  /** Everything else that was not an image. */
  readonly failedRequests: number;
  /** How often what went wrong, in the server's words. */
  readonly failures: Readonly<Record<string, number>>;
  /** How late a request left at most: large where this machine is the bottleneck. */
  readonly latestSendSeconds: number;
}

/** How far a step is. */
export interface StepProgress {
  readonly sent: number;
  readonly answered: number;
  readonly planned: number;
}

export interface StepOptions {
  readonly requestsPerSecond: number;
  readonly requests: number;
  readonly budget: RequestBudget;
  readonly signal: AbortSignal;
  readonly ask: (signal: AbortSignal) => Promise<Answer>;
  readonly progress?: (progress: StepProgress) => void;
}

interface Outcome {
  readonly answer: Answer;
  /** Milliseconds from the step's beginning. */
  readonly intendedAt: number;
  readonly endedAt: number;
}

/**
 * Sends requests at one rate, evenly spaced, whatever becomes of those before, and waits for their
 * answers. An open loop: a server that stalls does not make the sender wait. A request's latency
 * counts from the time at which it was to be sent, so that it holds what it waited for anything,
 * this process included (G. Tene's "coordinated omission").
 *
 * @returns nothing when it was interrupted or the budget was used up: half a step says nothing
 */
export async function loadStep(options: StepOptions): Promise<MeasuredStep | undefined> {
  const { requestsPerSecond, requests, budget, signal, ask, progress } = options;
  const outcomes: Outcome[] = [];
  const underWay: Promise<void>[] = [];
  const begin = performance.now();
  const now = () => performance.now() - begin;
  let latestSend = 0;
  const tell = () =>
    progress?.({ sent: underWay.length, answered: outcomes.length, planned: requests });

  for (let index = 0; index < requests; index += 1) {
    const intendedAt = (index / requestsPerSecond) * 1000;
    await until(intendedAt, now, signal);
    if (signal.aborted || !budget.take()) break;
    latestSend = Math.max(latestSend, now() - intendedAt);
    underWay.push(
      ask(signal).then((answer) => {
        outcomes.push({ answer, intendedAt, endedAt: now() });
        tell();
      }),
    );
    tell();
  }
  const isWhole = underWay.length === requests;
  await Promise.all(underWay);
  return isWhole && !signal.aborted
    ? measured(outcomes, requestsPerSecond, latestSend / 1000)
    : undefined;
}

async function until(at: number, now: () => number, signal: AbortSignal): Promise<void> {
  // A timer may fire a little early.
  while (now() < at && !signal.aborted)
    await delay(Math.max(1, at - now()), undefined, { signal }).catch(() => undefined);
}

function measured(
  outcomes: readonly Outcome[],
  requestsPerSecond: number,
  latestSendSeconds: number,
): MeasuredStep {
  const latencies = new Latencies();
  const failures: Record<string, number> = {};
  for (const { answer, intendedAt, endedAt } of outcomes) {
    // A quick refusal is no latency; one that never came is a long one.
    if (answer.kind === "images" || answer.kind === "timeout")
      latencies.record((endedAt - intendedAt) / 1000);
    const failure = failureOf(answer);
    if (failure !== undefined) failures[failure] = (failures[failure] ?? 0) + 1;
  }
  const requests = outcomes.length;
  const count = (kind: Answer["kind"]) =>
    outcomes.filter(({ answer }) => answer.kind === kind).length;
  const answered = count("images");
  const latency = latencies.summary();
  const durationSeconds = requests / requestsPerSecond;
  const inTime = answeredInTime(outcomes, durationSeconds * 1000);
  const images = inTime.reduce((sum, each) => sum + each, 0);
  return {
    offeredRequestsPerSecond: requestsPerSecond,
    durationSeconds,
    requests,
    answeredRequests: answered,
    answeredRequestsPerSecond: inTime.length / durationSeconds,
    imagesPerMinute: (images / durationSeconds) * 60,
    ...(latency !== undefined && { latency }),
    errorRatio: (requests - answered) / requests,
    refusedRequests: count("refused"),
    timedOutRequests: count("timeout"),
    failedRequests: count("failed"),
    failures,
    latestSendSeconds,
  };
}

/**
 * The images of the answers that came within a time as long as that of sending, which begins when
 * the first can come: with the fastest answer. The first of a step cannot come at once, and those
 * that come later are a queue's, which a server with enough room does not have.
 */
function answeredInTime(outcomes: readonly Outcome[], durationMs: number): readonly number[] {
  const answers = outcomes.flatMap(({ answer, intendedAt, endedAt }) =>
    answer.kind === "images" ? [{ images: answer.images, intendedAt, endedAt }] : [],
  );
  const fastest = Math.min(...answers.map(({ intendedAt, endedAt }) => endedAt - intendedAt));
  return answers
    .filter(({ endedAt }) => endedAt < fastest + durationMs)
    .map(({ images }) => images);
}

function failureOf(answer: Answer): string | undefined {
  switch (answer.kind) {
    case "refused":
      return "503";
    case "timeout":
      return "no answer in time";
    case "failed":
      return answer.reason;
    default:
      return undefined;
  }
}
