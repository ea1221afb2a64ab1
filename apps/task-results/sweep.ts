/** What SageMaker should have told of long ago, so that no task waits on for it. */

import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import {
  INFERENCE_EVENT,
  type InferenceResult,
  invocationObject,
} from "../../contracts/tasks/invocation";
import type { TaskRecord } from "../../contracts/tasks/record";
import { ask } from "../task-api/awsCall";
import { isAnswered } from "./answer";
import { SILENCE } from "./invocationFailure";
import { managedRuntimeOf, type SettlementParts } from "./settlement";

/** What one sweep works with. */
export interface SweepParts
  extends Pick<SettlementParts, "settings" | "store" | "s3" | "deadline" | "log"> {
  readonly sqs: SQSClient;
}

/** Until what a sweep has told counts as lost, too: longer than the queue brings a message again. */
const AGAIN_MS = 3 * 3600 * 1000;

/**
 * Puts into the queue what SageMaker would have told: an answer that lies in S3 after all, or a failure.
 * From there it goes the way of all notifications. A task is found again when its result stays away.
 *
 * @throws Error when something could not be done; all else was, and the next sweep tries again
 */
export async function sweep(parts: SweepParts): Promise<void> {
  const { store, deadline, log } = parts;
  const nowMs = Date.now();
  let count = 0;
  const failures: unknown[] = [];
  for await (const key of store.lost(nowMs)) {
    if (deadline.work.aborted) break;
    count++;
    try {
      const record = await store.get(key);
      // The index may be behind the table.
      if (record === undefined || !isLost(record, nowMs)) continue;
      const result = await resultOf(parts, record, nowMs);
      await tell(parts, result);
      await store.change(
        key,
        { state: "queued", inferenceId: result.inferenceId },
        { lostAtMs: nowMs + AGAIN_MS },
      );
      const { inferenceId, invocationStatus } = result;
      log.warn("SageMaker has told nothing of a task", { key, inferenceId, invocationStatus });
    } catch (error) {
      log.error("a lost task is left to the next sweep", { key, error: error as Error });
      failures.push(error);
    }
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `${failures.length} of ${count} lost tasks are left`);
}

function isLost({ state, inferenceId, requestHash, lostAtMs }: TaskRecord, nowMs: number): boolean {
  const isAsked = inferenceId !== undefined && requestHash !== undefined;
  return state === "queued" && isAsked && lostAtMs !== undefined && lostAtMs < nowMs;
}

async function resultOf(
  { settings, s3, deadline }: SweepParts,
  record: TaskRecord,
  nowMs: number,
): Promise<InferenceResult> {
  const { key, inferenceId = "", requestHash = "", outputLocation } = record;
  const { ENDPOINTS_BUCKET: bucket, RUNTIMES } = settings;
  const endpointName = managedRuntimeOf(RUNTIMES, record)?.endpoint ?? record.runtime;
  const told = {
    ...INFERENCE_EVENT,
    inferenceId,
    receivedTime: record.invokedAt ?? record.createdAt,
    eventTime: new Date(nowMs).toISOString(),
    requestParameters: {
      endpointName,
      inputLocation: `s3://${bucket}/${invocationObject(endpointName, key, requestHash)}`,
    },
  };
  return outputLocation !== undefined && (await isAnswered(s3, outputLocation, deadline.work))
    ? { ...told, invocationStatus: "Completed", responseParameters: { outputLocation } }
    : { ...told, invocationStatus: "Failed", failureReason: SILENCE };
}

async function tell({ settings, sqs, deadline }: SweepParts, result: InferenceResult) {
  const message = { QueueUrl: settings.QUEUE_URL, MessageBody: JSON.stringify(result) };
  const abortSignal = deadline.work;
  await ask("SQS SendMessage", sqs.send(new SendMessageCommand(message), { abortSignal }));
}
