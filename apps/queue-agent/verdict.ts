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
  /** Of the request that the message is from. */
  readonly requestHash: string | undefined;
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
  if (isOfAnother(record, message)) return { action: "delete", why: "its request was taken back" };
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
      return { action: "wait", seconds: waitSeconds(message, record) };
  }
}

/**
 * Until the claim ends. Where that claim is renewed again and again, another copy of the message
 * comes back less and less often, up to once in the longest task, so that a long task does not use
 * up the receives of its duplicates.
 *
 * @param record of the task; absent: another message of it is worked on here
 */
export function waitSeconds(
  message: Omit<RefusedMessage, "record" | "requestHash">,
  record?: Pick<TaskRecord, "attempts" | "claimExpiresAtMs">,
): number {
  const { nowMs, receiveCount, visibilitySeconds, longestTaskSeconds } = message;
  const untilMs = (record?.claimExpiresAtMs ?? nowMs) + clockSkewMs(visibilitySeconds);
  const claimSeconds = Math.max(1, Math.ceil((untilMs - nowMs) / 1000));
  // When an agent has died, its message's next delivery meets the claim that it has left: two
  // deliveries for each attempt are no sign of a copy.
  const copies = receiveCount - 2 * Math.max(1, record?.attempts ?? 1);
  const times = 2 ** Math.min(20, Math.max(0, copies));
  const longest = Math.ceil(longestTaskSeconds + visibilitySeconds);
  return Math.max(claimSeconds, Math.min(claimSeconds * times, longest));
}

const longestPauseSeconds = 900;

/**
 * Until a message is visible again after AWS has failed in spite of the SDK's tries: 5, 10, 20 … s,
 * so that an hour's failure does not use up the receives that make a dead letter.
 */
export function pauseSeconds(receiveCount: number): number {
  return Math.min(longestPauseSeconds, 5 * 2 ** Math.min(20, Math.max(0, receiveCount - 1)));
}

/** Until another pod may have it, or this one again, whose runtime is not ready: 0, 1, 3, 7 … s. */
export function notReadySeconds(receiveCount: number): number {
  return Math.min(longestPauseSeconds, 2 ** Math.min(20, Math.max(0, receiveCount - 1)) - 1);
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

/**
 * Whether a record is another request's: a client was told that its first one had failed, though
 * its message went out, and used the id for something else.
 */
export function isOfAnother(
  { requestHash }: Pick<TaskRecord, "requestHash">,
  message: { readonly requestHash: string | undefined },
): boolean {
  const { requestHash: own } = message;
  return requestHash !== undefined && own !== undefined && requestHash !== own;
}

/** An agent that dies leaves no failure behind: one attempt more than allowed tells. */
export function isLost(attempts: number, maxAttempts: number): boolean {
  return attempts > maxAttempts;
}

/** Whether a message that is handed back would be lost to the queue's own redrive. */
export function isLastReceive(receiveCount: number, maxReceiveCount: number): boolean {
  return receiveCount >= maxReceiveCount;
}
