/** What becomes of a task when SageMaker has told of its invocation. */

import { randomUUID } from "node:crypto";
import type { Logger } from "@aws-lambda-powertools/logger";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import {
  TASK_IMAGES_METRIC,
  TASKS_COMPLETED_METRIC,
  TASKS_FAILED_METRIC,
  TASKS_RETRIED_METRIC,
} from "../../contracts/metrics";
import { isOfRevision } from "../../contracts/tasks/cache";
import { type InferenceResult, invokedTask } from "../../contracts/tasks/invocation";
import type { TaskFailure, TaskRecord } from "../../contracts/tasks/record";
import { attemptOf, type Manifest } from "../../contracts/tasks/result";
import { isManaged, type ManagedRuntime, type Runtime } from "../../contracts/tasks/runtimes";
import { fleetResult } from "../queue-agent/adapters/fleetAnswer";
import { EmbeddedMetrics } from "../queue-agent/embeddedMetrics";
import type { ResultTopic } from "../queue-agent/notifications";
import { Results } from "../queue-agent/results";
import { TaskFailed } from "../queue-agent/taskFailed";
import type { Deadline } from "../task-api/deadline";
import {
  type InvocationTimes,
  invocationState,
  invoke,
  noted,
  unasked,
} from "../task-api/invocation";
import type { ResultCache } from "../task-api/resultCache";
import { completedBy, endingWith, failedBy, taskOf, tellEnd } from "../task-api/taskEnd";
import type { TaskStore } from "../task-api/taskStore";
import { answerAt, answerText } from "./answer";
import { invocationFailure, isRetried } from "./invocationFailure";
import type { Settings } from "./settings";

/** What one invocation of the function works with. */
export interface SettlementParts {
  readonly settings: Settings;
  readonly store: TaskStore;
  readonly topic: ResultTopic;
  readonly sageMaker: SageMakerRuntimeClient;
  readonly s3: S3Client;
  /** Absent: it is off. */
  readonly cache?: ResultCache | undefined;
  readonly deadline: Deadline;
  readonly log: Logger;
}

/** What was done: for the log. */
export type Settled =
  | "completed"
  | "retried"
  | "failed"
  /** It was over already; subscribers were told if they were not. */
  | "over"
  /** Of an invocation that is not the task's any more. */
  | "stale"
  /** Nobody knows the task: it was taken back, forgotten, or is somebody else's request. */
  | "unknown";

/** A record changes under one's hands a few times at most. */
const ROUNDS = 5;

/** Most bytes of an error's answer that are read: it becomes a sentence. */
const ERROR_BYTES = 64 * 1024;

/**
 * Does what a notification asks for, and nothing that was done before: it may come twice, late, and
 * after what came later.
 *
 * @throws what AWS says: the same notification will do again
 */
export async function settle(parts: SettlementParts, result: InferenceResult): Promise<Settled> {
  const { settings, store } = parts;
  const task = invokedTask(result.requestParameters.inputLocation, settings.ENDPOINTS_BUCKET);
  if (task === undefined) return "unknown";
  for (let round = 0; round < ROUNDS; round++) {
    const record = await store.get(task.key);
    if (record === undefined || record.requestHash !== task.requestHash) return "unknown";
    if (record.state !== "queued") {
      await tellEnd(parts, settings.RESULTS_BUCKET, record);
      return "over";
    }
    const settled =
      result.invocationStatus === "Completed"
        ? await complete(parts, record, result)
        : await fail(parts, record, result, await failureOf(parts, result));
    if (settled !== undefined) return settled;
  }
  throw new Error(`the record of ${task.key} changes all the time`);
}

/** Undefined: the record has changed meanwhile. */
async function complete(
  parts: SettlementParts,
  record: TaskRecord,
  result: InferenceResult,
): Promise<Settled | undefined> {
  const { settings, store } = parts;
  let manifest: Manifest;
  try {
    manifest = await stored(parts, record, result);
  } catch (error) {
    if (!(error instanceof TaskFailed)) throw error;
    const { code, message } = error;
    return await fail(parts, record, result, { code, message, at: result.eventTime });
  }
  const { key, requestHash, attempts } = record;
  const { isDone, record: now } = await store.change(
    key,
    { state: "queued", requestHash },
    { ...completedBy(record, manifest), attempts: attempts + 1, invokingUntilMs: undefined },
  );
  if (!isDone && now?.state !== "completed") return undefined;
  if (isDone) {
    count(parts, record, TASKS_COMPLETED_METRIC, 1);
    count(parts, record, TASK_IMAGES_METRIC, manifest.images.length);
    await remember(parts, record, manifest);
  }
  if (now !== undefined) await tellEnd(parts, settings.RESULTS_BUCKET, now);
  return isDone ? "completed" : "over";
}

/** Images, what was answered beside them, and last the manifest, as an agent stores them. */
async function stored(
  { settings, s3, deadline }: SettlementParts,
  record: TaskRecord,
  { inferenceId, receivedTime, eventTime, responseParameters }: InferenceResult,
): Promise<Manifest> {
  if (responseParameters === undefined)
    throw new TaskFailed("runtime", "SageMaker does not say where the answer is");
  const answer = await answerAt(s3, responseParameters.outputLocation, deadline.work);
  return await new Results(endingWith(s3, deadline.work), settings.RESULTS_BUCKET).store(
    taskOf(record),
    {
      attempt: attemptOf(inferenceId),
      // When it began to run nobody says.
      startedAt: receivedTime,
      finishedAt: eventTime,
      result: fleetResult(answer),
    },
  );
}

/**
 * Without the cache the same request is generated again, and that is all. A request may wait while
 * the endpoint goes over to another revision, which then answers it: nothing is kept under a revision
 * that is not the runtime's any more.
 *
 * A window stays: this function learns of a new revision beside the endpoint's update, so that until
 * then, or when the old revision is back before the result is, images of one may be kept under the
 * other's key. It is always the older one's key, as the API asks by the new one once the endpoint is
 * updated: nobody asks by it, unless the stack goes back within the days that answers are kept.
 */
async function remember(
  { cache, settings, log }: SettlementParts,
  { key, cacheKey, runtime }: TaskRecord,
  { images, output }: Manifest,
): Promise<void> {
  if (cache === undefined || cacheKey === undefined) return;
  const revision = settings.RUNTIMES.find(({ name }) => name === runtime)?.revision;
  if (revision === undefined || !isOfRevision(cacheKey, revision)) {
    log.info("a result is of another revision, and not in the cache", { key, cacheKey, revision });
    return;
  }
  const nowMs = Date.now();
  try {
    await cache.add({
      key: cacheKey,
      images,
      output,
      createdAt: new Date(nowMs).toISOString(),
      expiresAt: Math.floor(nowMs / 1000) + settings.CACHE_SECONDS,
    });
  } catch (error) {
    log.warn("a result is not in the cache", { key, cacheKey, error: error as Error });
  }
}

/** Undefined: the record has changed meanwhile. */
async function fail(
  parts: SettlementParts,
  record: TaskRecord,
  result: InferenceResult,
  failure: TaskFailure,
): Promise<Settled | undefined> {
  const { settings, store, log } = parts;
  const { key, requestHash, inferenceId } = record;
  const managed = managedRuntimeOf(settings.RUNTIMES, record);
  if (inferenceId !== result.inferenceId) {
    // Whoever noted the next one may have died before asking for it.
    if (record.retryOf !== result.inferenceId || managed === undefined) return "stale";
    return await resumed(parts, managed, record, result);
  }
  const attempts = record.attempts + 1;
  const when = { state: "queued", requestHash, inferenceId, attempts: record.attempts } as const;
  log.warn("an invocation failed", { key, inferenceId, attempts, ...failure });
  if (
    managed !== undefined &&
    isRetried(failure.code, { attempts, maxAttempts: managed.maxAttempts ?? 1 })
  ) {
    const next = randomUUID();
    const then = {
      ...noted(next, parts.deadline, timesOf(parts, managed)),
      retryOf: inferenceId,
      attempts,
      failure,
    };
    const { isDone, record: met } = await store.change(key, when, then);
    if (!isDone && met?.inferenceId !== next) return undefined;
    count(parts, record, TASKS_RETRIED_METRIC, 1);
    await ask(parts, managed, record, next, result);
    return "retried";
  }
  const then = { ...failedBy(failure), attempts, invokingUntilMs: undefined };
  const { isDone, record: now } = await store.change(key, when, then);
  if (!isDone && now?.state !== "failed") return undefined;
  if (isDone) count(parts, record, TASKS_FAILED_METRIC, 1);
  if (now !== undefined) await tellEnd(parts, settings.RESULTS_BUCKET, now);
  return isDone ? "failed" : "over";
}

/** Undefined: it is gone, or has agents now. */
export function managedRuntimeOf(
  runtimes: readonly Runtime[],
  { runtime }: TaskRecord,
): ManagedRuntime | undefined {
  const found = runtimes.find(({ name }) => name === runtime);
  return found !== undefined && isManaged(found) ? found : undefined;
}

async function resumed(
  parts: SettlementParts,
  runtime: ManagedRuntime,
  record: TaskRecord,
  result: InferenceResult,
): Promise<Settled | undefined> {
  const state = invocationState(record, Date.now());
  if (state === "taken") return "over";
  // SQS brings it again, when the other one has asked or its note has expired.
  if (state === "underway") throw new Error(`${record.key} is about to be invoked again`);
  const next = randomUUID();
  const { isDone, record: met } = await parts.store.change(
    record.key,
    unasked(record),
    noted(next, parts.deadline, timesOf(parts, runtime)),
  );
  if (!isDone && met?.inferenceId !== next) return undefined;
  await ask(parts, runtime, record, next, result);
  return "retried";
}

function timesOf(
  { settings }: SettlementParts,
  { longestTaskSeconds }: ManagedRuntime,
): InvocationTimes {
  return { longestTaskSeconds, requestTtlSeconds: settings.REQUEST_TTL_SECONDS };
}

async function ask(
  { settings, store, sageMaker, deadline, log }: SettlementParts,
  runtime: ManagedRuntime,
  { key, requestHash = "" }: TaskRecord,
  inferenceId: string,
  { requestParameters }: InferenceResult,
): Promise<void> {
  try {
    await invoke(
      {
        store,
        sageMaker,
        endpointsBucket: settings.ENDPOINTS_BUCKET,
        requestTtlSeconds: settings.REQUEST_TTL_SECONDS,
        abortSignal: deadline.work,
        log,
      },
      runtime,
      { key, requestHash },
      inferenceId,
      requestParameters.customAttributes,
    );
  } catch (error) {
    // Due again at once; the note itself stays, as the next delivery goes on from it.
    const when = { state: "queued", inferenceId, invokedAt: undefined } as const;
    await store
      .change(key, when, { invokingUntilMs: undefined }, deadline.undo)
      .catch((failure: unknown) =>
        log.warn("a note stays until its time is up", { key, error: failure as Error }),
      );
    throw error;
  }
}

/** What the container said is in the notification, or lies in S3, or nobody knows. */
async function failureOf(parts: SettlementParts, result: InferenceResult): Promise<TaskFailure> {
  const { failureReason = "SageMaker says no reason", eventTime: at } = result;
  const requestTtlSeconds = parts.settings.REQUEST_TTL_SECONDS;
  const answer = await errorAnswer(parts, result);
  return invocationFailure(failureReason, answer, { at, requestTtlSeconds });
}

async function errorAnswer(
  { settings, s3, deadline, log }: SettlementParts,
  { responseBody, responseParameters }: InferenceResult,
): Promise<string | undefined> {
  if (responseBody !== undefined) {
    const { content, encoding } = responseBody;
    const isBase64 = encoding?.toUpperCase() === "BASE64";
    return isBase64 ? Buffer.from(content, "base64").toString() : content;
  }
  const location = responseParameters?.outputLocation;
  if (location?.startsWith(`s3://${settings.ENDPOINTS_BUCKET}/`) !== true) return undefined;
  try {
    return await answerText(s3, location, ERROR_BYTES, deadline.work);
  } catch (error) {
    log.info("what the container said is not there", { location, error: error as Error });
    return undefined;
  }
}

function count(
  { settings }: SettlementParts,
  { runtime }: TaskRecord,
  name: string,
  value: number,
): void {
  const { METRIC_NAMESPACE: namespace, STACK: stack } = settings;
  new EmbeddedMetrics({ namespace, stack, runtime }).publish([{ name, unit: "Count", value }]);
}
