import { isDeepStrictEqual } from "node:util";
import type { Log } from "../../service/log";
import type { KubeApi } from "./api";
import { ApiError, isExpired, Unreachable } from "./apiError";
import { backoffMs } from "./backoff";
import { type KubeObject, keyOf } from "./objects";
import { pause } from "./pause";

/**
 * The server ends a quiet watch after so long, and two seconds before says in a bookmark how far it
 * was; at least, and at most.
 */
const WATCH_SECONDS = [20, 25] as const;
/** A watch that says nothing for so long has not been ended by the server: its connection is dead. */
const SILENCE_MS = 30_000;
/** A watch that ends sooner has failed, whatever it says. */
const SHORT_WATCH_MS = 1000;
/** So many failures in a row, and what is kept is compared with the server's list. */
const RELIST_AFTER_FAILURES = 3;

/** What became of an object. For `deleted`, `object` is what was last kept of it. */
export type Change<T> =
  | { readonly kind: "added"; readonly key: string; readonly object: T }
  | { readonly kind: "updated"; readonly key: string; readonly object: T; readonly previous: T }
  | { readonly kind: "deleted"; readonly key: string; readonly object: T };

export interface ReflectorOptions<T> {
  /** Path of the collection, e.g. `/api/v1/namespaces/a/pods` or `/api/v1/pods`. */
  readonly path: string;
  readonly labelSelector?: string;
  /** E.g. `metadata.name=one`. */
  readonly fieldSelector?: string;
  /**
   * What to keep of an object; `undefined`: nothing. It is given what the server sent: an object
   * with a name, of which nothing else is certain. When it throws, that is logged, and nothing is
   * kept of the object.
   */
  readonly project: (raw: KubeObject) => T | undefined;
  /** Told when what is kept has changed. When it throws, that is logged. */
  readonly onChange?: (change: Change<T>) => void;
  /** Told of each failure to list or to watch, for metrics; these are logged already. */
  readonly onFailure?: (error: Error) => void;
  /** Told of each list. */
  readonly onList?: () => void;
  readonly log: Log;
  /** Default: 30000, and watches of 20 to 25 s. */
  readonly silenceMs?: number;
  /** Seconds of a watch, at least and at most; has to be less than `silenceMs`. */
  readonly watchSeconds?: readonly [number, number];
}

/**
 * Keeps what is needed of a collection in step with the server: a list, then a watch from there,
 * resumed for ever. What was missed between is told as changes, deletions too. An object that was
 * deleted and created again meanwhile is told as updated: keep `uid` where that matters.
 */
export class Reflector<T> {
  /** Resolves after the first list. Never rejects; pending for ever when stopped before. */
  readonly synced: Promise<void>;

  readonly #api: KubeApi;
  readonly #options: ReflectorOptions<T>;
  readonly #log: Log;
  readonly #objects = new Map<string, T>();
  /** Whose project has thrown, so that it is logged once. */
  readonly #malformed = new Set<string>();
  readonly #stopping = new AbortController();

  #markSynced: () => void = () => {};
  #isSynced = false;
  /** Where to watch from; undefined: list first. */
  #resourceVersion: string | undefined;
  #lastContact: number | undefined;
  /** Since a watch last proved to work; a list that works proves nothing about the watch. */
  #failures = 0;
  #isWatching = false;

  constructor(api: KubeApi, options: ReflectorOptions<T>) {
    this.#api = api;
    this.#options = options;
    this.#log = options.log.child({ path: options.path });
    this.synced = new Promise((resolve) => {
      this.#markSynced = resolve;
    });
  }

  /** What is kept, by `NAMESPACE/NAME`, or `NAME` of what has no namespace. */
  get objects(): ReadonlyMap<string, T> {
    return this.#objects;
  }

  /** Whether the first list is in. It may be old: see `lastContact`. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /**
   * When the server was last heard, by `performance.now()`; undefined before. In good times that is
   * less than 30 s ago.
   */
  get lastContact(): number | undefined {
    return this.#lastContact;
  }

  /** Failures in a row; 0: all is well. */
  get failures(): number {
    return this.#isWatching ? 0 : this.#failures;
  }

  /** Begins, and goes on until `stop`. */
  start(): this {
    void this.#run();
    return this;
  }

  /** Ends it. No change is told afterwards; what is kept stays. */
  stop(): void {
    this.#stopping.abort();
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        if (this.#resourceVersion === undefined) await this.#list();
        if (!this.#isStopped) await this.#watchOnce();
      } catch (error) {
        this.#isWatching = false;
        if (this.#isStopped) return;
        this.#failed(error as Error);
        await pause(backoffMs(this.#failures), this.#stopping.signal);
      }
    }
  }

  #failed(error: Error): void {
    this.#failures++;
    this.#options.onFailure?.(error);
    const fields = { error, failures: this.#failures };
    if (isExpired(error)) {
      this.#log.info(fields, "the server has forgotten how far we were, so all is listed again");
      this.#resourceVersion = undefined;
    } else {
      this.#log.warn(fields, "the cluster cannot be observed; trying again");
      if (this.#failures >= RELIST_AFTER_FAILURES) this.#resourceVersion = undefined;
    }
  }

  #heard(): void {
    this.#lastContact = performance.now();
  }

  /** Takes the server's list, and tells how it differs. */
  async #list(): Promise<void> {
    const { path } = this.#options;
    const listed = new Map<string, T>();
    let resourceVersion: string | undefined;
    const { signal } = this.#stopping;
    for await (const page of this.#api.pages(path, this.#selectors(), { signal })) {
      this.#heard();
      resourceVersion = page.resourceVersion;
      for (const item of page.items) {
        const named = this.#named(item);
        if (named === undefined) continue;
        const kept = this.#projected(named);
        if (kept !== undefined) listed.set(keyOf(named), kept);
      }
    }
    if (this.#isStopped) return;
    if (!resourceVersion) throw new Error(`${path} is no collection: it has no resourceVersion`);
    for (const key of [...this.#objects.keys()]) if (!listed.has(key)) this.#remove(key);
    for (const [key, object] of listed) this.#put(key, object);
    this.#resourceVersion = resourceVersion;
    this.#options.onList?.();
    if (!this.#isSynced) {
      this.#isSynced = true;
      this.#markSynced();
    }
  }

  /** Watches until the server ends it. @throws ApiError, Unreachable */
  async #watchOnce(): Promise<void> {
    const started = performance.now();
    const [least, most] = this.#options.watchSeconds ?? WATCH_SECONDS;
    const query = {
      ...this.#selectors(),
      resourceVersion: this.#resourceVersion,
      allowWatchBookmarks: true,
      timeoutSeconds: Math.round(least + Math.random() * (most - least)),
    };
    const { path, silenceMs = SILENCE_MS } = this.#options;
    const { signal } = this.#stopping;
    const events = await this.#api.watch(path, query, { silenceMs, signal });
    this.#isWatching = true;
    this.#heard();
    let count = 0;
    for await (const { type, object } of events) {
      if (this.#isStopped) return;
      if (type === "ERROR") throw refusalOf(object);
      count++;
      this.#failures = 0;
      this.#heard();
      this.#take(type, object);
    }
    if (count === 0 && performance.now() - started < SHORT_WATCH_MS)
      throw new Unreachable(`the watch of ${path} ended as soon as it began`);
    this.#failures = 0;
    this.#heard();
  }

  /** An event of a watch. Whatever it is, nothing is thrown. */
  #take(type: string, object: unknown): void {
    const version = resourceVersionOf(object);
    if (type !== "BOOKMARK") {
      const named = this.#named(object);
      if (named !== undefined) {
        const kept = type === "DELETED" ? undefined : this.#projected(named);
        if (kept === undefined) this.#remove(keyOf(named));
        else this.#put(keyOf(named), kept);
        if (type === "DELETED") this.#malformed.delete(keyOf(named));
      }
    }
    if (version !== undefined) this.#resourceVersion = version;
  }

  #selectors() {
    const { labelSelector, fieldSelector } = this.#options;
    return { labelSelector, fieldSelector };
  }

  #named(raw: unknown): KubeObject | undefined {
    if (isNamed(raw)) return raw;
    this.#log.warn("something without a name was sent as an object, and skipped");
    return undefined;
  }

  #projected(raw: KubeObject): T | undefined {
    const key = keyOf(raw);
    try {
      const kept = this.#options.project(raw);
      this.#malformed.delete(key);
      return kept;
    } catch (error) {
      if (!this.#malformed.has(key))
        this.#log.warn({ error, key }, "an object is not as expected, and skipped");
      this.#malformed.add(key);
      return undefined;
    }
  }

  #put(key: string, object: T): void {
    const isKnown = this.#objects.has(key);
    const previous = this.#objects.get(key) as T;
    if (isKnown && isDeepStrictEqual(previous, object)) return;
    this.#objects.set(key, object);
    this.#tell(
      isKnown ? { kind: "updated", key, object, previous } : { kind: "added", key, object },
    );
  }

  #remove(key: string): void {
    if (!this.#objects.has(key)) return;
    const object = this.#objects.get(key) as T;
    this.#objects.delete(key);
    this.#tell({ kind: "deleted", key, object });
  }

  #tell(change: Change<T>): void {
    try {
      this.#options.onChange?.(change);
    } catch (error) {
      this.#log.error({ error, key: change.key }, "a change could not be dealt with");
    }
  }
}

function isNamed(raw: unknown): raw is KubeObject {
  const { name, namespace } = (raw as Partial<KubeObject> | null)?.metadata ?? {};
  return (
    typeof name === "string" &&
    name !== "" &&
    (namespace === undefined || typeof namespace === "string")
  );
}

function resourceVersionOf(object: unknown): string | undefined {
  const version = (object as Partial<KubeObject> | null)?.metadata?.resourceVersion;
  return typeof version === "string" && version !== "" ? version : undefined;
}

/** From the `Status` that a watch ends with. */
function refusalOf(status: unknown): ApiError {
  const { code, reason, message } = (status ?? {}) as Record<string, unknown>;
  return new ApiError(
    typeof code === "number" ? code : 500,
    typeof reason === "string" ? reason : "",
    typeof message === "string" ? message : "the server ended the watch",
  );
}
