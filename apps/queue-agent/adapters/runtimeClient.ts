import { once } from "node:events";
import type { Readable } from "node:stream";
import { type Dispatcher, FormData, Pool } from "undici";
import { answerBytes } from "../../../fleet/agentResources";
import type { JsonValue } from "../json";
import { announcedBytes, limitedBytes } from "../limitedBytes";
import { TaskFailed } from "../taskFailed";
import { AnswerTooLarge } from "./answerTooLarge";
import { errorMessage } from "./errorMessage";

/**
 * At the same time at most: a task's request, two that interrupt it, one by which the task before it
 * is forgotten, and one for readiness. Several uploads of inputs, and what comes while the runtime
 * is slow to answer, wait for each other, as long as their signals let them.
 */
const CONNECTIONS = 5;

/**
 * Apart from the others: what is streamed to S3 keeps its connection as long as S3 takes, and no run
 * may wait for that. Four images of a task are stored at the same time (results.ts), and while
 * they are streamed no other task begins to be stored (pipeline.ts). Twice as many: a stream that waits
 * for another one would use up its time, and a connection that is not used costs nothing.
 */
const STREAMS = 4 * 2;

/** It is on the same machine. */
const CONNECT_TIMEOUT_MS = 5_000;

/** Below the 5 s after which uvicorn closes an idle connection (its setting timeout-keep-alive). */
const KEEP_ALIVE_MS = 3_000;

/** Most bytes that are read of what only an error, or nobody, has to say. */
const ERROR_BYTES = 1024 * 1024;

export type RequestBody = JsonValue | FormData;

export interface RuntimeRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** What the runtime says with a 5xx although it is the request that is wrong. */
  readonly refusals?: RegExp;
  /** Says more of an error than `errorMessage`, where it can. */
  readonly describe?: (answer: JsonValue) => string | undefined;
}

/**
 * A runtime's HTTP API. A request waits for a connection and its answer as long as it takes: the
 * signal is its only end.
 */
export class RuntimeClient {
  private readonly pool: Pool;
  private readonly streams: Pool;
  private readonly basePath: string;

  /**
   * @param url where the runtime listens, e.g. `http://127.0.0.1:8000`
   * @param maxAnswerBytes most bytes of an answer that is held in memory; what is streamed has no bound
   */
  constructor(
    readonly url: string,
    private readonly maxAnswerBytes = answerBytes,
  ) {
    const { origin, pathname } = new URL(url);
    this.basePath = pathname.replace(/\/+$/, "");
    const options: Pool.Options = {
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: { timeout: CONNECT_TIMEOUT_MS },
    };
    this.pool = new Pool(origin, { ...options, connections: CONNECTIONS });
    this.streams = new Pool(origin, { ...options, connections: STREAMS });
  }

  /**
   * The answer, as JSON.
   *
   * @throws TaskFailed `busy`, `refused` or `runtime`, by the answer's status, or because there was none
   * @throws AnswerTooLarge of an answer that an agent has no memory for; it is not read to its end
   * @throws the signal's reason when it was aborted
   */
  async json(request: RuntimeRequest, signal: AbortSignal): Promise<JsonValue> {
    const text = await this.text(request, signal);
    if (text === "") return null;
    try {
      return JSON.parse(text) as JsonValue;
    } catch (error) {
      throw new TaskFailed("runtime", `the runtime's answer to ${nameOf(request)} is no JSON`, {
        cause: error,
      });
    }
  }

  /**
   * The answer's body, while it comes in; fails as `json` does. Has to be read to its end, or
   * destroyed. No request of another kind waits for it.
   */
  async stream(
    request: RuntimeRequest,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData["body"]> {
    return (await this.succeeded(request, signal, this.streams)).body;
  }

  /** Nothing when the runtime answers a GET with 2xx; otherwise what it says. */
  async problem(path: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      const { body } = await this.succeeded({ method: "GET", path }, signal, this.pool);
      await body.dump({ limit: ERROR_BYTES, signal });
      return undefined;
    } catch (error) {
      if (error instanceof TaskFailed) return error.message;
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.pool.destroy(), this.streams.destroy()]);
  }

  /** The answer's body as a whole. Its bytes are free to go when it returns. */
  private async text(request: RuntimeRequest, signal: AbortSignal): Promise<string> {
    const { headers, body } = await this.succeeded(request, signal, this.pool);
    const maxBytes = this.maxAnswerBytes;
    try {
      const bytes = await limitedBytes(body, {
        maxBytes,
        announcedBytes: announcedBytes(headers["content-length"]),
        tooMany: (said) => new AnswerTooLarge(nameOf(request), said, maxBytes),
      });
      return bytes.toString();
    } catch (error) {
      if (error instanceof TaskFailed) throw error;
      return brokenOff(error, signal);
    }
  }

  private async succeeded(
    request: RuntimeRequest,
    signal: AbortSignal,
    pool: Pool,
  ): Promise<Dispatcher.ResponseData> {
    const answer = await this.send(request, signal, pool);
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
    throw await failureOf(request, answer, signal);
  }

  private async send(
    { method, path, query, headers, body }: RuntimeRequest,
    signal: AbortSignal,
    pool: Pool,
  ): Promise<Dispatcher.ResponseData> {
    const isJson = body !== undefined && !(body instanceof FormData);
    const options: Dispatcher.RequestOptions = {
      method,
      path: `${this.basePath}${path}`,
      query: query ?? {},
      headers: { ...(isJson && { "content-type": "application/json" }), ...headers },
      // undici would keep the text beside its bytes until the answer is there.
      body: isJson ? Buffer.from(JSON.stringify(body)) : (body ?? null),
      signal,
    };
    signal.throwIfAborted();
    return await answerUntil(signal, pool.request(options)).catch((error: unknown) =>
      brokenOff(error, signal),
    );
  }
}

/**
 * undici does not hear of an abort while a request waits for a connection. The request is not sent
 * then, when it gets one.
 */
async function answerUntil(
  signal: AbortSignal,
  answering: Promise<Dispatcher.ResponseData>,
): Promise<Dispatcher.ResponseData> {
  const listening = new AbortController();
  const aborted = once(signal, "abort", { signal: listening.signal });
  aborted.catch(() => {});
  try {
    await Promise.race([answering, aborted]);
    signal.throwIfAborted();
    return await answering;
  } catch (error) {
    // Nobody waits for it any more, nor hears of its end.
    answering.then(
      ({ body }) => body.on("error", () => {}).destroy(),
      () => {},
    );
    throw error;
  } finally {
    listening.abort();
  }
}

function brokenOff(error: unknown, signal: AbortSignal): never {
  signal.throwIfAborted();
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ECONNREFUSED" || code === "UND_ERR_CONNECT_TIMEOUT")
    throw new TaskFailed("busy", "the runtime does not listen", { cause: error });
  throw new TaskFailed("runtime", `the connection to the runtime broke: ${message}`, {
    cause: error,
  });
}

async function failureOf(
  request: RuntimeRequest,
  { statusCode, headers, body }: Dispatcher.ResponseData,
  signal: AbortSignal,
): Promise<TaskFailed> {
  const said = errorMessage(await beginningOf(body, signal), request.describe);
  const message = `${nameOf(request)}: ${statusCode}${said === "" ? "" : `: ${said}`}`;
  if (statusCode === 429 || statusCode === 503)
    return new TaskFailed("busy", message, {
      retryAfterSeconds: retryAfterSeconds(headers["retry-after"]),
    });
  const isRefused =
    (statusCode >= 400 && statusCode < 500 && statusCode !== 408) || request.refusals?.test(said);
  return new TaskFailed(isRefused ? "refused" : "runtime", message);
}

async function beginningOf(body: Readable, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes >= ERROR_BYTES) break;
    }
  } catch {
    // The status says enough.
    signal.throwIfAborted();
  }
  return Buffer.concat(chunks).toString("utf8", 0, ERROR_BYTES);
}

function nameOf({ method, path }: RuntimeRequest): string {
  return `${method} ${path}`;
}

/** Seconds or a date. Source: RFC 9110, 10.2.3. */
function retryAfterSeconds(header: string | string[] | undefined): number | undefined {
  if (typeof header !== "string") return undefined;
  const seconds = /^\d+$/.test(header)
    ? Number(header)
    : Math.ceil((Date.parse(header) - Date.now()) / 1000);
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}
