/** Requests under way at once. */
const AT_ONCE = 8;

/**
 * Does the same with each, a few at a time; the results are in the order of what was given.
 *
 * @throws what the first one that failed threw; what is under way is waited for, nothing more begun
 */
export async function inParallel<T, R>(
  all: readonly T[],
  work: (each: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < all.length) {
      const index = next;
      next += 1;
      try {
        results[index] = await work(all[index]!, index);
      } catch (error) {
        next = all.length;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(
    Array.from({ length: Math.min(AT_ONCE, all.length) }, worker),
  );
  for (const outcome of ended) if (outcome.status === "rejected") throw outcome.reason;
  return results;
}
