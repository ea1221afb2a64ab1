/** What is worked on at the same time, and in which order; what the work is, others say. */

/** The work on a message. No step rejects: what goes wrong is part of the work. */
export interface Steps<Delivery, Prepared, Finished> {
  /** Before the runtime is free. Nothing: the message is dealt with. */
  prepare(delivery: Delivery): Promise<Prepared | undefined>;
  /**
   * While it has the runtime. Nothing: the message is dealt with.
   *
   * @param started to be called when the runtime works
   */
  run(prepared: Prepared, started: () => void): Promise<Finished | undefined>;
  /** While the next one runs. */
  store(finished: Finished): Promise<void>;
  /** Instead of running it, because the process has to stop. */
  giveBack(prepared: Prepared): Promise<void>;
}

/** The longest that storing waits for the next task to start, so that it does not wait for AWS. */
const START_LIMIT_MS = 100;

interface Waiting<Prepared> {
  readonly prepared: Prepared;
  /** It runs, or was given back: there is room for another one. */
  readonly gone: () => void;
}

/**
 * At any time one task at most is being prepared or waits, one runs, and one is stored: the runtime
 * is busy while inputs are fetched and results are stored, and what a crash undoes is little.
 */
export class Pipeline<Delivery, Prepared, Finished> {
  #waiting: Waiting<Prepared> | undefined;
  #isRunning = false;
  #storing: Promise<void> = Promise.resolve();
  readonly #ongoing = new Set<Promise<unknown>>();
  #isStopped = false;

  constructor(readonly steps: Steps<Delivery, Prepared, Finished>) {}

  /** Resolves when there is room for another one. To be called for one at a time. */
  take(delivery: Delivery): Promise<void> {
    return this.#track(this.#take(delivery));
  }

  /** Gives back what waits, and starts nothing any more. */
  stop(): void {
    this.#isStopped = true;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) void this.#track(this.#giveBack(waiting));
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
      if (this.#isStopped) void this.#track(this.#giveBack(waiting));
      else {
        this.#waiting = waiting;
        this.#startNext();
      }
    });
  }

  async #giveBack({ prepared, gone }: Waiting<Prepared>): Promise<void> {
    await this.steps.giveBack(prepared);
    gone();
  }

  /** Resolves when the runtime works on what waited; at once where nothing does. */
  #startNext(): Promise<void> {
    if (this.#isRunning || this.#waiting === undefined) return Promise.resolve();
    const { prepared, gone } = this.#waiting;
    this.#waiting = undefined;
    this.#isRunning = true;
    gone();
    return new Promise((started) => {
      void this.#track(this.#runAndStore(prepared, started));
    });
  }

  async #runAndStore(prepared: Prepared, started: () => void): Promise<void> {
    const finished = await this.steps.run(prepared, started);
    started();
    // Three tasks' results would be in memory if this one did not wait.
    if (finished !== undefined) await this.#storing;
    this.#isRunning = false;
    const nextStarted = this.#startNext();
    if (finished === undefined) return;
    this.#storing = this.#storeAfter(nextStarted, finished);
    await this.#storing;
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
