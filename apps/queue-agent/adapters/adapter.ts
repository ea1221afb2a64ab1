import type { Readable } from "node:stream";
import type { TaskType } from "../../../contracts/tasks/task";
import type { JsonObject, JsonValue } from "../json";

/** What a runtime is asked to do, with its inputs in place: no URLs and no uploads any more. */
export interface RuntimeTask {
  readonly id: string;
  readonly type: TaskType;
  readonly content: JsonObject;
  /** W3C trace headers for the runtime. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What a runtime has made. */
export interface RuntimeResult {
  readonly images: readonly RuntimeImage[];
  /** What it answered beside the images, for people and programs that want to know. */
  readonly output: JsonValue;
}

/**
 * An image or a video. `body` is called when it is stored, while the next task runs: decoding and
 * fetching wait until then. It may be called again, e.g. after S3 failed.
 */
export interface RuntimeImage {
  /** A MIME type, where the runtime says so; else it is told by the first bytes. */
  readonly contentType?: string;
  /** Of memory, that it takes until it is stored, about. */
  readonly bytes: number;
  /** @throws TaskFailed `runtime` when the runtime does not have it any more */
  body(): Promise<Buffer | Readable> | Buffer;
}

/** How an agent talks to one kind of runtime. One task at a time. */
export interface Adapter {
  /** Nothing: the runtime can take a task now. Otherwise why not. */
  readiness(signal: AbortSignal): Promise<string | undefined>;
  /**
   * Runs a task. Resolves as soon as the runtime is free for the next one. When the signal aborts,
   * the runtime is told to stop; a runtime that does not let go within seconds is left alone.
   *
   * @throws TaskFailed when nothing came of it, with the kind of failure
   * @throws the signal's reason when it was aborted
   */
  run(task: RuntimeTask, signal: AbortSignal): Promise<RuntimeResult>;
  /** Lets go of the connections that are kept. */
  close(): Promise<void>;
}
