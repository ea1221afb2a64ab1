/**
 * The cost tables of seed 002, the AWS Solutions guidance for asynchronous inference with Stable
 * Diffusion on AWS: US West (Oregon), April 2024, without free tiers. As printed, with the
 * arithmetic that finds where a printed figure is not what its own row or column makes.
 */

/** A row as it is printed. */
export interface PrintedRow {
  readonly service: string;
  readonly dimension: string;
  readonly quantity: number;
  /** US dollars. */
  readonly unitPrice: number;
  /** US dollars, as printed. */
  readonly total: number;
  /** How the total is rounded: to a cent, to a dollar, or its last cent cut off. */
  readonly rounding: "cent" | "dollar" | "cut";
}

const row = (
  service: string,
  dimension: string,
  quantity: number,
  unitPrice: number,
  total: number,
  rounding: PrintedRow["rounding"] = "cent",
): PrintedRow => ({ service, dimension, quantity, unitPrice, total, rounding });

/**
 * "Quantity per 1M Images".
 *
 * Lambda's quantity is printed as "12,50"; its total is that of 12,500 GB-seconds, 100 ms at 128 MB.
 * The footnote on 7.62 GB says 16 KB a request, which would be 15.26 GB; 7.63 GB are 8 KB a request.
 */
export const guidancePerMillionImages: readonly PrintedRow[] = [
  row("Amazon EC2", "g5.2xlarge instance, Spot instance per hour", 416.67, 0.4968, 207, "dollar"),
  row("Amazon API Gateway", "Per 1M REST API requests", 1, 3.5, 3.5),
  row("AWS Lambda", "Per GB-second", 12_500, 0.0000166667, 0.21),
  row("AWS Lambda", "Per 1M requests", 1, 0.2, 0.2),
  row("Amazon SNS", "Per 1M requests", 2, 0.5, 0.5),
  row("Amazon SNS", "Data transfer per GB", 7.62, 0.09, 0.68, "cut"),
  row("Amazon SQS", "Per 1M requests", 2, 0.4, 0.8),
  row("Amazon S3", "Per 1K PUT requests", 2000, 0.005, 10),
  row("Amazon S3", "Per GB per month", 143.05, 0.023, 3.29),
];

/** "Quantity per Month": what does not depend on the images. The hours are those of 30 days. */
export const guidancePerMonth: readonly PrintedRow[] = [
  row("Amazon EKS", "Cluster", 1, 72, 72),
  row("Amazon EC2", "m5.large instance, On-Demand instance per hour", 1440, 0.096, 138.24),
];

/** The sums under the tables, and the total in the text above them. */
export const guidancePrinted = { perMillionImages: 226.18, perMonth: 210.24, total: 436.72 };

/** What its footnotes and its text say of a task. */
export const guidanceTask = { secondsPerImage: 1.5, requestKiB: 16, imageKiB: 150 };

/** Quantity times price, in US dollars, rounded as the row is printed. */
export function computedTotal({ quantity, unitPrice, rounding }: PrintedRow): number {
  const exact = quantity * unitPrice;
  if (rounding === "dollar") return Math.round(exact);
  return rounding === "cut" ? Math.floor(exact * 100) / 100 : cents(exact);
}

/** US dollars, of totals as they are printed. */
export function printedSum(rows: readonly PrintedRow[]): number {
  return cents(rows.reduce((sum, { total }) => sum + total, 0));
}

/** US dollars, of what the rows make. */
export function computedSum(rows: readonly PrintedRow[]): number {
  return cents(rows.reduce((sum, each) => sum + computedTotal(each), 0));
}

/** A printed figure that is not what the figures beside it make. */
export interface Slip {
  readonly where: string;
  /** US dollars. */
  readonly printed: number;
  readonly computed: number;
}

/**
 * Where the tables contradict themselves: rows against quantity times price, sums against the
 * printed rows, and the total against the two printed sums.
 */
export function guidanceSlips(): readonly Slip[] {
  const rows = [...guidancePerMillionImages, ...guidancePerMonth].map((each) => ({
    where: `${each.service}, ${each.dimension}`,
    printed: each.total,
    computed: computedTotal(each),
  }));
  const { perMillionImages, perMonth, total } = guidancePrinted;
  const sums = [
    {
      where: "Total, 1M images",
      printed: perMillionImages,
      computed: printedSum(guidancePerMillionImages),
    },
    { where: "Total, month", printed: perMonth, computed: printedSum(guidancePerMonth) },
    { where: "total in the text", printed: total, computed: cents(perMillionImages + perMonth) },
  ];
  return [...rows, ...sums].filter(({ printed, computed }) => printed !== computed);
}

function cents(usd: number): number {
  return Math.round(usd * 100) / 100;
}
