/** What the runtime is to get: the task's content, from where it lies, with its inputs in place. */

import { GetObjectCommand, NoSuchKey } from "@aws-sdk/client-s3";
import { taskContent } from "../../contracts/tasks/task";
import { type InputOptions, resolveInputs } from "./inputs/resolveInputs";
import type { JsonObject, JsonValue } from "./json";
import { isDeeperThan, MOST_LEVELS } from "./nesting";
import { TaskFailed } from "./taskFailed";
import { problemsOf, type Task, TOO_DEEP } from "./taskMessage";

/**
 * @throws TaskFailed `input`, `malformed`, or `aws` when S3 does not answer
 * @throws the signal's reason when it was aborted
 */
export async function contentOf(
  task: Task,
  options: InputOptions,
  signal: AbortSignal,
): Promise<JsonObject> {
  const { content, contentKey } = task;
  const found = content ?? (await fetched(contentKey!, options, signal));
  return resolveInputs(found, options, signal);
}

async function fetched(
  key: string,
  { s3, inputsBucket }: InputOptions,
  signal: AbortSignal,
): Promise<JsonObject> {
  const value = parsed(await textOf(key, { s3, inputsBucket }, signal));
  if (isDeeperThan(value, MOST_LEVELS)) throw new TaskFailed("malformed", TOO_DEEP);
  const { success, data, error } = taskContent.safeParse(value);
  if (success) return data as JsonObject;
  throw new TaskFailed("malformed", `the content in the inputs' bucket: ${problemsOf(error)}`);
}

async function textOf(
  key: string,
  { s3, inputsBucket }: Pick<InputOptions, "s3" | "inputsBucket">,
  signal: AbortSignal,
): Promise<string> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: inputsBucket, Key: key }), {
      abortSignal: signal,
    });
    return (await Body?.transformToString()) ?? "";
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof NoSuchKey)
      throw new TaskFailed("input", "the content is not in the inputs' bucket any more", {
        cause: error,
      });
    throw new TaskFailed("aws", `the content could not be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new TaskFailed("malformed", "the content in the inputs' bucket is no JSON", {
      cause: error,
    });
  }
}
