/** Between two looks: AWS is asked each time. */
const PAUSE_MS = 100;

/**
 * Looks again and again.
 *
 * @returns the first that is there
 * @throws Error when there is nothing after the timeout
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 30_000,
): Promise<T> {
  for (const deadline = performance.now() + timeoutMs; ; ) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`in ${timeoutMs / 1000} s: ${what}`);
    await new Promise((again) => setTimeout(again, PAUSE_MS));
  }
}
