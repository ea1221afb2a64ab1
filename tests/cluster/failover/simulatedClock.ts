import type { Clock } from "../../../apps/failover-controller/clock";

/** Time that passes when a test says so. Timers are called in their order, one after the other. */
export class SimulatedClock implements Clock {
  #now: number;
  readonly #readMs: number;
  readonly #earlyMs: number;
  readonly #timers = new Set<{ readonly at: number; readonly call: () => void }>();

  /**
   * @param readMs how far it goes on whenever it is read, as time does while something is done
   * @param earlyMs how much too early timers are called, as those of Node.js may be
   */
  constructor(start: string, { readMs = 0, earlyMs = 0 } = {}) {
    this.#now = Date.parse(start);
    this.#readMs = readMs;
    this.#earlyMs = earlyMs;
  }

  readonly now = (): number => {
    const now = this.#now;
    this.#now += this.#readMs;
    return now;
  };

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms - this.#earlyMs), call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /**
   * Lets time pass.
   *
   * @param settled awaited after each timer: whoever it called has done what it does
   */
  async advance(seconds: number, settled: () => Promise<void>): Promise<void> {
    const end = this.#now + seconds * 1000;
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.at - b.at);
      if (next === undefined || next.at > end) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.call();
      await settled();
    }
    this.#now = Math.max(this.#now, end);
  }
}
