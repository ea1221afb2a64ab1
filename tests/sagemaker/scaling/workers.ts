/** Instances or copies that start, serve and go. */

export interface Work {
  readonly request: number;
  readonly endsAt: number;
}

export class Worker {
  /** Requests that it has, begun or queued in its container, in order. */
  readonly queued: number[] = [];
  busy: Work[] = [];

  constructor(
    readonly number: number,
    readonly readyAt: number,
  ) {}

  get inFlight(): number {
    return this.queued.length + this.busy.length;
  }

  /** Begins what it has room for, and returns the requests that ended. */
  work(now: number, concurrency: number, serviceSeconds: number): number[] {
    const ended = this.busy.filter(({ endsAt }) => endsAt <= now);
    this.busy = this.busy.filter(({ endsAt }) => endsAt > now);
    while (this.busy.length < concurrency && this.queued.length > 0) {
      this.busy.push({ request: this.queued.shift()!, endsAt: now + serviceSeconds });
    }
    return ended.map(({ request }) => request);
  }
}

export class Workers {
  #workers: Worker[] = [];
  #created = 0;

  constructor(
    count: number,
    private readonly startSeconds: number,
  ) {
    for (let i = 0; i < count; i++) this.#workers.push(new Worker(this.#created++, 0));
  }

  running(now: number): Worker[] {
    return this.#workers.filter(({ readyAt }) => readyAt <= now);
  }

  get inFlight(): number {
    return this.#workers.reduce((sum, worker) => sum + worker.inFlight, 0);
  }

  /** @returns the workers that go, the newest first: AWS documents no order. */
  resize(count: number, now: number): Worker[] {
    while (this.#workers.length < count) {
      this.#workers.push(new Worker(this.#created++, now + this.startSeconds));
    }
    return this.#workers.splice(count);
  }
}
