/** How a task's record changes, each change from what was seen of it: nothing is written here. */

import type {
  StoredObject,
  TaskFailure,
  TaskRecord,
  TaskState,
} from "../../contracts/tasks/record";
import type { Task } from "./taskMessage";
import { clockSkewMs, isOfAnother } from "./verdict";

/** Whose claim it will be, and since when. */
export interface Claimant {
  readonly token: string;
  readonly pod: string;
  readonly nowMs: number;
  /** How long the claim holds without being renewed. */
  readonly visibilitySeconds: number;
  /** How long a record is kept that is made, or made new. */
  readonly taskTtlSeconds: number;
}

export interface Completion {
  readonly images: readonly StoredObject[];
  readonly output: StoredObject;
  readonly manifestKey: string;
  /** Of the run: a task may be claimed a little before the runtime is free. */
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** Who may claim a task: nobody knows it, it waits, its claim has expired, or it is brought back. */
export type Claimable = "new" | "waiting" | "expired" | "dead letter";

/** Why a task can be claimed; nothing: it cannot. */
export function claimable(
  seen: TaskRecord | undefined,
  task: Pick<Task, "deadLetterId" | "requestHash">,
  { nowMs, visibilitySeconds }: Pick<Claimant, "nowMs" | "visibilitySeconds">,
): Claimable | undefined {
  if (seen === undefined) return "new";
  if (isOfAnother(seen, task)) return undefined;
  const { deadLetterId } = task;
  if (seen.state === "queued") return "waiting";
  const isReopening = deadLetterId !== undefined && seen.deadLetterId === deadLetterId;
  if (seen.state === "failed") return isReopening ? "dead letter" : undefined;
  if (seen.state !== "running") return undefined;
  return isExpired(seen, { nowMs, visibilitySeconds }) ? "expired" : undefined;
}

/** Whether a claim has ended without being renewed. */
export function isExpired(
  { claimExpiresAtMs = 0 }: TaskRecord,
  { nowMs, visibilitySeconds }: Pick<Claimant, "nowMs" | "visibilitySeconds">,
): boolean {
  return claimExpiresAtMs + clockSkewMs(visibilitySeconds) < nowMs;
}

/** The record of a task that is claimed. */
export function claimed(
  seen: TaskRecord | undefined,
  why: Claimable,
  task: Task,
  claimant: Claimant,
): TaskRecord {
  const { token, pod, nowMs, visibilitySeconds, taskTtlSeconds } = claimant;
  const isNew = why === "new" || why === "dead letter";
  const {
    failure,
    deadLetterId: _id,
    deadLetteredAt: _at,
    finishedAt: _finished,
    isStopping,
    ...before
  } = seen ?? newRecord(task, claimant);
  return {
    ...before,
    // A dead letter begins anew.
    ...(failure !== undefined && why !== "dead letter" && { failure }),
    ...(isNew && { expiresAt: Math.floor(nowMs / 1000) + taskTtlSeconds }),
    state: "running",
    attempts: why === "dead letter" ? 1 : before.attempts + (isStopping === true ? 0 : 1),
    startedAt: new Date(nowMs).toISOString(),
    claimToken: token,
    claimedBy: pod,
    claimExpiresAtMs: nowMs + visibilitySeconds * 1000,
  };
}

/** It waits for its next attempt. */
export function retried(record: TaskRecord, failure: TaskFailure): TaskRecord {
  return { ...unclaimed(record), state: "queued", failure };
}

/** It waits as if it had not been claimed: as it did before, or one attempt less. */
export function handedBack({
  record,
  before,
}: {
  readonly record: TaskRecord;
  readonly before: TaskRecord | undefined;
}): TaskRecord {
  if (before?.state === "queued") return before;
  const attempts = Math.max(0, record.attempts - 1);
  return { ...unclaimed(record), state: "queued", attempts };
}

/** It has failed for good. */
export function failed(record: TaskRecord, failure: TaskFailure, deadLetterId: string): TaskRecord {
  return {
    ...unclaimed(record),
    state: "failed",
    failure,
    deadLetterId,
    finishedAt: failure.at,
  };
}

/** It has its results. */
export function completed(record: TaskRecord, { images, ...completion }: Completion): TaskRecord {
  const { failure: _, ...rest } = unclaimed(record);
  return { ...rest, ...completion, state: "completed", images: [...images] };
}

/** The record that the API makes of a task. */
export function newRecord(
  task: Task,
  { taskTtlSeconds }: Pick<Claimant, "taskTtlSeconds">,
): TaskRecord {
  const { key, id, run, runtime, type, prefix, context, requestHash, submittedAt } = task;
  const state: TaskState = "queued";
  return {
    key,
    id,
    ...(run !== undefined && { run }),
    runtime,
    type,
    ...(prefix !== undefined && { prefix }),
    ...(context !== undefined && { context: context as NonNullable<TaskRecord["context"]> }),
    state,
    ...(requestHash !== undefined && { requestHash }),
    createdAt: submittedAt,
    attempts: 0,
    expiresAt: Math.floor(Date.parse(submittedAt) / 1000) + taskTtlSeconds,
  };
}

function unclaimed(record: TaskRecord): TaskRecord {
  const {
    claimToken: _token,
    claimedBy: _pod,
    claimExpiresAtMs: _until,
    isStopping: _stopping,
    ...rest
  } = record;
  return rest;
}
