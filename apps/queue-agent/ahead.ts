/** When a run is about to end, so that the next task is there when its turn comes. */

interface Run {
  readonly since: number;
  readonly ended: Promise<void>;
  readonly end: () => void;
}

/** Source: Node.js documentation, setTimeout: after a longer delay it fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * A run is expected to take as long as the one before. Of the first one nothing is known but its
 * end: what is received too early waits behind a long task while another pod is free.
 */
export class Ahead {
  #run: Run | undefined;
  #lastMilliseconds: number | undefined;

  starts(): void {
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#run = { since: performance.now(), ended, end };
  }

  /** @param hasRun false: it came to nothing, which does not say how long a run takes */
  ends(hasRun: boolean): void {
    const run = this.#run;
    if (run === undefined) return;
    if (hasRun) this.#lastMilliseconds = performance.now() - run.since;
    this.#run = undefined;
    run.end();
  }

  /** Whether a run has taken so much longer than expected, or nothing is expected of it. */
  isOverdue(milliseconds: number): boolean {
    const run = this.#run;
    if (run === undefined) return false;
    const expected = this.#lastMilliseconds ?? 0;
    return performance.now() > run.since + expected + milliseconds;
  }

  /** Resolves when nothing runs. */
  async end(): Promise<void> {
    await this.#run?.ended;
  }

  /** Resolves so long before the expected end of a run, or when none is under way. */
  async due(leadMilliseconds: number): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    const expected = this.#lastMilliseconds;
    if (expected === undefined) return await run.ended;
    const wait = run.since + expected - leadMilliseconds - performance.now();
    if (wait <= 0) return;
    let timer: NodeJS.Timeout | undefined;
    const passed = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.min(wait, LONGEST_TIMER_MS));
    });
    await Promise.race([run.ended, passed]);
    clearTimeout(timer);
  }
}
