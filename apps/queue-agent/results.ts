/** A task's results in S3: its images, what the runtime answered, and last, once, the manifest. */

import { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  type S3Client,
  type UploadPartCommand,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import type { StoredObject } from "../../contracts/tasks/record";
import {
  imageName,
  MANIFEST_NAME,
  type Manifest,
  manifestSchema,
  outputName,
} from "../../contracts/tasks/result";
import { outputFolder } from "../../contracts/tasks/task";
import type { RuntimeImage, RuntimeResult } from "./adapters/adapter";
import { MEDIA_TYPE_BYTES, mediaTypeOf } from "./mediaType";
import { TaskFailed } from "./taskFailed";
import type { Task } from "./taskMessage";

export interface FinishedRun {
  readonly attempt: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly result: RuntimeResult;
}

/** Images of one task that are decoded and uploaded at the same time. */
const PARALLEL_IMAGES = 4;

/** A stream is uploaded in parts as small as S3 allows, one at a time: 5 MiB of memory. */
const PARALLEL_PARTS = 1;

/** Times that two manifests written at the same time may get in each other's way (409). */
const MANIFEST_TRIES = 5;

export class Results {
  constructor(
    readonly client: S3Client,
    readonly bucket: string,
  ) {}

  /** The results that a task has, if it has any. */
  async find(task: Task): Promise<Manifest | undefined> {
    const found = await this.#find(task);
    return found !== undefined && isOf(task, found.manifest) ? found.manifest : undefined;
  }

  /** The manifest in its folder, which may be that of an earlier task of the same id. */
  async #find(task: Task): Promise<{ manifest: Manifest; etag: string | undefined } | undefined> {
    try {
      const { Body, ETag: etag } = await this.client.send(
        new GetObjectCommand({ Bucket: this.bucket, Key: manifestKey(task) }),
      );
      const text = (await Body?.transformToString()) ?? "";
      return { manifest: manifestSchema.parse(JSON.parse(text)), etag };
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  /**
   * Stores what a run has made. May be called again after it has failed: then nothing of the first
   * try goes on, and it holds none of the runtime's connections.
   *
   * @returns the task's manifest: this run's, or that of a run that was first, whose results count
   * @throws TaskFailed when the runtime does not have an image any more
   */
  async store(task: Task, run: FinishedRun): Promise<Manifest> {
    const folder = outputFolder(task);
    const end = new AbortController();
    const [images, output] = await allOrNone(
      [this.#storeImages(task, run, folder, end), this.#storeOutput(task, run, folder, end.signal)],
      end,
    );
    const { attempt, startedAt, finishedAt } = run;
    const { key, id, runtime, type, submittedAt } = task;
    const manifest: Manifest = {
      id,
      key,
      runtime,
      type,
      submittedAt,
      attempt,
      images,
      output,
      startedAt,
      finishedAt,
    };
    const first = await this.#storeManifest(task, manifest);
    if (first.attempt !== attempt) await this.#remove([...images, output]);
    return first;
  }

  async #storeImages(
    task: Task,
    run: FinishedRun,
    folder: string,
    end: AbortController,
  ): Promise<StoredObject[]> {
    const { images } = run.result;
    const stored: StoredObject[] = [];
    for (let start = 0; start < images.length; start += PARALLEL_IMAGES) {
      const some = images.slice(start, start + PARALLEL_IMAGES).map((image, index) => {
        const keyOf = (extension: string) =>
          `${folder}/${imageName(task.id, run.attempt, start + index + 1, extension)}`;
        return this.#storeImage(image, keyOf, end.signal);
      });
      stored.push(...(await allOrNone(some, end)));
    }
    return stored;
  }

  async #storeImage(
    image: RuntimeImage,
    keyOf: (extension: string) => string,
    signal: AbortSignal,
  ): Promise<StoredObject> {
    signal.throwIfAborted();
    const body = await image.body();
    if (!Buffer.isBuffer(body)) return await this.#storeStream(image, body, keyOf, signal);
    const { contentType, extension } = typeOf(image, body);
    const object = { key: keyOf(extension), contentType, bytes: body.length };
    await this.#put(object, body, signal);
    return object;
  }

  /** However it ends, the stream has ended too. */
  async #storeStream(
    image: RuntimeImage,
    body: Readable,
    keyOf: (extension: string) => string,
    signal: AbortSignal,
  ): Promise<StoredObject> {
    let upload: Upload | undefined;
    // One that is not read to its end would fail unheard.
    body.on("error", () => {});
    const end = () => {
      void upload?.abort();
      body.destroy();
    };
    signal.addEventListener("abort", end);
    try {
      signal.throwIfAborted();
      const { beginning, stream, bytes } = await opened(body);
      signal.throwIfAborted();
      const { contentType, extension } = typeOf(image, beginning);
      const key = keyOf(extension);
      // The signal's controller would not do for it: of several uploads it would end the last only.
      upload = new Upload({
        client: endingBytes(this.client, signal),
        queueSize: PARALLEL_PARTS,
        params: { Bucket: this.bucket, Key: key, ContentType: contentType, Body: stream },
      });
      await upload.done();
      return { key, contentType, bytes: bytes() };
    } finally {
      signal.removeEventListener("abort", end);
      body.destroy();
    }
  }

  async #storeOutput(
    task: Task,
    run: FinishedRun,
    folder: string,
    signal: AbortSignal,
  ): Promise<StoredObject> {
    const body = Buffer.from(JSON.stringify(run.result.output) ?? "null");
    const object = {
      key: `${folder}/${outputName(task.id, run.attempt)}`,
      contentType: "application/json",
      bytes: body.length,
    };
    await this.#put(object, body, signal);
    return object;
  }

  async #put(
    { key, contentType }: StoredObject,
    body: Buffer,
    abortSignal: AbortSignal,
  ): Promise<void> {
    await this.client.send(
      new PutObjectCommand({
        Bucket: this.bucket,
        Key: key,
        ContentType: contentType,
        Body: body,
      }),
      { abortSignal },
    );
  }

  /** @returns the one that counts: the first */
  async #storeManifest(task: Task, manifest: Manifest): Promise<Manifest> {
    let condition: { IfNoneMatch: string } | { IfMatch: string } = { IfNoneMatch: "*" };
    for (let tries = 1; ; tries++)
      try {
        await this.client.send(
          new PutObjectCommand({
            Bucket: this.bucket,
            Key: manifestKey(task),
            ContentType: "application/json",
            Body: JSON.stringify(manifest),
            ...condition,
          }),
        );
        return manifest;
      } catch (error) {
        const status = statusOf(error);
        if (status !== 412 && status !== 409) throw error;
        const found = await this.#find(task);
        // Perhaps our own, whose answer got lost.
        if (found !== undefined && isOf(task, found.manifest)) return found.manifest;
        condition = found?.etag === undefined ? { IfNoneMatch: "*" } : { IfMatch: found.etag };
        if (tries >= MANIFEST_TRIES) throw error;
      }
  }

  /** What lost against another run. What stays is deleted by the bucket's lifecycle. */
  async #remove(objects: readonly StoredObject[]): Promise<void> {
    await Promise.allSettled(
      objects.map(({ key }) =>
        this.client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key })),
      ),
    );
  }
}

/** An id may be used again when its record is forgotten, and its results are still there. */
function isOf({ submittedAt }: Task, manifest: Manifest): boolean {
  return manifest.submittedAt === submittedAt;
}

export function manifestKey(task: Task): string {
  return `${outputFolder(task)}/${MANIFEST_NAME}`;
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

/** What the first bytes say; else what the runtime says. */
function typeOf(
  { contentType }: RuntimeImage,
  beginning: Buffer,
): { contentType: string; extension: string } {
  const seen = mediaTypeOf(beginning);
  if (seen !== undefined) return seen;
  const said = contentType?.split(";")[0]?.trim() ?? "application/octet-stream";
  const subtype = said.split("/")[1]?.replace(/^x-|\+.*$/g, "") ?? "";
  return { contentType: said, extension: /^[a-z0-9]{1,10}$/.test(subtype) ? subtype : "bin" };
}

/**
 * The client for an `Upload`, which by itself ends between two calls only, and would keep the bytes of
 * the one that S3 has not answered. Calls without bytes go on: what was begun has to be aborted there.
 */
function endingBytes(client: S3Client, abortSignal: AbortSignal): S3Client {
  const send = (command: UploadPartCommand) =>
    client.send(command, command.input.Body === undefined ? {} : { abortSignal });
  return Object.create(client, { send: { value: send } }) as S3Client;
}

/**
 * What all of it gives. The first failure ends the rest.
 *
 * @throws the first failure, when all of it has ended
 */
async function allOrNone<Work extends readonly Promise<unknown>[] | []>(
  work: Work,
  end: AbortController,
): Promise<{ -readonly [Each in keyof Work]: Awaited<Work[Each]> }> {
  try {
    return await Promise.all(work);
  } catch (error) {
    end.abort(error);
    await Promise.allSettled(work);
    // What failed first may be in another part of the work, and have ended this one.
    throw end.signal.reason;
  }
}

/**
 * A stream's first bytes, the whole stream, and how many bytes went by. The whole stream ends the
 * one it was made of, also when it is not read to its end.
 */
async function opened(
  body: Readable,
): Promise<{ beginning: Buffer; stream: Readable; bytes: () => number }> {
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const read: Buffer[] = [];
  let length = 0;
  let isEnded = false;
  while (length < MEDIA_TYPE_BYTES && !isEnded) {
    const { value, done } = await nextOf(chunks);
    isEnded = done === true;
    if (done !== true) {
      read.push(Buffer.from(value));
      length += value.length;
    }
  }
  const beginning = Buffer.concat(read);
  const rest = async function* () {
    try {
      if (beginning.length > 0) yield beginning;
      while (!isEnded) {
        const { value, done } = await nextOf(chunks);
        if (done === true) return;
        length += value.length;
        yield value;
      }
    } finally {
      await chunks.return?.();
    }
  };
  return { beginning, stream: Readable.from(rest(), { objectMode: false }), bytes: () => length };
}

async function nextOf(chunks: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
  try {
    return await chunks.next();
  } catch (error) {
    throw new TaskFailed("runtime", "the runtime broke off an image", { cause: error });
  }
}
