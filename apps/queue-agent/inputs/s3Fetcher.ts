import type { Readable } from "node:stream";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { uploadId, uploadObject } from "../../../contracts/tasks/message";
import { UPLOAD_SCHEME } from "../../../contracts/tasks/task";
import { limitedBytes } from "../limitedBytes";
import { TaskFailed } from "../taskFailed";
import { InputUnavailable, tooLarge } from "./unavailable";

export interface S3FetcherOptions {
  readonly s3: S3Client;
  readonly inputsBucket: string;
  readonly buckets: readonly string[];
  readonly maxBytes: number;
}

const S3_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.+)$/;

/**
 * What was uploaded as `upload://ID`.
 *
 * @throws InputUnavailable; TaskFailed `aws` when S3 does not answer
 */
export async function fetchUpload(
  url: string,
  options: S3FetcherOptions,
  signal: AbortSignal,
): Promise<Buffer> {
  const { success, data: id } = uploadId.safeParse(url.slice(UPLOAD_SCHEME.length));
  if (!success) throw new InputUnavailable("has no upload's id");
  return object(options.inputsBucket, uploadObject(id), options, signal);
}

/**
 * An object of a configured bucket, `s3://bucket/key`.
 *
 * @throws InputUnavailable; TaskFailed `aws` when S3 does not answer
 */
export async function fetchS3(
  url: string,
  options: S3FetcherOptions,
  signal: AbortSignal,
): Promise<Buffer> {
  const [, bucket, key] = S3_URL.exec(url) ?? [];
  if (bucket === undefined || key === undefined)
    throw new InputUnavailable("is no object: s3://bucket/key is wanted");
  const allowed = [options.inputsBucket, ...options.buckets];
  if (!allowed.includes(bucket))
    throw new InputUnavailable(
      `is in the bucket ${bucket}, which is not allowed; these are: ${allowed.join(", ")}`,
    );
  return object(bucket, key, options, signal);
}

async function object(
  bucket: string,
  key: string,
  { s3, maxBytes }: S3FetcherOptions,
  signal: AbortSignal,
): Promise<Buffer> {
  try {
    const found = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }), {
      abortSignal: signal,
    });
    return await limitedBytes(found.Body as Readable, {
      maxBytes,
      announcedBytes: found.ContentLength,
      tooMany: () => tooLarge(maxBytes),
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof InputUnavailable) throw error;
    const { name, message } = error as Error;
    if (name === "NoSuchKey") throw new InputUnavailable("is not there");
    if (name === "NoSuchBucket" || name === "AccessDenied")
      throw new InputUnavailable(`cannot be read: ${name}`, false, { cause: error });
    throw new TaskFailed("aws", `S3 does not hand out ${key}: ${message}`, { cause: error });
  }
}
