/** The seeds' scaling policies as API inputs, and the step policies that lead out of zero. */

import { SEED_DEFAULTS, usageRateExpression } from "../../../fleet/usageRate";
import type { AlarmInput } from "./alarm";
import type { Dimension, MetricName, MetricQuery } from "./cloudWatch";
import { dimensionsOf, type StepPolicy, type TargetTrackingPolicy } from "./scalingPolicy";

export const variant = "endpoint/images/variant/AllTraffic";
export const component = "inference-component/images";

/** Seed 003: five requests at a time per instance or copy, cooldowns of 180 s. */
export function concurrencyPolicy(ResourceId: string, TargetValue = 5): TargetTrackingPolicy {
  const PredefinedMetricType =
    ResourceId === component
      ? "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
      : "SageMakerVariantConcurrentRequestsPerModelHighResolution";
  return {
    PolicyName: "concurrency",
    PolicyType: "TargetTrackingScaling",
    ResourceId,
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue,
      PredefinedMetricSpecification: { PredefinedMetricType },
      ScaleInCooldown: 180,
      ScaleOutCooldown: 180,
    },
  };
}

/** Seed 003's older metric, a minute each: what it had before, and its guard against a crash. */
export function invocationsPolicy(TargetValue: number, DisableScaleIn = false) {
  return {
    PolicyName: "invocations",
    PolicyType: "TargetTrackingScaling",
    ResourceId: variant,
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue,
      PredefinedMetricSpecification: {
        PredefinedMetricType: "SageMakerVariantInvocationsPerInstance",
      },
      ScaleInCooldown: 180,
      ScaleOutCooldown: 180,
      DisableScaleIn,
    },
  } as const satisfies TargetTrackingPolicy;
}

/** Seed 000's m2, its slips (a stray space, a runtime version) put right. */
export const requestMetric: MetricName = {
  Namespace: "ImageGenAPI",
  MetricName: "NumberOfInferenceRequests",
  Dimensions: [{ Name: "service", Value: "ImageGenerator" }],
};

const usageRateMetrics: readonly MetricQuery[] = [
  {
    Id: "m1",
    MetricStat: {
      Metric: {
        Namespace: "/aws/sagemaker/Endpoints",
        MetricName: "CPUUtilization",
        Dimensions: dimensionsOf(variant),
      },
      Stat: "SampleCount",
    },
    ReturnData: false,
  },
  { Id: "m2", MetricStat: { Metric: requestMetric, Stat: "SampleCount" }, ReturnData: false },
  {
    Id: "e1",
    Label: "utilization rate",
    Expression: usageRateExpression(SEED_DEFAULTS),
    ReturnData: true,
  },
];

/** Seed 000: target 0.75, cooldowns 60 and 120. */
export const usageRatePolicy: TargetTrackingPolicy = {
  PolicyName: "usage-rate",
  PolicyType: "TargetTrackingScaling",
  ResourceId: variant,
  TargetTrackingScalingPolicyConfiguration: {
    CustomizedMetricSpecification: { Metrics: usageRateMetrics },
    TargetValue: SEED_DEFAULTS.target,
    ScaleOutCooldown: SEED_DEFAULTS.scaleOutCooldownSeconds,
    ScaleInCooldown: SEED_DEFAULTS.scaleInCooldownSeconds,
    DisableScaleIn: false,
  },
};

/** What SageMaker's guide recommends for asynchronous endpoints: five requests wait per instance. */
export const backlogPerInstancePolicy: TargetTrackingPolicy = {
  PolicyName: "backlog-per-instance",
  PolicyType: "TargetTrackingScaling",
  ResourceId: variant,
  TargetTrackingScalingPolicyConfiguration: {
    CustomizedMetricSpecification: {
      MetricName: "ApproximateBacklogSizePerInstance",
      Namespace: "AWS/SageMaker",
      Dimensions: dimensionsOf(variant).slice(0, 1),
      Statistic: "Average",
    },
    TargetValue: 5,
    ScaleInCooldown: 600,
    ScaleOutCooldown: 300,
  },
};

/** One more whenever the alarm rings. */
function fromZeroPolicy(
  PolicyName: string,
  ResourceId: string,
  configuration: { MetricAggregationType: "Average" | "Maximum"; Cooldown: number },
): StepPolicy {
  return {
    PolicyName,
    PolicyType: "StepScaling",
    ResourceId,
    StepScalingPolicyConfiguration: {
      AdjustmentType: "ChangeInCapacity",
      StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
      ...configuration,
    },
  };
}

function fromZeroAlarm(
  policy: StepPolicy,
  MetricName: string,
  Statistic: string,
  Dimensions: readonly Dimension[],
  periods: number,
): AlarmInput {
  return {
    AlarmName: MetricName,
    Namespace: "AWS/SageMaker",
    MetricName,
    Dimensions,
    Statistic,
    Period: 60,
    EvaluationPeriods: periods,
    DatapointsToAlarm: periods,
    Threshold: 1,
    ComparisonOperator: "GreaterThanOrEqualToThreshold",
    TreatMissingData: "missing",
    AlarmActions: [policy.PolicyName],
  };
}

/** SageMaker developer guide, "Autoscale an asynchronous endpoint", the optional policy. */
export const backlogPolicy = fromZeroPolicy("backlog", variant, {
  MetricAggregationType: "Average",
  Cooldown: 300,
});

/** The same page: the average of a minute is 1, twice. */
export const backlogAlarm = fromZeroAlarm(
  backlogPolicy,
  "HasBacklogWithoutCapacity",
  "Average",
  dimensionsOf(variant).slice(0, 1),
  2,
);

/** SageMaker developer guide, "Scale an endpoint to zero instances". */
export const noCapacityPolicy = fromZeroPolicy("no-capacity", component, {
  MetricAggregationType: "Maximum",
  Cooldown: 60,
});

/** The same page, but at one failure: its "greater than 1" lets a lone request fail for ever. */
export const noCapacityAlarm = fromZeroAlarm(
  noCapacityPolicy,
  "NoCapacityInvocationFailures",
  "Sum",
  dimensionsOf(component),
  1,
);
