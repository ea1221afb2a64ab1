import { build } from "hdr-histogram-js";
import type { LatencySummary } from "../../fleet/breakingPoint";

const MICROSECONDS = 1e6;

/** Times of answers, within a thousandth of each. */
export class Latencies {
  readonly #histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 3600 * MICROSECONDS,
    numberOfSignificantValueDigits: 3,
    autoResize: true,
    bitBucketSize: 32,
    useWebAssembly: false,
  });
  #fastest = Number.POSITIVE_INFINITY;
  #slowest = 0;
  #sum = 0;

  record(seconds: number): void {
    this.#histogram.recordValue(Math.max(1, Math.round(seconds * MICROSECONDS)));
    this.#fastest = Math.min(this.#fastest, seconds);
    this.#slowest = Math.max(this.#slowest, seconds);
    this.#sum += seconds;
  }

  /** Nothing when nothing was recorded. */
  summary(): LatencySummary | undefined {
    const count = this.#histogram.totalCount;
    if (count === 0) return undefined;
    // A bucket's upper edge may lie above everything in it.
    const at = (percentile: number) =>
      toMicrosecond(
        Math.min(this.#histogram.getValueAtPercentile(percentile) / MICROSECONDS, this.#slowest),
      );
    return {
      meanSeconds: toMicrosecond(this.#sum / count),
      p50Seconds: at(50),
      p90Seconds: at(90),
      p99Seconds: at(99),
      fastestSeconds: toMicrosecond(this.#fastest),
      slowestSeconds: toMicrosecond(this.#slowest),
    };
  }
}

/** As exact as it was recorded. */
function toMicrosecond(seconds: number): number {
  return Math.round(seconds * MICROSECONDS) / MICROSECONDS;
}
