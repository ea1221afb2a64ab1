/** Aborts its signal when a time is over, or another signal is aborted. Has to be cleared. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #end = () => this.#controller.abort();
  #timer: NodeJS.Timeout | undefined;
  #milliseconds = 0;
  #isOver = false;

  // Not AbortSignal.any, of which a signal that lives long would keep every one.
  constructor(milliseconds: number, outer?: AbortSignal) {
    this.#outer = outer;
    outer?.addEventListener("abort", this.#end, { once: true });
    if (outer?.aborted) this.#end();
    this.restart(milliseconds);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether it was the time that ended it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The time that was given last. */
  get milliseconds(): number {
    return this.#milliseconds;
  }

  /** Counts from now on. */
  restart(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#milliseconds = milliseconds;
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      this.#end();
    }, milliseconds);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#end);
  }
}
