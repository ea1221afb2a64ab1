const FIRST_MS = 100;
const LONGEST_MS = 5000;

/**
 * How long to wait after so many failures in a row, in milliseconds: from 100 ms, doubling, to 5 s,
 * less up to a half by chance, so that many that failed at once do not come back at once.
 *
 * @param random from 0 to 1
 */
export function backoffMs(failures: number, random = Math.random()): number {
  const exponent = Math.min(Math.max(failures, 1) - 1, 16);
  return Math.min(FIRST_MS * 2 ** exponent, LONGEST_MS) * (1 - random / 2);
}
