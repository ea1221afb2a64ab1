/** What is worked on at the same time, and in which order; what the work is, others say. */

import { receiveAheadSeconds } from "../../fleet/queueing";
import type { Ahead } from "./ahead";

/** The work on a message. No step rejects: what goes wrong is part of the work. */
export interface Steps<Delivery, Prepared, Claimed, Finished> {
  /** Before the runtime is free. Nothing: the message is dealt with. */
  prepare(delivery: Delivery): Promise<Prepared | undefined>;
  /** Shortly before the runtime is free. Nothing: the message is dealt with. */
  claim(prepared: Prepared): Promise<Claimed | undefined>;
  /** The runtime is not free so soon: it waits unclaimed. Nothing: the message is dealt with. */
  unclaim(claimed: Claimed): Promise<Prepared | undefined>;
  /**
   * While it has the runtime. Nothing: the message is dealt with.
   *
   * @param started to be called when the runtime works
   */
  run(claimed: Claimed, started: () => void): Promise<Finished | undefined>;
  /** Whether the runtime has done it, which says how long that takes. */
  hasRun(finished: Finished): boolean;
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
  /** So long a task waits claimed, and nobody can cancel it; then it waits unclaimed. */
  readonly longestClaim: number;
  /** After which a task that waits is another pod's, if there is one that is free. */
  readonly longestWait: number;
}

const TIMING: Timing = {
  receiveAhead: receiveAheadSeconds * 1000,
  claimAhead: 100,
  longestClaim: 1_000,
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

/** What is prepared or claimed; nothing: the message is dealt with. */
type Ready<Prepared, Claimed> =
  | { readonly prepared: Prepared }
  | { readonly claimed: Claimed }
  | undefined;

interface Waiting<Prepared, Claimed> {
  /** One change after the other. */
  ready: Promise<Ready<Prepared, Claimed>>;
  readonly isMovable: boolean;
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
    let limit: NodeJS.Timeout | undefined;
    await new Promise<void>((gone) => {
      const ready = Promise.resolve({ prepared });
      const waiting = { ready, isMovable: this.steps.isMovable(prepared), gone };
      if (this.#isStopped) return void this.#track(this.#giveBack(waiting));
      this.#waiting = waiting;
      if (!this.#isRunning) return void this.#startNext();
      void this.#track(this.#claimAhead(waiting));
      limit = setTimeout(() => this.#overdue(waiting), this.timing.longestWait);
    });
    clearTimeout(limit);
  }

  /** Near the expected end of the one that runs. */
  async #claimAhead(waiting: Waiting<Prepared, Claimed>): Promise<void> {
    const { claimAhead, longestClaim } = this.timing;
    await this.ahead.due(claimAhead);
    if (this.#waiting !== waiting || this.ahead.isOverdue(longestClaim)) return;
    if ((await this.#claim(waiting)) === undefined) return this.#forget(waiting);
    const limit = setTimeout(() => {
      if (this.#waiting === waiting) void this.#track(this.#unclaim(waiting));
    }, longestClaim);
    await this.ahead.end();
    if (this.#waiting !== waiting) clearTimeout(limit);
  }

  #overdue(waiting: Waiting<Prepared, Claimed>): void {
    if (this.#waiting !== waiting || !waiting.isMovable) return;
    this.#isOverdue = true;
    void this.#track(this.#giveBack(waiting));
  }

  #claim(waiting: Waiting<Prepared, Claimed>): Promise<Claimed | undefined> {
    const claimed = waiting.ready.then(
      (ready) => ready && ("claimed" in ready ? ready.claimed : this.steps.claim(ready.prepared)),
    );
    waiting.ready = claimed.then((it) => it && { claimed: it });
    return claimed;
  }

  async #unclaim(waiting: Waiting<Prepared, Claimed>): Promise<void> {
    waiting.ready = waiting.ready.then(async (ready) => {
      if (ready === undefined || !("claimed" in ready)) return ready;
      const prepared = await this.steps.unclaim(ready.claimed);
      return prepared && { prepared };
    });
    if ((await waiting.ready) === undefined) this.#forget(waiting);
  }

  /** Of a message that was dealt with meanwhile. */
  #forget(waiting: Waiting<Prepared, Claimed>): void {
    if (this.#waiting !== waiting) return;
    this.#waiting = undefined;
    waiting.gone();
  }

  async #giveBack(waiting: Waiting<Prepared, Claimed>): Promise<void> {
    if (this.#waiting === waiting) this.#waiting = undefined;
    const ready = await waiting.ready;
    if (ready !== undefined)
      await this.steps.giveBack("claimed" in ready ? ready.claimed : ready.prepared);
    waiting.gone();
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
      void this.#track(this.#store(this.#run(waiting, started)));
    });
  }

  async #run(
    waiting: Waiting<Prepared, Claimed>,
    started: () => void,
  ): Promise<Finished | undefined> {
    const claimed = await this.#claim(waiting);
    const finished = claimed && (await this.steps.run(claimed, started));
    started();
    this.#isOverdue = false;
    this.ahead.ends(finished !== undefined && this.steps.hasRun(finished));
    return finished;
  }

  /** Has what was finished only: while it is stored, its inputs are not held any more. */
  async #store(running: Promise<Finished | undefined>): Promise<void> {
    const finished = await running;
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
