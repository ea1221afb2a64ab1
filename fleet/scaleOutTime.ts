/**
 * How long a managed endpoint takes from more load to one more copy that serves it, by stages:
 * detect the need, spin up an instance if none is free, instantiate the copy of the model.
 *
 * Sources: seed 004, "Performance evaluation", for instance and copy, with the image pulled or
 * cached: two tables of five trials each for a new instance and two for an available one, Meta
 * Llama 3.1 70B on ml.p4d.24xlarge in us-east-2, `djl-inference:0.31.0-lmi13.0.0-cu124`, December
 * 2024. Seed 003, "Sample runs and results", for detection: "over 6 minutes" with metrics of a
 * minute, "less than 45 seconds" with high-resolution ones (10 s), Llama 2 7B and Llama 3 8B, July
 * 2024.
 *
 * The copy of a 70B model is mostly its weights: about 140 GB, where a Stable Diffusion model has 2
 * to 7. Detection and instance hold for any model on that instance type; give `copySeconds` from a
 * measurement of your own before you plan by the total.
 */

/** Metrics of a minute, or of ten seconds. */
export type Detection = "standard" | "high-resolution";
/** Whether the copy needs a new instance, or one has room for it. */
export type InstanceState = "new" | "available";
/** Whether the image is on the machine already, or comes from a registry. */
export type ContainerState = "pulled" | "cached";

/** One trial, in seconds. */
export interface ScaleOutTrial {
  readonly detect: number;
  /** 0 where an instance was available: the table has no such column. */
  readonly instance: number;
  readonly copy: number;
  /** As printed, "End-to-End Scaling Latency". */
  readonly total: number;
}

const trial = (detect: number, instance: number, copy: number, total: number): ScaleOutTrial => ({
  detect,
  instance,
  copy,
  total,
});

/** Seed 004's four tables as printed. Their totals are the sums of their rows. */
export const scaleOutTrials: Readonly<
  Record<InstanceState, Readonly<Record<ContainerState, readonly ScaleOutTrial[]>>>
> = {
  new: {
    pulled: [
      trial(40, 223, 339, 602),
      trial(40, 203, 339, 582),
      trial(40, 175, 339, 554),
      trial(40, 210, 339, 589),
      trial(40, 191, 339, 570),
    ],
    cached: [
      trial(40, 185, 173, 398),
      trial(40, 175, 188, 403),
      trial(40, 164, 208, 412),
      trial(40, 185, 187, 412),
      trial(40, 185, 187, 412),
    ],
  },
  available: {
    pulled: [
      trial(40, 0, 339, 379),
      trial(40, 0, 339, 379),
      trial(40, 0, 339, 379),
      trial(40, 0, 339, 379),
      trial(40, 0, 339, 379),
    ],
    cached: [
      trial(40, 0, 150, 190),
      trial(40, 0, 122, 162),
      trial(40, 0, 121, 161),
      trial(40, 0, 119, 159),
      trial(40, 0, 119, 159),
    ],
  },
};

/**
 * The averages as seed 004 prints them, in seconds: in the tables (`instance`, `copy`, `total`) and
 * in its text and summary (`summary`).
 *
 * The uncached table's averages are rounded (200.4 and 579.4 to 200 and 580, the latter up); the
 * cached tables' are not. "An improvement of 172 seconds … 30%" is 579.4 − 407.4 = 172.0 and 29.7
 * %.
 */
export const scaleOutAverages = {
  new: {
    pulled: { instance: 200, copy: 339, total: 580, summary: 580 },
    cached: { instance: 178.8, copy: 188.6, total: 407.4, summary: 407 },
  },
  available: {
    pulled: { instance: 0, copy: 339, total: 379, summary: 379 },
    cached: { instance: 0, copy: 126.2, total: 166.2, summary: 166 },
  },
} as const satisfies Record<InstanceState, Record<ContainerState, object>>;

/**
 * Seconds to detect the need, as the seeds print them.
 *
 * Standard is a lower bound ("over 6 minutes"); high-resolution is what all of seed 004's trials
 * took (40), below seed 003's upper bound ("less than 45 seconds").
 */
export const detectionSeconds: Readonly<Record<Detection, number>> = {
  standard: 360,
  "high-resolution": 40,
};

/** Seed 003's bounds, in seconds, and its "roughly 40 %" less end to end for 7B and 8B models. */
export const publishedDetection = {
  standardAbove: 360,
  highResolutionBelow: 45,
  endToEndReduction: 0.4,
} as const;

/** Which way an endpoint scales out. */
export interface ScaleOut {
  readonly detection: Detection;
  readonly instance: InstanceState;
  readonly container: ContainerState;
  /** Seconds from a running instance to a serving copy, instead of the 70B model's. */
  readonly copySeconds?: number;
}

/** Seconds of each stage, and their sum. */
export interface ScaleOutTime {
  readonly detect: number;
  readonly instance: number;
  readonly copy: number;
  readonly total: number;
}

/**
 * The expected seconds of each stage: the means of seed 004's trials, with seed 003's detection.
 *
 * With high-resolution metrics the totals are the published averages: 579.4 (printed 580) and 407.4
 * on a new instance, 379 and 166.2 on an available one.
 *
 * @throws RangeError for `copySeconds` that is negative or not finite.
 */
export function scaleOutTime({
  detection,
  instance: state,
  container,
  copySeconds,
}: ScaleOut): ScaleOutTime {
  if (copySeconds !== undefined && !(Number.isFinite(copySeconds) && copySeconds >= 0)) {
    throw new RangeError(`copySeconds must be 0 or more, not ${copySeconds}.`);
  }
  const trials = scaleOutTrials[state][container];
  const detect = detectionSeconds[detection];
  const instance = mean(trials.map((one) => one.instance));
  const copy = copySeconds ?? mean(trials.map((one) => one.copy));
  return { detect, instance, copy, total: detect + instance + copy };
}

/**
 * The share of the total that `after` saves, 0 to 1.
 *
 * High-resolution metrics alone, on seed 004's 70B model with the image pulled: 36 % on a new
 * instance (899.4 to 579.4 s) and 46 % on an available one (699 to 379 s); 45 % and 66 % with it
 * cached. Seed 003's "roughly 40 %" is of 7B and 8B models: 320 s saved are 40 % of 800 s, so of
 * 440 s besides detection (see {@link restForReduction}), between the two. Metrics and caching
 * together: 55 % on a new instance (899.4 to 407.4 s), 76 % on an available one (699 to 166.2 s).
 */
export function reduction(before: ScaleOutTime, after: ScaleOutTime): number {
  return 1 - after.total / before.total;
}

/**
 * Seconds that instance and copy take together, if faster detection alone saves that share of the
 * whole: for "roughly 40 %" 320 / 0.4 − 360 = 440 s.
 *
 * @param share 0 to 1, seed 003's 0.4 by default
 * @throws RangeError unless the share is above 0 and no more than detection alone can save.
 */
export function restForReduction(share: number = publishedDetection.endToEndReduction): number {
  const { standard, "high-resolution": highResolution } = detectionSeconds;
  const saved = standard - highResolution;
  if (!(share > 0 && share <= saved / standard)) {
    throw new RangeError(`share must be above 0 and at most ${saved / standard}, not ${share}.`);
  }
  return saved / share - standard;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
