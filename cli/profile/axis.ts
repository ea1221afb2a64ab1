/** One axis of a chart, from 0 to a round number. */
export interface Axis {
  readonly most: number;
  readonly ticks: readonly number[];
  /** Where a value is, in the picture's units. */
  at(value: number): number;
}

/**
 * An axis that ends at the first round number from `largest` on: 1, 2 or 5 times a power of ten
 * between its ticks, of which there are `intervals` at most.
 *
 * @param from where 0 is
 * @param to   where the end is
 */
export function axis(largest: number, intervals: number, from: number, to: number): Axis {
  const step = roundStep(largest / intervals);
  const count = Math.max(1, Math.ceil(largest / step - 1e-9));
  const most = count * step;
  return {
    most,
    ticks: Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(10))),
    at: (value) => from + (value / most) * (to - from),
  };
}

function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((each) => each * power >= least * (1 - 1e-9));
  return Number(((factor ?? 10) * power).toPrecision(10));
}
