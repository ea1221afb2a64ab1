/** Scaling policies as PutScalingPolicy takes them, and what each asks of a capacity. */

import type { AlarmInput } from "./alarm";
import type { Dimension, MetricQuery } from "./cloudWatch";

export interface TargetTrackingPolicy {
  readonly PolicyName: string;
  readonly PolicyType: "TargetTrackingScaling";
  /** `endpoint/NAME/variant/NAME` or `inference-component/NAME`. */
  readonly ResourceId: string;
  readonly TargetTrackingScalingPolicyConfiguration: {
    readonly TargetValue: number;
    readonly PredefinedMetricSpecification?: { readonly PredefinedMetricType: string };
    readonly CustomizedMetricSpecification?: {
      readonly MetricName?: string;
      readonly Namespace?: string;
      readonly Dimensions?: readonly Dimension[];
      readonly Statistic?: string;
      readonly Metrics?: readonly MetricQuery[];
    };
    readonly ScaleOutCooldown?: number;
    readonly ScaleInCooldown?: number;
    readonly DisableScaleIn?: boolean;
  };
}

export interface StepPolicy {
  readonly PolicyName: string;
  readonly PolicyType: "StepScaling";
  readonly ResourceId: string;
  readonly StepScalingPolicyConfiguration: {
    readonly AdjustmentType: "ChangeInCapacity" | "PercentChangeInCapacity" | "ExactCapacity";
    readonly StepAdjustments: readonly {
      readonly MetricIntervalLowerBound?: number;
      readonly MetricIntervalUpperBound?: number;
      readonly ScalingAdjustment: number;
    }[];
    readonly MinAdjustmentMagnitude?: number;
    readonly Cooldown?: number;
    readonly MetricAggregationType?: "Average" | "Minimum" | "Maximum";
  };
}

export type ScalingPolicy = TargetTrackingPolicy | StepPolicy;

/**
 * Seconds of either cooldown of a SageMaker variant where none is given; taken for a component too.
 *
 * Source: Application Auto Scaling API reference, "TargetTrackingScalingPolicyConfiguration".
 */
export const defaultCooldownSeconds = 300;

/**
 * SageMaker's predefined metrics: CloudWatch's name, the statistic, and the alarm's period.
 *
 * Source: SageMaker developer guide, "Define a scaling policy": the high-resolution ones "emit data
 * every 10 seconds", and scale in "at the same rate as with standard metrics". Each request counts
 * for one over the number of instances, hence Sum ("ScalingPolicyMetric"). Maximum is what alarms on
 * concurrency are seen to have; the guide does not say.
 */
const predefinedMetrics: Record<string, { name: string; statistic: string; period: number }> = {
  SageMakerVariantInvocationsPerInstance: {
    name: "InvocationsPerInstance",
    statistic: "Sum",
    period: 60,
  },
  SageMakerInferenceComponentInvocationsPerCopy: {
    name: "InvocationsPerCopy",
    statistic: "Sum",
    period: 60,
  },
  SageMakerVariantConcurrentRequestsPerModelHighResolution: {
    name: "ConcurrentRequestsPerModel",
    statistic: "Maximum",
    period: 10,
  },
  SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution: {
    name: "ConcurrentRequestsPerCopy",
    statistic: "Maximum",
    period: 10,
  },
};

/**
 * The two alarms that a target tracking policy creates: high above the target for 3 points, low
 * below 0.9 of it for 15 points of a minute.
 *
 * Source: Application Auto Scaling user guide, "How target tracking scaling works": in only when
 * "usually more than 10% lower". The numbers of points are not in the guide; they are those of the
 * alarms that it creates ("for 3 datapoints within 3 minutes", "for 15 datapoints within 15
 * minutes").
 */
export function trackingAlarms(policy: TargetTrackingPolicy): {
  high: AlarmInput;
  low: AlarmInput;
} {
  const { TargetValue } = policy.TargetTrackingScalingPolicyConfiguration;
  const { query, period } = trackedMetric(policy);
  return {
    high: {
      AlarmName: `${policy.PolicyName}-AlarmHigh`,
      ...query,
      Period: period,
      EvaluationPeriods: 3,
      Threshold: TargetValue,
      ComparisonOperator: "GreaterThanThreshold",
    },
    low: {
      AlarmName: `${policy.PolicyName}-AlarmLow`,
      ...query,
      Period: 60,
      EvaluationPeriods: 15,
      Threshold: 0.9 * TargetValue,
      ComparisonOperator: "LessThanThreshold",
    },
  };
}

function trackedMetric(policy: TargetTrackingPolicy): {
  query: Partial<AlarmInput>;
  period: number;
} {
  const configuration = policy.TargetTrackingScalingPolicyConfiguration;
  if (configuration.CustomizedMetricSpecification) {
    return { query: configuration.CustomizedMetricSpecification, period: 60 };
  }
  const type = configuration.PredefinedMetricSpecification!.PredefinedMetricType;
  const metric = predefinedMetrics[type];
  if (!metric) throw new Error(`${type} is no predefined metric of SageMaker.`);
  return {
    query: {
      Namespace: "AWS/SageMaker",
      MetricName: metric.name,
      Dimensions: dimensionsOf(policy.ResourceId),
      Statistic: metric.statistic,
    },
    period: metric.period,
  };
}

/** The dimensions of a scalable target's own metrics. */
export function dimensionsOf(resourceId: string): Dimension[] {
  const [kind, name, , variant] = resourceId.split("/");
  if (kind === "inference-component") return [{ Name: "InferenceComponentName", Value: name! }];
  return [
    { Name: "EndpointName", Value: name! },
    { Name: "VariantName", Value: variant! },
  ];
}

/**
 * The capacity that brings the metric to its target: capacity × value / target, up to the next whole
 * one, so that "it acts conservatively by rounding" and never adds too little or removes too much.
 * At zero there is nothing to multiply, so target tracking stays there.
 *
 * Source: Application Auto Scaling user guide, "How target tracking scaling works".
 *
 * @param running capacity that the value was measured on
 */
export function trackedCapacity(running: number, value: number, target: number): number {
  return Math.max(0, Math.ceil((running * value) / target - 1e-9));
}

/**
 * How much a step policy adds (removes, below 0) at a capacity. 0 where no step fits.
 *
 * Source: Application Auto Scaling user guide, "Step scaling policies": bounds are relative to the
 * alarm's threshold; above it the lower bound is inclusive, below it the upper bound.
 *
 * @param values the points that the alarm evaluated, oldest first
 */
export function stepAdjustment(
  { StepScalingPolicyConfiguration: configuration }: StepPolicy,
  capacity: number,
  values: readonly number[],
  threshold: number,
): number {
  const breach = aggregated(values, configuration.MetricAggregationType) - threshold;
  const step = configuration.StepAdjustments.find(
    ({ MetricIntervalLowerBound: low = -Infinity, MetricIntervalUpperBound: high = Infinity }) =>
      breach >= 0 ? low <= breach && breach < high : low < breach && breach <= high,
  );
  if (!step) return 0;
  const { ScalingAdjustment } = step;
  if (configuration.AdjustmentType === "ExactCapacity") return ScalingAdjustment - capacity;
  if (configuration.AdjustmentType === "ChangeInCapacity") return ScalingAdjustment;
  return percentOf(capacity, ScalingAdjustment, configuration.MinAdjustmentMagnitude ?? 1);
}

/** Towards zero, and by no less than the smallest magnitude. */
function percentOf(capacity: number, percent: number, smallest: number): number {
  if (percent === 0) return 0;
  const magnitude = Math.trunc((capacity * Math.abs(percent)) / 100 + 1e-9);
  return Math.sign(percent) * Math.max(magnitude, smallest, 1);
}

function aggregated(values: readonly number[], type = "Average"): number {
  if (type === "Maximum") return Math.max(...values);
  if (type === "Minimum") return Math.min(...values);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
