import type { Framework } from "./accelerators";

/**
 * What seed 001 measured, and what it printed from it.
 *
 * Source of every figure: seed 001 (seeds/001), Table 1 "Deployment unit cost of inference", Table
 * 2 "Deployment unit throughput optimized for compute capacity", and the weighted-routing forward
 * action printed between them.
 *
 * Throughput's unit. The seed's column says "RPS" (requests per second), but with its own latencies
 * one accelerator cannot serve 105 images a second: a machine that takes 0.67 s per image serves
 * 1.5 a second, or 90 a minute, when it does one at a time. The published numbers are taken as
 * images per minute per replica (docs/costs.md).
 *
 * Printed and derived costs differ (0.7582 / 105 = 0.00722 where Table 1 prints 0.00733; 1.3438 /
 * 130 = 0.01034 where it prints 0.01023; 0.8048 / 61 = 0.01319 where it prints 0.01320), so both
 * are kept: the printed one here, the derived one by `derivedCostPerInferenceSecond` in cost.ts.
 */

/** A unit under load at its breaking point, and what was published about it. */
export interface Measurement {
  /** Images per minute per replica at the breaking point. */
  readonly throughput: number;
  /** Mean time from request to image at the breaking point, in seconds. */
  readonly latencySeconds: number;
  /** Where the figures come from. */
  readonly source: string;
  /** The share of traffic in the seed's forward action; the five add up to 100. */
  readonly publishedWeight?: number;
  /** "Cost of Inference / Second" as printed in Tables 1 and 2; see cost.ts for its true unit. */
  readonly publishedCostPerInferenceSecond?: number;
  /** "Adjusted Throughput" as printed in Table 2, images per minute per replica. */
  readonly publishedAdjustedThroughput?: number;
}

/** A measurement and the deployment unit it was taken on. */
export interface UnitMeasurement extends Measurement {
  readonly model: string;
  readonly accelerator: string;
  readonly framework: Framework;
  /** The machine of the measurement: figures hold for this size only. */
  readonly instanceType: string;
}

/** A deployment unit's name, `sd21-inf2-neuron`: model, accelerator, framework. */
export function unitName(model: string, accelerator: string, framework: Framework): string {
  return `${model}-${accelerator}-${framework}`;
}

/** The seed's text is that repository's README and a post of the AWS Containers blog. */
const source = "aws-samples/scalable-hw-agnostic-inference, Tables 1 and 2";

/** The five units of Tables 1 and 2, by unit name, in the tables' order (cheapest first). */
export const measurements: Readonly<Record<string, UnitMeasurement>> = {
  "sd21-inf2-neuron": {
    model: "sd21",
    accelerator: "inf2",
    framework: "neuron",
    instanceType: "inf2.xlarge",
    throughput: 105,
    latencySeconds: 0.67,
    source,
    publishedWeight: 40,
    publishedCostPerInferenceSecond: 0.00733,
    publishedAdjustedThroughput: 89.2,
  },
  "sd21-trn1-neuron": {
    model: "sd21",
    accelerator: "trn1",
    framework: "neuron",
    instanceType: "trn1.2xlarge",
    throughput: 130,
    latencySeconds: 0.51,
    source,
    publishedWeight: 20,
    publishedCostPerInferenceSecond: 0.01023,
    publishedAdjustedThroughput: 89.2,
  },
  "sd21-g5-triton": {
    model: "sd21",
    accelerator: "g5",
    framework: "triton",
    instanceType: "g5.xlarge",
    throughput: 90,
    latencySeconds: 0.68,
    source,
    publishedWeight: 15,
    publishedCostPerInferenceSecond: 0.01118,
    publishedAdjustedThroughput: 89.2,
  },
  "sd21-g6-triton": {
    model: "sd21",
    accelerator: "g6",
    framework: "triton",
    instanceType: "g6.xlarge",
    throughput: 61,
    latencySeconds: 0.96,
    source,
    publishedWeight: 10,
    publishedCostPerInferenceSecond: 0.0132,
    publishedAdjustedThroughput: 61,
  },
  "sd21-g5-cuda": {
    model: "sd21",
    accelerator: "g5",
    framework: "cuda",
    instanceType: "g5.xlarge",
    throughput: 60,
    latencySeconds: 0.92,
    source,
    publishedWeight: 15,
    publishedCostPerInferenceSecond: 0.01677,
    publishedAdjustedThroughput: 60,
  },
};

/** The published measurement of the unit called `name`, or undefined when nobody published one. */
export function measurement(name: string): UnitMeasurement | undefined {
  return Object.hasOwn(measurements, name) ? measurements[name] : undefined;
}
