/** What CloudWatch keeps of a metric's samples, and the statistics that it gives over periods. */

import type { Series } from "./metricMath";

export type Statistic = "SampleCount" | "Average" | "Sum" | "Minimum" | "Maximum";

interface Cell {
  count: number;
  sum: number;
  minimum: number;
  maximum: number;
}

/** Seconds of the finest period asked for here: a high-resolution alarm's. */
const cellSeconds = 10;

/**
 * The samples of one metric. A period without a sample has no value of any statistic, not even a
 * SampleCount of 0.
 *
 * Source: Amazon CloudWatch user guide, "CloudWatch statistics definitions".
 */
export class Samples {
  readonly #cells = new Map<number, Cell>();

  put(atSeconds: number, value: number): void {
    const start = Math.floor(atSeconds / cellSeconds) * cellSeconds;
    const cell = this.#cells.get(start);
    if (!cell) {
      this.#cells.set(start, { count: 1, sum: value, minimum: value, maximum: value });
      return;
    }
    cell.count += 1;
    cell.sum += value;
    cell.minimum = Math.min(cell.minimum, value);
    cell.maximum = Math.max(cell.maximum, value);
  }

  /** The statistic of each period that starts in [from, to) and has samples. */
  series(statistic: Statistic, periodSeconds: number, from: number, to: number): Series {
    const result = new Map<number, number>();
    for (let start = from; start < to; start += periodSeconds) {
      const cells: Cell[] = [];
      for (let at = start; at < start + periodSeconds; at += cellSeconds) {
        const cell = this.#cells.get(at);
        if (cell) cells.push(cell);
      }
      if (cells.length > 0) result.set(start, statisticOf(statistic, cells));
    }
    return result;
  }
}

function statisticOf(statistic: Statistic, cells: readonly Cell[]): number {
  const count = cells.reduce((total, cell) => total + cell.count, 0);
  const sum = cells.reduce((total, cell) => total + cell.sum, 0);
  switch (statistic) {
    case "SampleCount":
      return count;
    case "Sum":
      return sum;
    case "Average":
      return sum / count;
    case "Minimum":
      return Math.min(...cells.map((cell) => cell.minimum));
    case "Maximum":
      return Math.max(...cells.map((cell) => cell.maximum));
  }
}
