/**
 * Seed 000's usage rate: the metric that its asynchronous endpoint scales by, as CloudWatch metric
 * math over two metrics, and what that arithmetic really measures.
 *
 * The published expression is `IF(m1 != 0, m2 / (m1 * 60 / 10 * 12))`, where m1 is the SampleCount
 * of CPUUtilization in `/aws/sagemaker/Endpoints`, m2 the SampleCount of the API's own
 * NumberOfInferenceRequests, 10 the seconds of an image and 12 the accelerators of
 * ml.inf2.48xlarge.
 *
 * Where prose and excerpt differ. The prose calls m1 "the average CPU utilization percentage … how
 * much CPU resources are currently being used". Its statistic is SampleCount, so what the samples
 * say plays no part: m1 is their number. SageMaker documents one publication a minute (developer
 * guide, "SageMaker AI endpoint metrics": "Metrics are available at a 1-minute frequency"); with
 * one sample per instance, m1 over a minute is the number of instances in service, and the rate is
 * requests over what so many instances can do in that minute: a sound measure, but of instances and
 * not of CPU load. Taken as the prose has it, the capacity would grow with the load of the CPUs and
 * not with the number of instances, and a busy fleet would look empty.
 *
 * Two things follow from counting samples:
 * - An endpoint whose `MetricsConfig` publishes every 10 seconds has six samples per instance and
 *   minute, and the expression then sees six times the capacity: {@link samplesPerMinute}.
 * - m2 counts requests served from cache as well as missed ones. Those from cache cost the endpoint
 *   nothing, so the rate overstates the load by the cache's hits.
 *
 * 4,320 or 27,796. The formula gives one instance 72 images a minute, 4,320 an hour; the seed's
 * result is 27,796 images per instance and hour, 6.4 times as many ({@link publishedOverFormula}).
 * At 27,796 an hour and 12 accelerators an image takes 1.55 s of one accelerator, not 10 (the
 * seed's latency is 9.7 s). The seed does not say how: it may be several images at a time, or
 * images served from cache that are counted with the others. If it is throughput of the instance,
 * the target of 0.75 is passed at 12 % of it, and the policy scales out long before it must. So for
 * a model of your own `inferenceSeconds` is its latency divided by the images that one accelerator
 * makes at a time.
 */

/** What the expression takes from model and instance. */
export interface UsageRateModel {
  /** Seconds that one accelerator takes for one image. */
  readonly inferenceSeconds: number;
  /** Accelerators of one instance. */
  readonly accelerators: number;
}

/** The seed's policy, model and instance (ml.inf2.48xlarge). */
export const SEED_DEFAULTS = {
  target: 0.75,
  scaleOutCooldownSeconds: 60,
  scaleInCooldownSeconds: 120,
  inferenceSeconds: 10,
  accelerators: 12,
} as const;

/** Seed 000, "Results and benefits": "an average of 27,796 images per instance per hour". */
export const publishedImagesPerInstanceHour = 27_796;

/**
 * The metric math over m1, samples of CPUUtilization, and m2, samples of requests.
 *
 * For the seed's 10 s and 12 accelerators, character for character the seed's expression.
 *
 * @throws RangeError unless both are positive finite numbers.
 */
export function usageRateExpression(model: UsageRateModel): string {
  const { inferenceSeconds, accelerators } = checked(model);
  return `IF(m1 != 0, m2 / (m1 * 60 / ${inferenceSeconds} * ${accelerators}))`;
}

/**
 * Images that one sample of m1 stands for: what one instance can make in one minute. 72 for the
 * seed.
 *
 * @throws RangeError unless both are positive finite numbers.
 */
export function capacityPerSample(model: UsageRateModel): number {
  const { inferenceSeconds, accelerators } = checked(model);
  return (60 / inferenceSeconds) * accelerators;
}

/** Images an hour that the formula gives an instance with one sample a minute; the seed's 4,320. */
export function imagesPerInstanceHour(model: UsageRateModel): number {
  return capacityPerSample(model) * 60;
}

/** How much more the seed measured than its formula assumes: 27,796 / 4,320 = 6.43. */
export const publishedOverFormula =
  publishedImagesPerInstanceHour / imagesPerInstanceHour(SEED_DEFAULTS);

/**
 * The usage rate of one period, as CloudWatch computes it from the expression.
 *
 * Undefined, that is no data point, where m1 is 0 or has none: "is dropped, if the corresponding
 * data point of metric1 is FALSE and … metric3 is omitted", and IF has no third argument here. 0
 * where only m2 has none: "Missing values in a time series are treated as 0". (Both: CloudWatch
 * user guide, "Using metric math", basic arithmetic functions and IF expressions.) So an endpoint
 * without requests scales in to its minimum, and one at zero instances has no rate at all: target
 * tracking does not act without data, and another policy has to lead from zero.
 *
 * @param samples m1, samples of CPUUtilization in the period; undefined when there is no data point
 * @param requests m2, requests in the same period; undefined when there is no data point
 */
export function usageRate(
  samples: number | undefined,
  requests: number | undefined,
  model: UsageRateModel,
): number | undefined {
  const capacity = capacityPerSample(model);
  if (samples === undefined || samples === 0) return undefined;
  return (requests ?? 0) / (samples * capacity);
}

/**
 * Samples of CPUUtilization that one instance adds to m1 in a minute: 1 unless the endpoint's
 * `MetricsConfig` changes `MetricPublishFrequencyInSeconds` from 60 (botocore 1.44.5).
 *
 * @throws RangeError unless the interval is a positive finite number.
 */
export function samplesPerMinute(publishIntervalSeconds = 60): number {
  return 60 / positive("publishIntervalSeconds", publishIntervalSeconds);
}

/**
 * Instances that a target tracking policy settles at: the fewest at which the rate is not above the
 * target.
 *
 * @param requestsPerMinute requests a minute, cached ones too, since m2 counts them
 * @param target usage rate to hold, the seed's 0.75 by default
 * @throws RangeError for a negative number of requests, or a target or model that is not positive.
 */
export function instancesForRequests(
  requestsPerMinute: number,
  model: UsageRateModel,
  target: number = SEED_DEFAULTS.target,
): number {
  if (!(Number.isFinite(requestsPerMinute) && requestsPerMinute >= 0)) {
    throw new RangeError(`requestsPerMinute must be 0 or more, not ${requestsPerMinute}.`);
  }
  const perInstance = capacityPerSample(model) * positive("target", target);
  return Math.ceil(requestsPerMinute / perInstance);
}

function checked({ inferenceSeconds, accelerators }: UsageRateModel): UsageRateModel {
  positive("inferenceSeconds", inferenceSeconds);
  positive("accelerators", accelerators);
  return { inferenceSeconds, accelerators };
}

function positive(what: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new RangeError(`${what} must be a positive number, not ${value}.`);
}
