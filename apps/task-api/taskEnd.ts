/** The end of a managed runtime's task: what an agent does at the end of its tasks. */

import type { S3Client } from "@aws-sdk/client-s3";
import type { TaskFailure, TaskRecord } from "../../contracts/tasks/record";
import type { Manifest } from "../../contracts/tasks/result";
import type { JsonValue } from "../queue-agent/json";
import {
  completedNotification,
  failedNotification,
  type ResultTopic,
} from "../queue-agent/notifications";
import { manifestKey } from "../queue-agent/results";
import type { Task } from "../queue-agent/taskMessage";
import { ask } from "./awsCall";
import type { TaskStore } from "./taskStore";

/** A record as agents' code knows a task. */
export function taskOf(record: TaskRecord): Task {
  const { key, id, run, runtime, type, prefix, context, requestHash, createdAt } = record;
  return {
    key,
    id,
    run,
    runtime,
    type,
    prefix,
    context: context as JsonValue | undefined,
    content: undefined,
    contentKey: undefined,
    requestHash,
    submittedAt: createdAt,
    deadLetterId: undefined,
    traceHeaders: {},
  };
}

/** What a record becomes whose results are stored; `isUntold` until subscribers know. */
export function completedBy(record: TaskRecord, manifest: Manifest): Partial<TaskRecord> {
  const { images, output, startedAt, finishedAt } = manifest;
  return {
    state: "completed",
    images,
    output,
    manifestKey: manifestKey(taskOf(record)),
    startedAt,
    finishedAt,
    failure: undefined,
    awaits: undefined,
    isUntold: true,
  };
}

/** What a record becomes that has failed for good. */
export function failedBy(failure: TaskFailure): Partial<TaskRecord> {
  return {
    state: "failed",
    failure,
    finishedAt: failure.at,
    awaits: undefined,
    isUntold: true,
  };
}

/**
 * Tells subscribers of a task that is over, if they may not know it yet. At least once: who dies
 * between telling and noting it tells again.
 */
export async function tellEnd(
  { store, topic }: { readonly store: TaskStore; readonly topic: ResultTopic },
  resultsBucket: string,
  record: TaskRecord,
): Promise<void> {
  if (record.isUntold !== true) return;
  const { key, images = [], output, failure } = record;
  const task = taskOf(record);
  if (record.state === "completed" && output !== undefined)
    await ask(
      "SNS Publish",
      topic.publish(completedNotification(task, resultsBucket, { images, output })),
    );
  else if (record.state === "failed" && failure !== undefined)
    await ask("SNS Publish", topic.publish(failedNotification(task, failure)));
  await store.change(key, { isUntold: true }, { isUntold: undefined });
}

/** The same client, whose calls end with a signal. */
export function endingWith(s3: S3Client, signal: AbortSignal): S3Client {
  const send = (command: Parameters<S3Client["send"]>[0], own?: { abortSignal?: AbortSignal }) => {
    const abortSignal =
      own?.abortSignal === undefined ? signal : AbortSignal.any([own.abortSignal, signal]);
    return s3.send(command, { ...own, abortSignal });
  };
  return Object.create(s3, { send: { value: send } }) as S3Client;
}
