/** Tasks that SageMaker owes a notification for longer than it may take: none waits for ever. */

import { HeadObjectCommand, NotFound, type S3Client } from "@aws-sdk/client-s3";
import { INFERENCE_EVENT, invocationObject } from "../../contracts/tasks/invocation";
import { complete, fail, managedRuntimeOf, type Settled, type SettlementParts } from "./settlement";

/**
 * Settles what is lost: what has an answer after all is completed, and all else is another attempt's, or
 * has failed as `lost`. What cannot be settled now, or is not reached in time, is left to the next sweep.
 *
 * @throws what DynamoDB says when it cannot be asked what is lost
 */
export async function sweep(parts: SettlementParts): Promise<void> {
  const { store, deadline, log } = parts;
  const nowMs = Date.now();
  for await (const key of store.lost(nowMs)) {
    if (deadline.work.aborted) {
      log.warn("there is more than one sweep can settle");
      return;
    }
    try {
      const settled = await settleLost(parts, key, nowMs);
      log.warn("SageMaker has told nothing of a task", { key, settled: settled ?? "changed" });
    } catch (error) {
      log.error("a lost task is left for later", { key, error: error as Error });
    }
  }
}

/** Undefined: it is not lost any more. */
async function settleLost(
  parts: SettlementParts,
  key: string,
  nowMs: number,
): Promise<Settled | undefined> {
  const record = await parts.store.get(key);
  // The index may be behind the table.
  if (record?.state !== "queued" || record.lostAtMs === undefined || record.lostAtMs >= nowMs)
    return undefined;
  const { inferenceId, requestHash, invokedAt = record.createdAt, outputLocation } = record;
  if (inferenceId === undefined || requestHash === undefined) return undefined;
  const at = new Date(nowMs).toISOString();
  const { ENDPOINTS_BUCKET: bucket, RUNTIMES } = parts.settings;
  const endpointName = managedRuntimeOf(RUNTIMES, record)?.endpoint ?? record.runtime;
  const isAnswered =
    outputLocation !== undefined && (await isThere(parts.s3, outputLocation, parts.deadline.work));
  // What SageMaker would have told.
  const result = {
    ...INFERENCE_EVENT,
    invocationStatus: isAnswered ? ("Completed" as const) : ("Failed" as const),
    receivedTime: invokedAt,
    eventTime: at,
    inferenceId,
    requestParameters: {
      endpointName,
      inputLocation: `s3://${bucket}/${invocationObject(endpointName, key, requestHash)}`,
    },
    ...(isAnswered && { responseParameters: { outputLocation } }),
  };
  if (isAnswered) return await complete(parts, record, result);
  const hours = ((nowMs - Date.parse(invokedAt)) / 3_600_000).toFixed(1);
  const message = `SageMaker has told nothing of it for ${hours} h`;
  return await fail(parts, record, result, { code: "lost", message, at });
}

/** @param location `s3://BUCKET/KEY` */
async function isThere(s3: S3Client, location: string, abortSignal: AbortSignal): Promise<boolean> {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(location) ?? [];
  try {
    await s3.send(new HeadObjectCommand({ Bucket, Key }), { abortSignal });
    return true;
  } catch (error) {
    if (error instanceof NotFound) return false;
    throw error;
  }
}
