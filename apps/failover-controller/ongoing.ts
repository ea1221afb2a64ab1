/** What an operation is called, and what became of it. */
export interface OngoingOptions {
  readonly now: () => number;
  /** Told of each failure. */
  readonly onFailure: (operation: string, error: Error) => void;
  /** Asked for when an operation is to be begun again: soon, or after some milliseconds. */
  readonly onAgain: (afterMs: number) => void;
}

const firstRetryMs = 250;
const longestRetryMs = 5000;

/**
 * Operations that go on side by side, each by its name and once at a time, so that a slow one holds
 * up nothing but itself. One that fails is not begun again before 250 ms, 500 ms … 5 s.
 */
export class Ongoing {
  readonly #options: OngoingOptions;
  readonly #running = new Set<string>();
  /** Wanted again while they were running. */
  readonly #again = new Set<string>();
  readonly #failed = new Map<
    string,
    { readonly message: string; readonly times: number; readonly notBefore: number }
  >();

  constructor(options: OngoingOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** What is wrong with an operation since its last success, by its name. */
  get errors(): ReadonlyMap<string, string> {
    return new Map([...this.#failed].map(([name, { message }]) => [name, message]));
  }

  /** Begins an operation, or notes that it is wanted again. */
  begin(name: string, act: () => Promise<void>): void {
    if (this.#running.has(name)) {
      this.#again.add(name);
      return;
    }
    if (this.#options.now() < (this.#failed.get(name)?.notBefore ?? 0)) return;
    this.#running.add(name);
    act().then(
      () => this.#ended(name),
      (error: Error) => this.#ended(name, error),
    );
  }

  /** Forgets failures: another term begins. */
  clear(): void {
    this.#failed.clear();
    this.#again.clear();
  }

  #ended(name: string, error?: Error): void {
    const { now, onFailure, onAgain } = this.#options;
    const before = this.#failed.get(name);
    this.#running.delete(name);
    const isWantedAgain = this.#again.delete(name);
    if (error === undefined) {
      this.#failed.delete(name);
      // Also when it works again, which is to be seen.
      if (isWantedAgain || before !== undefined) onAgain(0);
      return;
    }
    const times = (before?.times ?? 0) + 1;
    const waitMs = Math.min(longestRetryMs, firstRetryMs * 2 ** (times - 1));
    this.#failed.set(name, { message: error.message, times, notBefore: now() + waitMs });
    onFailure(name, error);
    onAgain(waitMs);
  }
}
