/** One measured figure; the same for every bench, so that a machine can compare two runs. */
export interface Row {
  readonly name: string;
  readonly metric: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** How many times it was measured. */
  readonly runs: number;
  /** What it is compared to, and the median over that one's median. */
  readonly against?: string;
  readonly ratio?: number;
  /** Which direction is better. */
  readonly better: "lower" | "higher";
}

export interface Reference {
  readonly name: string;
  readonly values: readonly number[];
}

/** A row from what was measured, and from what the same machine did for the reference. */
export function row(
  what: Pick<Row, "name" | "metric" | "unit" | "better">,
  values: readonly number[],
  reference?: Reference,
): Row {
  const middle = median(values);
  return {
    ...what,
    median: rounded(middle),
    min: rounded(Math.min(...values)),
    max: rounded(Math.max(...values)),
    runs: values.length,
    ...(reference === undefined
      ? {}
      : { against: reference.name, ratio: rounded(middle / median(reference.values)) }),
  };
}

/** @throws RangeError without values */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new RangeError("nothing was measured");
  return (lower + upper) / 2;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
