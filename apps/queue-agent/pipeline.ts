/** What is worked on at the same time, and in which order; what the work is, others say. */

import { receiveAheadSeconds } from "../../fleet/queueing";
import type { Ahead } from "./ahead";

/** The work on a message. No step rejects: what goes wrong is part of the work. */
export interface Steps<Delivery, Prepared, Claimed, Finished> {
  /** Before the runtime is free. Nothing: the message is dealt with. */
  prepare(delivery: Delivery): Promise<Prepared | undefined>;
  /** Shortly before the runtime is free. Nothing: the message is dealt with. */
  claim(prepared: Prepared): Promise<Claimed | undefined>;
  /**
   * While it has the runtime. Nothing: the message is dealt with.
   *
   * @param started to be called when the runtime works
   */
  run(claimed: Claimed, started: () => void): Promise<Finished | undefined>;
  /** While others run. */
  store(finished: Finished): Promise<void>;
  /** Of memory, that it takes until it is stored, about. */
  bytesOf(finished: Finished): number;
  /** Whether it may be given back because the runtime is not free for long. */
  isMovable(prepared: Prepared): boolean;
  /** Instead of running it. */
  giveBack(work: Prepared | Claimed): Promise<void>;
}

/** In milliseconds. */
export interface Timing {
  /** The next message is received so early: its inputs may have to be fetched. */
  readonly receiveAhead: number;
  /** Its task is claimed so early: the runtime should not wait for the table. */
  readonly claimAhead: number;
  /** After which a task that waits is another pod's, if there is one that is free. */
  readonly longestWait: number;
}

const TIMING: Timing = {
  receiveAhead: receiveAheadSeconds * 1000,
  claimAhead: 100,
  longestWait: 15_000,
};

/** The longest that storing waits for the next task to start, so that it does not wait for AWS. */
const START_LIMIT_MS = 100;

/**
 * Results that are stored at the same time: so many tasks, or so many bytes and one task more. Three
 * calls to S3 and one to the table would hold up tasks that are shorter than these.
 */
const MOST_STORED = 4;
const STORED_BYTES = 4 * 1024 * 1024;

interface Waiting<Prepared, Claimed> {
  readonly prepared: Prepared;
  claiming?: Promise<Claimed | undefined>;
  /** It runs, or was given back: there is room for another one. */
  readonly gone: () => void;
}

/**
 * At any time one task at most is being prepared or waits, one runs, and one is stored, or a few small
 * ones: the runtime is busy while inputs are fetched and results are stored, and what a crash undoes
 * is little.
 */
export class Pipeline<Delivery, Prepared, Claimed, Finished> {
  #waiting: Waiting<Prepared, Claimed> | undefined;
  #isRunning = false;
  /** A task was given back, as the one that runs takes longer than expected. */
  #isOverdue = false;
  /** With the bytes of each. */
  readonly #storing = new Map<Promise<void>, number>();
  readonly #ongoing = new Set<Promise<unknown>>();
  #isStopped = false;

  constructor(
    readonly steps: Steps<Delivery, Prepared, Claimed, Finished>,
    readonly ahead: Ahead,
    readonly timing = TIMING,
  ) {}

  /** Resolves when it is time to receive another one. */
  async wanted(): Promise<void> {
    await this.ahead.due(this.timing.receiveAhead);
    if (this.#isOverdue) await this.ahead.end();
  }

  /** Resolves when there is room for another one. To be called for one at a time. */
  take(delivery: Delivery): Promise<void> {
    return this.#track(this.#take(delivery));
  }

  /** Whether more results will follow soon. */
  get isBusy(): boolean {
    return this.#isRunning;
  }

  /** Gives back what waits, and starts nothing any more. */
  stop(): void {
    this.#isStopped = true;
    if (this.#waiting !== undefined) void this.#track(this.#giveBack(this.#waiting));
  }

  /** Resolves when nothing is worked on any more. */
  async idle(): Promise<void> {
    while (this.#ongoing.size > 0) await Promise.all(this.#ongoing);
  }

  async #take(delivery: Delivery): Promise<void> {
    const prepared = await this.steps.prepare(delivery);
    if (prepared === undefined) return;
    await new Promise<void>((gone) => {
      const waiting = { prepared, gone };
      if (this.#isStopped) return void this.#track(this.#giveBack(waiting));
      this.#waiting = waiting;
      if (this.#isRunning) void this.#track(this.#wait(waiting));
      else this.#startNext();
    });
  }

  /** Behind the one that runs. */
  async #wait(waiting: Waiting<Prepared, Claimed>): Promise<void> {
    const isWaiting = () => this.#waiting === waiting;
    const limit = setTimeout(() => {
      if (!isWaiting() || !this.steps.isMovable(waiting.prepared)) return;
      this.#isOverdue = true;
      void this.#track(this.#giveBack(waiting));
    }, this.timing.longestWait);
    await this.ahead.due(this.timing.claimAhead);
    if (isWaiting() && (await this.#claim(waiting)) === undefined && isWaiting()) {
      this.#waiting = undefined;
      waiting.gone();
    }
    await this.ahead.end();
    clearTimeout(limit);
  }

  #claim(waiting: Waiting<Prepared, Claimed>): Promise<Claimed | undefined> {
    waiting.claiming ??= this.steps.claim(waiting.prepared);
    return waiting.claiming;
  }

  async #giveBack(waiting: Waiting<Prepared, Claimed>): Promise<void> {
    if (this.#waiting === waiting) this.#waiting = undefined;
    const { prepared, claiming, gone } = waiting;
    const work = claiming === undefined ? prepared : await claiming;
    if (work !== undefined) await this.steps.giveBack(work);
    gone();
  }

  /** Resolves when the runtime works on what waited; at once where nothing does. */
  #startNext(): Promise<void> {
    const waiting = this.#waiting;
    if (this.#isRunning || waiting === undefined) return Promise.resolve();
    this.#waiting = undefined;
    this.#isRunning = true;
    this.ahead.starts();
    waiting.gone();
    return new Promise((started) => {
      void this.#track(this.#runAndStore(waiting, started));
    });
  }

  async #runAndStore(waiting: Waiting<Prepared, Claimed>, started: () => void): Promise<void> {
    const claimed = await this.#claim(waiting);
    const finished = claimed && (await this.steps.run(claimed, started));
    started();
    this.#isOverdue = false;
    this.ahead.ends(finished !== undefined);
    if (finished !== undefined) await this.#roomToStore();
    this.#isRunning = false;
    const nextStarted = this.#startNext();
    if (finished === undefined) return;
    const storing = this.#storeAfter(nextStarted, finished);
    this.#storing.set(storing, this.steps.bytesOf(finished));
    await storing;
    this.#storing.delete(storing);
  }

  /** Otherwise results would gather in memory. */
  async #roomToStore(): Promise<void> {
    const bytes = () => [...this.#storing.values()].reduce((sum, each) => sum + each, 0);
    while (this.#storing.size >= MOST_STORED || bytes() >= STORED_BYTES)
      await Promise.race(this.#storing.keys());
  }

  /** Decoding and signing would hold up the next task's request. */
  async #storeAfter(nextStarted: Promise<void>, finished: Finished): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((passed) => {
      timer = setTimeout(passed, START_LIMIT_MS);
    });
    await Promise.race([nextStarted, limit]);
    clearTimeout(timer);
    await this.steps.store(finished);
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#ongoing.add(work);
    const forget = () => this.#ongoing.delete(work);
    work.then(forget, forget);
    return work;
  }
}
