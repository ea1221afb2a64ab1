import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { ApiError, Unreachable } from "./apiError";
import { Deadline } from "./deadline";
import type { KubeObject } from "./objects";

// Of client-node, only how a cluster is reached. Its APIs write and read objects by models of their
// own, which drop what they do not know, and open a connection for every request; its Watch cannot
// be ended while it connects, hides what its callback throws, and fixes how long it bears silence.

const JSON_TYPE = "application/json";
const MERGE_TYPE = "application/merge-patch+json";
/** JSON is YAML. */
const APPLY_TYPE = "application/apply-patch+yaml";

const PAGE_SIZE = 250;

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface CallOptions {
  /** Default: the client's. */
  readonly timeoutMs?: number;
  /** Ends the request, which then rejects with `Unreachable`. */
  readonly signal?: AbortSignal;
}

export interface WriteOptions extends CallOptions {
  /** Who owns the fields that are written. */
  readonly fieldManager?: string;
}

export interface ApplyOptions extends CallOptions {
  readonly fieldManager: string;
  /** Takes over fields that another manager owns. Default: false, a 409 that names them. */
  readonly force?: boolean;
}

/** A part of a collection. */
export interface Page {
  readonly items: readonly unknown[];
  /** Of the whole collection: what a watch goes on from. */
  readonly resourceVersion: string;
}

/** What a watch tells. */
export interface WatchEvent {
  /** `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK`, or `ERROR` with a `Status`, after which it ends. */
  readonly type: string;
  readonly object: unknown;
}

export interface WatchOptions extends CallOptions {
  /** The connection is taken for dead when nothing comes for so long. */
  readonly silenceMs: number;
}

interface Body {
  readonly type: string;
  readonly content: unknown;
}

/**
 * An API server, by paths such as `/api/v1/namespaces/a/configmaps/b`. Objects are sent and given
 * as they are. Every request ends within its deadline.
 *
 * All methods reject with `ApiError` when the server refuses, and with `Unreachable` when it gives
 * no answer in time.
 */
export class KubeApi {
  readonly #timeoutMs: number;
  readonly #secure = new Agent({ keepAlive: true });
  readonly #plain = new HttpAgent({ keepAlive: true });

  /** @param timeoutMs deadline of a request. Default: 5000 */
  constructor(
    readonly config: KubeConfig,
    { timeoutMs = 5000 } = {},
  ) {
    this.#timeoutMs = timeoutMs;
  }

  /** An object, or whatever is at a path. */
  get<T = KubeObject>(path: string, options?: CallOptions): Promise<T> {
    return this.#send<T>("GET", path, {}, undefined, options);
  }

  /** A whole collection at one resource version. */
  async list<T = KubeObject>(path: string, query?: Query, options?: CallOptions): Promise<T[]> {
    const items: T[] = [];
    for await (const page of this.pages(path, query, options)) items.push(...(page.items as T[]));
    return items;
  }

  /**
   * A collection in pages of 250 objects, so that only one page is in memory at a time. The
   * deadline is a page's. Rejects with status 410 when somebody reads so slowly that the server has
   * forgotten; begin anew then.
   */
  async *pages(path: string, query: Query = {}, options?: CallOptions): AsyncGenerator<Page> {
    let next: string | undefined;
    do {
      const page = await this.#send<Record<string, unknown>>(
        "GET",
        path,
        { limit: PAGE_SIZE, ...query, continue: next },
        undefined,
        options,
      );
      const { items, metadata } = page as {
        items?: unknown[] | null;
        metadata?: { resourceVersion?: string; continue?: string };
      };
      yield { items: items ?? [], resourceVersion: metadata?.resourceVersion ?? "" };
      next = metadata?.continue || undefined;
    } while (next !== undefined);
  }

  /** Server-side apply. The object needs apiVersion, kind, name, and only the fields to own. */
  apply(path: string, object: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    const { fieldManager, force = false, ...call } = options;
    const body = { type: APPLY_TYPE, content: object };
    return this.#send("PATCH", path, { fieldManager, force }, body, call);
  }

  /** JSON merge patch: given fields are set, `null` removes one. */
  mergePatch(
    path: string,
    patch: Readonly<Record<string, unknown>>,
    { fieldManager, ...call }: WriteOptions = {},
  ): Promise<KubeObject> {
    return this.#send("PATCH", path, { fieldManager }, { type: MERGE_TYPE, content: patch }, call);
  }

  /** Sets the replicas of what has a scale, e.g. a Deployment at `path`. */
  patchScale(path: string, replicas: number, options?: WriteOptions): Promise<KubeObject> {
    return this.mergePatch(`${path}/scale`, { spec: { replicas } }, options);
  }

  /** Writes a whole object; 409 when it has changed since its `metadata.resourceVersion`. */
  replace(
    path: string,
    object: KubeObject,
    { fieldManager, ...call }: WriteOptions = {},
  ): Promise<KubeObject> {
    return this.#send("PUT", path, { fieldManager }, { type: JSON_TYPE, content: object }, call);
  }

  /** @param path of the collection, e.g. `/api/v1/namespaces/a/events` */
  create(
    path: string,
    object: Readonly<Record<string, unknown>>,
    { fieldManager, ...call }: WriteOptions = {},
  ): Promise<KubeObject> {
    return this.#send("POST", path, { fieldManager }, { type: JSON_TYPE, content: object }, call);
  }

  /**
   * Changes of a collection, from a resource version on, until the server ends it. Resolves when
   * the server has agreed. Ending the iteration closes the connection.
   *
   * @throws ApiError (410: the resource version is too old), Unreachable, the latter also in the
   * midst of it
   */
  async watch(
    path: string,
    query: Query,
    { silenceMs, timeoutMs = this.#timeoutMs, signal }: WatchOptions,
  ): Promise<AsyncGenerator<WatchEvent>> {
    const deadline = new Deadline(timeoutMs, signal);
    try {
      const watching = { watch: true, ...query };
      const response = await this.#open("GET", path, watching, undefined, deadline.signal);
      if (response.statusCode !== 200)
        throw ApiError.of(response.statusCode as number, await textOf(response));
      return this.#events(path, response, deadline, silenceMs);
    } catch (error) {
      deadline.clear();
      throw this.#failure(`watch ${path}`, error, deadline);
    }
  }

  async *#events(
    path: string,
    response: IncomingMessage,
    deadline: Deadline,
    silenceMs: number,
  ): AsyncGenerator<WatchEvent> {
    deadline.restart(silenceMs);
    response.setEncoding("utf8");
    let rest = "";
    try {
      for await (const chunk of response as AsyncIterable<string>) {
        deadline.restart(silenceMs);
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() as string;
        for (const line of lines) if (line !== "") yield JSON.parse(line) as WatchEvent;
      }
    } catch (error) {
      throw this.#failure(`watch ${path}`, error, deadline);
    } finally {
      deadline.clear();
    }
  }

  /** Closes idle connections. */
  close(): void {
    this.#secure.destroy();
    this.#plain.destroy();
  }

  async #send<T>(
    method: string,
    path: string,
    query: Query,
    body: Body | undefined,
    { timeoutMs = this.#timeoutMs, signal }: CallOptions = {},
  ): Promise<T> {
    const deadline = new Deadline(timeoutMs, signal);
    try {
      const response = await this.#open(method, path, query, body, deadline.signal);
      const text = await textOf(response);
      const status = response.statusCode as number;
      if (status >= 300) throw ApiError.of(status, text);
      return JSON.parse(text) as T;
    } catch (error) {
      throw this.#failure(`${method} ${path}`, error, deadline);
    } finally {
      deadline.clear();
    }
  }

  async #open(
    method: string,
    path: string,
    query: Query,
    body: Body | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const url = this.#urlOf(path, query);
    const options = await this.#requestOptions(method, url, body, signal);
    return open(url, options, body, method !== "POST");
  }

  #failure(what: string, error: unknown, deadline: Deadline): ApiError | Unreachable {
    if (error instanceof ApiError) return error;
    // What else is idle has probably died with it, and would cost the next request its deadline.
    if (deadline.isOver) this.#closeIdle();
    const why = deadline.isOver
      ? `no answer within ${deadline.milliseconds} ms`
      : (error as Error).message;
    return new Unreachable(`${what}: ${why}`, { cause: error });
  }

  #closeIdle(): void {
    for (const { freeSockets } of [this.#secure, this.#plain])
      for (const sockets of Object.values(freeSockets))
        for (const socket of sockets ?? []) socket.destroy();
  }

  #urlOf(path: string, query: Query): URL {
    const url = new URL(`${this.config.getCurrentCluster()?.server ?? ""}${path}`);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    return url;
  }

  async #requestOptions(
    method: string,
    url: URL,
    body: Body | undefined,
    signal: AbortSignal,
  ): Promise<RequestOptions> {
    const options: RequestOptions = { method, signal };
    // Reads credentials anew, which a pod's are after a while.
    await this.config.applyToHTTPSOptions(options);
    options.headers = {
      ...(options.headers as Record<string, string>),
      Accept: JSON_TYPE,
      "User-Agent": "diffusion-fleet",
      ...(body === undefined ? {} : { "Content-Type": body.type }),
    };
    // The library's agent closes its connections, but knows the way through a proxy.
    if (!this.config.getCurrentCluster()?.proxyUrl)
      options.agent = url.protocol === "https:" ? this.#secure : this.#plain;
    return options;
  }
}

/** @param repeatable whether it may be sent again over a new connection */
function open(
  url: URL,
  options: RequestOptions,
  body: Body | undefined,
  repeatable: boolean,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const start = url.protocol === "https:" ? httpsRequest : httpRequest;
    const request = start(url, options, resolve);
    request.on("error", (error: NodeJS.ErrnoException) => {
      // The server closed an idle connection just when it was taken up again.
      if (repeatable && request.reusedSocket && error.code === "ECONNRESET")
        resolve(open(url, options, body, repeatable));
      else reject(error);
    });
    request.end(body === undefined ? undefined : JSON.stringify(body.content));
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
