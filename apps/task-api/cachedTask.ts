import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { CachedResult } from "../../contracts/tasks/cache";
import type { StoredObject, TaskRecord } from "../../contracts/tasks/record";
import type { Manifest } from "../../contracts/tasks/result";
import type { JsonValue } from "../queue-agent/json";
import { Results } from "../queue-agent/results";
import { endingWith, taskOf } from "./taskEnd";

/**
 * Gives a task the results of another one, as copies: each task has a folder of its own, which its
 * client may empty, and which its prefix tells.
 *
 * @param attempt names the copies
 * @throws what S3 says; an error, when what is there is not what was stored
 */
export async function copiedResults(
  s3: S3Client,
  bucket: string,
  record: TaskRecord,
  { images, output }: CachedResult,
  attempt: string,
  signal: AbortSignal,
): Promise<Manifest> {
  const client = endingWith(s3, signal);
  const startedAt = new Date().toISOString();
  const answer = JSON.parse((await read(client, bucket, output)).toString()) as JsonValue;
  return await new Results(client, bucket).store(taskOf(record), {
    attempt,
    startedAt,
    finishedAt: new Date().toISOString(),
    result: {
      images: images.map((image) => ({
        contentType: image.contentType,
        bytes: image.bytes,
        body: () => read(client, bucket, image),
      })),
      output: answer,
    },
  });
}

async function read(s3: S3Client, bucket: string, { key, bytes }: StoredObject): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const found = Buffer.from((await Body?.transformToByteArray()) ?? []);
  if (found.length !== bytes)
    throw new Error(`${key} has ${found.length} bytes, and ${bytes} were stored`);
  return found;
}
