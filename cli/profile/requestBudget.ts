/** How many requests may still be sent: asked before each, so that it is never one too many. */
export class RequestBudget {
  #left: number;

  constructor(readonly most: number) {
    this.#left = most;
  }

  get left(): number {
    return this.#left;
  }

  get sent(): number {
    return this.most - this.#left;
  }

  /** Takes one out; false when there is none. */
  take(): boolean {
    if (this.#left <= 0) return false;
    this.#left -= 1;
    return true;
  }
}
