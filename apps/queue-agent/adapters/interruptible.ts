import { once } from "node:events";

/** How long a runtime that was told to stop may take to let go. */
const LETTING_GO_MS = 5_000;

/**
 * Work that does not end with its connection: when the signal aborts, `interrupt` tells the runtime
 * to stop, and the work gets seconds to end by itself before its own signal ends it.
 *
 * @throws the signal's reason when it was aborted, else what the work throws
 */
export async function interruptible<T>(
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  interrupt: (signal: AbortSignal) => Promise<unknown>,
): Promise<T> {
  signal.throwIfAborted();
  const end = new AbortController();
  const listening = new AbortController();
  const working = work(end.signal);
  const aborted = once(signal, "abort", { signal: listening.signal });
  // Whichever of the two loses the race fails unheard.
  for (const promise of [working, aborted]) promise.catch(() => {});
  try {
    await Promise.race([working, aborted]);
    if (!signal.aborted) return await working;
    const grace = AbortSignal.timeout(LETTING_GO_MS);
    await interrupt(grace).catch(() => {});
    if (!grace.aborted)
      await Promise.race([
        working.catch(() => {}),
        once(grace, "abort", { signal: listening.signal }).catch(() => {}),
      ]);
    throw signal.reason;
  } finally {
    listening.abort();
    end.abort(signal.reason);
  }
}
