/** Asking SageMaker for what a task wants, so that a task is asked for once. */

import type { Logger } from "@aws-lambda-powertools/logger";
import {
  InvokeEndpointAsyncCommand,
  type SageMakerRuntimeClient,
} from "@aws-sdk/client-sagemaker-runtime";
import { invocationObject } from "../../contracts/tasks/invocation";
import type { TaskRecord } from "../../contracts/tasks/record";
import type { ManagedRuntime } from "../../contracts/tasks/runtimes";
import { ask } from "./awsCall";
import type { Deadline } from "./deadline";
import type { TaskStore } from "./taskStore";

/**
 * What a task's invocation is:
 * `over`: the task needs none; `due`: nobody asks for it, or whoever did is dead; `underway`: somebody
 * is about to; `taken`: SageMaker has it. What it never tells of the sweep of apps/task-results finds.
 */
export type InvocationState = "over" | "due" | "underway" | "taken";

/** Seconds beyond all that SageMaker may take, after which an invocation is lost. */
const LOST_SECONDS = 600;

export function invocationState(
  { state, inferenceId, invokedAt, invokingUntilMs = 0 }: TaskRecord,
  nowMs: number,
): InvocationState {
  if (state !== "queued") return "over";
  if (invokedAt !== undefined) return "taken";
  return inferenceId !== undefined && invokingUntilMs >= nowMs ? "underway" : "due";
}

/** What of a record may not have changed when an invocation is noted. */
export function unasked({ requestHash, inferenceId, invokedAt, invokingUntilMs }: TaskRecord) {
  return { state: "queued", requestHash, inferenceId, invokedAt, invokingUntilMs } as const;
}

/** How long SageMaker may keep silent. */
export interface InvocationTimes {
  readonly longestTaskSeconds: number;
  /** That SageMaker keeps a request which waits. */
  readonly requestTtlSeconds: number;
}

/**
 * What a record says of an invocation that somebody is about to ask for.
 *
 * @param inferenceId a new one
 */
export function noted(
  inferenceId: string,
  { overAtMs }: Deadline,
  { longestTaskSeconds, requestTtlSeconds }: InvocationTimes,
): Partial<TaskRecord> {
  const longestSeconds = requestTtlSeconds + longestTaskSeconds + LOST_SECONDS;
  return {
    inferenceId,
    invokingUntilMs: overAtMs,
    invokedAt: undefined,
    outputLocation: undefined,
    awaits: "sagemaker",
    lostAtMs: overAtMs + longestSeconds * 1000,
  };
}

export interface InvokerOptions {
  readonly store: TaskStore;
  readonly sageMaker: SageMakerRuntimeClient;
  readonly endpointsBucket: string;
  readonly requestTtlSeconds: number;
  readonly abortSignal: AbortSignal;
  readonly log: Logger;
}

/**
 * Asks for a noted invocation, and notes that SageMaker has it. One window stays: whoever dies
 * between the two leaves a note that counts as dead when its time is up, and the images may be made
 * twice. The first result counts.
 *
 * @param customAttributes what SageMaker hands to the container and back, ASCII
 * @throws AwsUnavailable when SageMaker did not say that it has it
 */
export async function invoke(
  { store, sageMaker, endpointsBucket, requestTtlSeconds, abortSignal, log }: InvokerOptions,
  { endpoint, longestTaskSeconds }: ManagedRuntime,
  { key, requestHash }: { readonly key: string; readonly requestHash: string },
  inferenceId: string,
  customAttributes: string | undefined,
): Promise<void> {
  const input = invocationObject(endpoint, key, requestHash);
  const { OutputLocation: outputLocation } = await ask(
    "SageMaker InvokeEndpointAsync",
    sageMaker.send(
      new InvokeEndpointAsyncCommand({
        EndpointName: endpoint,
        InputLocation: `s3://${endpointsBucket}/${input}`,
        ContentType: "application/json",
        Accept: "application/json",
        InferenceId: inferenceId,
        InvocationTimeoutSeconds: longestTaskSeconds,
        RequestTTLSeconds: requestTtlSeconds,
        ...(customAttributes !== undefined && { CustomAttributes: customAttributes }),
      }),
      { abortSignal },
    ),
  );
  try {
    const invokedAt = new Date().toISOString();
    const then = { invokedAt, outputLocation, invokingUntilMs: undefined };
    await store.change(key, { inferenceId }, then);
  } catch (error) {
    log.warn("an invocation is not noted as taken", { key, inferenceId, error: error as Error });
  }
}
