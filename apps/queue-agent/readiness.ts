import type { Log } from "../service/log";
import type { Adapter } from "./adapters/adapter";

/** Between two questions whether the runtime is ready. */
const PERIOD_MS = 500;

/** A runtime that does not answer in this time is not ready. */
const ANSWER_MS = 5_000;

export interface ReadinessOptions {
  readonly adapter: Adapter;
  readonly log: Log;
  readonly onChange: (isReady: boolean) => void;
}

/**
 * Whether the runtime can take tasks. It is asked until it is ready, and again after a task that it
 * has failed: one that has crashed and loads its model for minutes would otherwise use up the
 * attempts of every task in the queue.
 */
export class Readiness {
  readonly #options: ReadinessOptions;
  readonly #stop = new AbortController();
  #problem: string | undefined = "the runtime has not been asked yet";
  #isSuspect = true;
  #asking: Promise<void> | undefined;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** Why it takes no tasks; nothing: it does. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** It has failed a task: it is asked before the next one. */
  suspect(): void {
    this.#isSuspect = true;
  }

  /** Whether it can take a task now. */
  async isReady(): Promise<boolean> {
    if (this.#isSuspect) await this.#ask();
    return this.#problem === undefined;
  }

  /** Resolves when it is ready, or asking was stopped. */
  async whenReady(): Promise<void> {
    this.#asking ??= this.#askUntilReady().finally(() => {
      this.#asking = undefined;
    });
    await this.#asking;
  }

  stop(): void {
    this.#stop.abort();
  }

  async #askUntilReady(): Promise<void> {
    while (!this.#stop.signal.aborted && !(await this.isReady()))
      await new Promise<void>((passed) => {
        const timer = setTimeout(passed, PERIOD_MS);
        this.#stop.signal.addEventListener(
          "abort",
          () => {
            clearTimeout(timer);
            passed();
          },
          { once: true },
        );
      });
  }

  async #ask(): Promise<void> {
    const before = this.#problem;
    this.#problem = await this.#answer();
    this.#isSuspect = this.#problem !== undefined;
    if (this.#problem === before) return;
    this.#options.onChange(this.#problem === undefined);
    if (this.#problem === undefined) this.#options.log.info("the runtime is ready");
    else this.#options.log.warn({ reason: this.#problem }, "the runtime is not ready");
  }

  async #answer(): Promise<string | undefined> {
    try {
      return await this.#options.adapter.readiness(AbortSignal.timeout(ANSWER_MS));
    } catch (error) {
      return `the runtime does not answer: ${(error as Error).message}`;
    }
  }
}
