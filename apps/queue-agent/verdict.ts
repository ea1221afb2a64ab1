/** What is to be done with a message: decisions only, nothing is done here. */

import { type FailureCode, failureCodes, type TaskRecord } from "../../contracts/tasks/record";

/** Of a message whose task could not be claimed. */
export type Refusal =
  /** It is completed: its first agent may have died before it told anybody. */
  | { readonly action: "tell again" }
  /** It is over; there is nothing to do any more. */
  | { readonly action: "delete"; readonly why: string }
  /** It has failed, and its agent died before the message was in the dead-letter queue. */
  | { readonly action: "dead-letter again" }
  /** Somebody else has it. */
  | { readonly action: "wait"; readonly seconds: number };

export interface RefusedMessage {
  readonly record: TaskRecord;
  readonly nowMs: number;
  readonly receiveCount: number;
  readonly visibilitySeconds: number;
  readonly longestTaskSeconds: number;
}

/** Of one pod's clock and another's, as a part of the time that a claim holds. */
const SKEW_SHARE = 0.1;

/** Milliseconds after which another pod's claim counts as expired, for clocks that differ. */
export function clockSkewMs(visibilitySeconds: number): number {
  return visibilitySeconds * SKEW_SHARE * 1000;
}

/** What to do with a message whose task is as the record says. */
export function refusalOf(message: RefusedMessage): Refusal {
  const { record } = message;
  switch (record.state) {
    case "completed":
      return { action: "tell again" };
    case "cancelled":
      return { action: "delete", why: "the task was cancelled" };
    case "failed":
      return record.deadLetteredAt === undefined
        ? { action: "dead-letter again" }
        : { action: "delete", why: "the task is in the dead-letter queue already" };
    case "queued":
    case "running":
      return { action: "wait", seconds: waitSeconds(message, record.claimExpiresAtMs) };
  }
}

/**
 * Until the claim ends. Where that claim is renewed again and again, another copy of the message
 * comes back less and less often, up to once in the longest task, so that a long task does not use
 * up the receives of its duplicates.
 */
export function waitSeconds(
  message: Omit<RefusedMessage, "record">,
  claimExpiresAtMs = message.nowMs,
): number {
  const { nowMs, receiveCount, visibilitySeconds, longestTaskSeconds } = message;
  const untilMs = claimExpiresAtMs + clockSkewMs(visibilitySeconds);
  const claimSeconds = Math.max(1, Math.ceil((untilMs - nowMs) / 1000));
  // When an agent has died, its message's second delivery meets the claim that it has left.
  const times = 2 ** Math.min(20, Math.max(0, receiveCount - 2));
  const longest = Math.ceil(longestTaskSeconds + visibilitySeconds);
  return Math.max(claimSeconds, Math.min(claimSeconds * times, longest));
}

/** Of an attempt that came to nothing. */
export type FailureVerdict =
  | { readonly action: "retry"; readonly afterSeconds: number }
  | { readonly action: "dead-letter" };

export interface FailedAttempt {
  readonly code: FailureCode;
  /** This one included. */
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly receiveCount: number;
  readonly maxReceiveCount: number;
  /** When a busy runtime wants to be asked again. */
  readonly retryAfterSeconds?: number | undefined;
}

/** The longest that a task waits for its next attempt. */
const LONGEST_RETRY_SECONDS = 300;

/** Whether there is another attempt, and when. */
export function failureVerdict(attempt: FailedAttempt): FailureVerdict {
  const { code, attempts, maxAttempts, receiveCount, maxReceiveCount } = attempt;
  const isOver =
    !failureCodes[code].retryable || attempts >= maxAttempts || receiveCount >= maxReceiveCount;
  if (isOver) return { action: "dead-letter" };
  return { action: "retry", afterSeconds: retrySeconds(attempt) };
}

/** 1, 2, 4 … s; never before the time that a busy runtime has named. */
function retrySeconds({ attempts, retryAfterSeconds = 0 }: FailedAttempt): number {
  const backoff = 2 ** Math.min(20, attempts - 1);
  return Math.min(LONGEST_RETRY_SECONDS, Math.max(backoff, Math.ceil(retryAfterSeconds)));
}

/** With an attempt before this one, there may be results that nobody has told of. */
export function isWithoutResults(attempts: number, isReopened: boolean): boolean {
  return attempts <= 1 && !isReopened;
}

/** An agent that dies leaves no failure behind: one attempt more than allowed tells. */
export function isLost(attempts: number, maxAttempts: number): boolean {
  return attempts > maxAttempts;
}

/** Whether a message that is handed back would be lost to the queue's own redrive. */
export function isLastReceive(receiveCount: number, maxReceiveCount: number): boolean {
  return receiveCount >= maxReceiveCount;
}
