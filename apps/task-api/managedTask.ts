/** A task of a managed runtime: answered from the cache of results, or asked of SageMaker. */

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { invocationObject } from "../../contracts/tasks/invocation";
import type { TaskRecord } from "../../contracts/tasks/record";
import { attemptOf } from "../../contracts/tasks/result";
import type { ManagedRuntime } from "../../contracts/tasks/runtimes";
import type { JsonObject } from "../queue-agent/json";
import type { Api, ManagedApi } from "./api";
import { AwsUnavailable, ask } from "./awsCall";
import { copiedResults } from "./cachedTask";
import { invocationState, invoke, noted, unasked } from "./invocation";
import { managedContent } from "./managedInputs";
import { cacheKeyOf } from "./resultCache";
import { completedBy, tellEnd } from "./taskEnd";
import type { TraceHeaders } from "./trace";

/** Between two looks at a task that another request is about to ask for. */
const LOOK_MS = 250;

export interface ManagedTask {
  /** As it was seen. */
  readonly record: TaskRecord;
  readonly requestHash: string;
  readonly content: JsonObject;
  /** Of the content in the request. */
  readonly path: string;
}

/**
 * Sees to it that a task is asked for, once, or has its results. Nothing is done for one that is
 * with SageMaker already, or over and told.
 *
 * @throws Problem `invalid` when an input cannot be had
 * @throws AwsUnavailable; then it is not asked for, as far as anybody knows
 */
export async function runManaged(
  api: Api,
  runtime: ManagedRuntime,
  task: ManagedTask,
  trace: TraceHeaders,
): Promise<void> {
  const { store, settings, deadline, log } = api;
  const managed = managedOf(api);
  const { requestHash } = task;
  const asked = await askedFor(api, runtime, task);
  if (asked === undefined) return;
  const { record, content, inferenceId } = asked;
  const { key } = record;
  try {
    if (await answeredBefore(api, managed, record, inferenceId)) {
      api.countRequest(runtime.endpoint);
      return;
    }
    await putRequest(api, managed, runtime, { key, requestHash }, content);
    await invoke(
      {
        store,
        sageMaker: managed.sageMaker,
        endpointsBucket: managed.endpointsBucket,
        requestTtlSeconds: settings.REQUEST_TTL_SECONDS,
        abortSignal: deadline.work,
        log,
      },
      runtime,
      { key, requestHash },
      inferenceId,
      attributesOf(trace),
    );
    api.countRequest(runtime.endpoint);
  } catch (error) {
    await store
      .change(
        key,
        { state: "queued", inferenceId, invokedAt: undefined },
        { inferenceId: undefined, invokingUntilMs: undefined, awaits: undefined },
        deadline.undo,
      )
      .catch((failure: unknown) =>
        log.warn("a note stays until its time is up", { key, error: failure as Error }),
      );
    throw error;
  }
}

interface Asked {
  readonly record: TaskRecord;
  readonly content: JsonObject;
  readonly inferenceId: string;
}

/** Notes that this request asks for it; undefined: there is nothing to ask for any more. */
async function askedFor(
  api: Api,
  runtime: ManagedRuntime,
  { record, content, path }: ManagedTask,
): Promise<Asked | undefined> {
  const { store, settings, deadline } = api;
  const managed = managedOf(api);
  const inferenceId = randomUUID();
  const times = {
    longestTaskSeconds: runtime.longestTaskSeconds,
    requestTtlSeconds: settings.REQUEST_TTL_SECONDS,
  };
  let complete: JsonObject | undefined;
  for (let seen: TaskRecord | undefined = record; ; ) {
    if (seen === undefined)
      throw new AwsUnavailable("DynamoDB GetItem", new Error("the record is taken back"));
    const state = invocationState(seen, Date.now());
    if (state === "over") await tellEnd(managed, settings.RESULTS_BUCKET, seen);
    if (state === "over" || state === "taken") return undefined;
    if (state === "underway") {
      await ask("another request", pause(LOOK_MS, undefined, { signal: deadline.work }));
      seen = await store.get(seen.key);
      continue;
    }
    complete ??= await requestOf(api, content, path);
    const cacheKey =
      managed.cache === undefined ? undefined : cacheKeyOf(runtime, seen.type, complete);
    const { isDone, record: met } = await store.change(seen.key, unasked(seen), {
      ...noted(inferenceId, deadline, times),
      cacheKey,
    });
    // Perhaps our own, whose answer got lost.
    if (met !== undefined && (isDone || met.inferenceId === inferenceId))
      return { record: met, content: complete, inferenceId };
    seen = met;
  }
}

/** What the server gets; images come back in its answer. */
async function requestOf(
  { settings, s3, deadline }: Api,
  content: JsonObject,
  path: string,
): Promise<JsonObject> {
  const options = {
    s3,
    inputsBucket: settings.INPUTS_BUCKET,
    buckets: settings.INPUT_BUCKETS,
    maxBytes: settings.INPUT_BYTES,
  };
  const complete = await managedContent(content, options, path, deadline.work);
  return { ...complete, response_format: "b64_json" };
}

/**
 * Ends the task with what the same request was answered with before. False: there is no such answer,
 * or it cannot be had, which is no reason to fail.
 */
async function answeredBefore(
  { store, s3, settings, deadline, log }: Api,
  managed: ManagedApi,
  record: TaskRecord,
  inferenceId: string,
): Promise<boolean> {
  const { key, cacheKey } = record;
  if (managed.cache === undefined || cacheKey === undefined) return false;
  const bucket = settings.RESULTS_BUCKET;
  let then: Partial<TaskRecord>;
  try {
    const cached = await managed.cache.find(cacheKey);
    if (cached === undefined) return false;
    const attempt = attemptOf(inferenceId);
    const manifest = await copiedResults(s3, bucket, record, cached, attempt, deadline.work);
    then = { ...completedBy(record, manifest), invokingUntilMs: undefined };
  } catch (error) {
    if (deadline.work.aborted) throw new AwsUnavailable("cache of results", error);
    log.warn("the cache of results is of no use", { key, cacheKey, error: error as Error });
    return false;
  }
  const { isDone, record: met } = await store.change(key, { state: "queued", inferenceId }, then);
  // Otherwise it was cancelled meanwhile.
  if (met !== undefined && (isDone || met.state === "completed"))
    await tellEnd(managed, bucket, met);
  return true;
}

async function putRequest(
  { s3, deadline }: Api,
  { endpointsBucket }: ManagedApi,
  { endpoint }: ManagedRuntime,
  { key, requestHash }: { readonly key: string; readonly requestHash: string },
  content: JsonObject,
): Promise<void> {
  await ask(
    "S3 PutObject",
    s3.send(
      new PutObjectCommand({
        Bucket: endpointsBucket,
        Key: invocationObject(endpoint, key, requestHash),
        Body: JSON.stringify(content),
        ContentType: "application/json",
      }),
      { abortSignal: deadline.work },
    ),
  );
}

/** Most characters of custom attributes. Source: SageMaker API reference, InvokeEndpointAsync. */
const ATTRIBUTES_LENGTH = 1024;

/** The trace, as far as SageMaker takes it: visible ASCII. */
function attributesOf({ traceparent, tracestate }: TraceHeaders): string {
  const both = `traceparent=${traceparent}${tracestate === undefined ? "" : `;tracestate=${tracestate}`}`;
  const isTaken = both.length <= ATTRIBUTES_LENGTH && /^[\x21-\x7e]+$/.test(both);
  return isTaken ? both : `traceparent=${traceparent}`;
}

/** @throws Error when the function was deployed without what managed runtimes need */
function managedOf({ managed }: Api): ManagedApi {
  if (managed === undefined)
    throw new Error("a managed runtime wants ENDPOINTS_BUCKET and RESULT_TOPIC_ARN");
  return managed;
}
