/** What a container has answered, from where SageMaker has put it. */

import type { Readable } from "node:stream";
import {
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  type S3Client,
} from "@aws-sdk/client-s3";
import { answerBytes } from "../../fleet/agentResources";
import { AnswerTooLarge } from "../queue-agent/adapters/answerTooLarge";
import type { JsonValue } from "../queue-agent/json";
import { limitedBytes } from "../queue-agent/limitedBytes";
import { TaskFailed } from "../queue-agent/taskFailed";

/**
 * @param location `s3://BUCKET/KEY`
 * @throws TaskFailed `runtime` when it is not there, or no JSON; `refused` when there is too much of it
 * @throws what S3 says
 */
export async function answerAt(
  s3: S3Client,
  location: string,
  abortSignal: AbortSignal,
): Promise<JsonValue> {
  const text = await answerText(s3, location, answerBytes, abortSignal);
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new TaskFailed("runtime", "the runtime's answer is no JSON", { cause: error });
  }
}

export async function answerText(
  s3: S3Client,
  location: string,
  maxBytes: number,
  abortSignal: AbortSignal,
): Promise<string> {
  try {
    const { Body, ContentLength } = await s3.send(new GetObjectCommand(objectAt(location)), {
      abortSignal,
    });
    const bytes = await limitedBytes(Body as Readable, {
      maxBytes,
      announcedBytes: ContentLength,
      tooMany: (count) => new AnswerTooLarge("POST /invocations", count, maxBytes),
    });
    return bytes.toString();
  } catch (error) {
    if (error instanceof NoSuchKey)
      throw new TaskFailed("runtime", "the runtime's answer is not where it should be", {
        cause: error,
      });
    throw error;
  }
}

/**
 * Whether there is an answer.
 *
 * @param location `s3://BUCKET/KEY`
 */
export async function isAnswered(
  s3: S3Client,
  location: string,
  abortSignal: AbortSignal,
): Promise<boolean> {
  try {
    await s3.send(new HeadObjectCommand(objectAt(location)), { abortSignal });
    return true;
  } catch (error) {
    if (error instanceof NotFound) return false;
    throw error;
  }
}

function objectAt(location: string) {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(location) ?? [];
  return { Bucket, Key };
}
