/** Time, so that a test can have hours pass. */
export interface Clock {
  /** Milliseconds since 1970. Never goes back. */
  now(): number;
  /** Calls back once after some milliseconds; the result forgets it. */
  after(ms: number, call: () => void): () => void;
}

/**
 * The time of day when the process started, and what has passed since. Setting the machine's clock
 * changes nothing of it.
 */
export function steadyClock(): Clock {
  const start = Date.now() - performance.now();
  return {
    now: () => Math.round(start + performance.now()),
    after: (ms, call) => {
      const timer = setTimeout(call, Math.min(ms, longestTimeoutMs));
      return () => clearTimeout(timer);
    },
  };
}

/** What setTimeout takes; a longer wait is looked at again. */
const longestTimeoutMs = 2 ** 31 - 1;
