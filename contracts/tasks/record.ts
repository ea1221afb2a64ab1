/** What the table knows of a task. */

import * as z from "zod";
import { runtimeName, taskContext, taskId, taskPrefix, taskTypes } from "./task";

/**
 * `queued`: waits, or waits again after an attempt. `running`: an agent has claimed it. The other
 * three are final: `completed` (results are stored), `failed` (its message is in the dead-letter
 * queue, and may come back from there; a managed runtime's task has no message), `cancelled`.
 */
export const taskStates = ["queued", "running", "completed", "failed", "cancelled"] as const;

export type TaskState = (typeof taskStates)[number];

/**
 * Why an attempt came to nothing. `retryable` ones are tried again, up to the attempts that the
 * program sets.
 */
export const failureCodes = {
  /** The message is no task. */
  malformed: { retryable: false },
  /** The message is for another runtime, or a type that this one does not take. */
  unsupported: { retryable: false },
  /** An input that cannot be had: not allowed, not there, too large, no image. */
  input: { retryable: false },
  /** The request is wrong: the runtime says so (4xx), or answers with more than an agent can hold. */
  refused: { retryable: false },
  /**
   * The task takes longer than the runtime's longest, or has waited for longer than SageMaker keeps a
   * request.
   */
  timeout: { retryable: false },
  /** The runtime failed (5xx, a broken connection, an answer that is none). */
  runtime: { retryable: true },
  /** The runtime is busy or not ready (429, 503). */
  busy: { retryable: true },
  /** AWS could not be asked. */
  aws: { retryable: true },
  /** Its agents died while they ran it, or SageMaker has told nothing of its invocation. */
  lost: { retryable: true },
  /** A bug. */
  internal: { retryable: true },
} as const;

export type FailureCode = keyof typeof failureCodes;

export const taskFailureSchema = z.object({
  code: z.enum(Object.keys(failureCodes) as [FailureCode, ...FailureCode[]]),
  /** For a person. */
  message: z.string(),
  at: z.iso.datetime(),
});

export type TaskFailure = z.infer<typeof taskFailureSchema>;

export const storedObjectSchema = z.object({
  /** In the results' bucket. */
  key: z.string(),
  contentType: z.string(),
  bytes: z.int().min(0),
});

export type StoredObject = z.infer<typeof storedObjectSchema>;

/** One item of the table; times are ISO 8601 in UTC unless the name says otherwise. */
export const taskRecordSchema = z.object({
  /** Partition key: the id, or `ID~RUN`. */
  key: z.string(),
  id: taskId,
  /** Of a v1alpha2 id that was used before. */
  run: z.string().optional(),
  runtime: runtimeName,
  type: z.enum(taskTypes),
  prefix: taskPrefix.optional(),
  context: taskContext.optional(),
  state: z.enum(taskStates),
  /** SHA-256 of the canonical request, hexadecimal: tells a repeated request from another one. */
  requestHash: z.string().optional(),
  /**
   * Requests beyond the first that found it queued and told it to the topic once more: with one, the
   * record stays although the first one's message could not be published.
   */
  repeats: z.int().min(0).optional(),
  createdAt: z.string(),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
  /**
   * Claims so far, without those that were handed back because a pod had to stop; of a managed
   * runtime, invocations that have ended.
   */
  attempts: z.int().min(0),
  /** While running: whose claim, and until when it holds (milliseconds since 1970). */
  claimToken: z.string().optional(),
  claimedBy: z.string().optional(),
  claimExpiresAtMs: z.int().optional(),
  /** While running: its pod was told to stop. When that dies with it, the attempt does not count. */
  isStopping: z.boolean().optional(),
  /**
   * Of a managed runtime: the invocation that shall bring the results, as SageMaker names it. The
   * record stays `queued` until then, as SageMaker does not say when it starts.
   */
  inferenceId: z.string().optional(),
  /** Whoever has noted it asks SageMaker before this time (milliseconds since 1970), or has died. */
  invokingUntilMs: z.int().optional(),
  /** When SageMaker took it; absent: it may not have. */
  invokedAt: z.string().optional(),
  /** Where SageMaker said that the answer will be, `s3://BUCKET/KEY`. */
  outputLocation: z.string().optional(),
  /** From when on an invocation that SageMaker has told nothing of is lost (milliseconds since 1970). */
  lostAtMs: z.int().optional(),
  /** As long as a result is awaited: who owes it. */
  awaits: z.literal("sagemaker").optional(),
  /** The failed invocation that it comes after. */
  retryOf: z.string().optional(),
  /** Of a managed runtime's request that the cache of results may answer the next time. */
  cacheKey: z.string().optional(),
  /** Of a managed runtime's task that is over: the result topic may not know it yet. */
  isUntold: z.boolean().optional(),
  /** Of the last attempt that came to nothing. */
  failure: taskFailureSchema.optional(),
  /** With `failed`: which copy in the dead-letter queue may run again. */
  deadLetterId: z.string().optional(),
  /** With `failed`: the message is in the dead-letter queue. */
  deadLetteredAt: z.string().optional(),
  /** With `completed`. */
  images: z.array(storedObjectSchema).optional(),
  output: storedObjectSchema.optional(),
  manifestKey: z.string().optional(),
  /** When DynamoDB forgets it, seconds since 1970 (TTL). */
  expiresAt: z.int(),
});

export type TaskRecord = z.infer<typeof taskRecordSchema>;

/** The table's partition key and TTL attribute. */
export const TABLE_KEY = "key";
export const TABLE_TTL = "expiresAt";

/** Index of the tasks whose results are awaited, by when they are lost; no other task is in it. */
export const AWAITED_INDEX = { name: "awaited", hashKey: "awaits", rangeKey: "lostAtMs" } as const;

/** Key of a task's record. */
export function recordKey(id: string, run?: string): string {
  return run === undefined ? id : `${id}~${run}`;
}
