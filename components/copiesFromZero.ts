import { minute } from "./alarm";
import { SAGEMAKER_METRICS } from "./backlogScaling";
import { attachPolicy, type ScalingTarget } from "./endpointScaling";
import { createScalingAlarm } from "./metricAlarm";
import type { Scope } from "./scope";

/** Seconds until the policy acts again, of AWS's recipe. */
const cooldownSeconds = 60;

/**
 * One copy when somebody asks an inference component that has none. The request itself fails, as do
 * others until the copy is there: SageMaker keeps none of a realtime endpoint's.
 *
 * AWS's recipe, but for the alarm's comparison: it says more than 1, which would let the first
 * request of a minute go unnoticed.
 *
 * Source: SageMaker developer guide, "Scale an endpoint to zero instances".
 */
export function wakeCopies(
  scope: Scope,
  target: ScalingTarget,
  inferenceComponentName: string,
): void {
  const name = `${target.name}-from-zero`;
  const policy = attachPolicy(name, "NoCapacityInvocationFailures-ScalingPolicy", target, {
    stepScalingPolicyConfiguration: {
      adjustmentType: "ChangeInCapacity",
      metricAggregationType: "Maximum",
      cooldown: cooldownSeconds,
      stepAdjustments: [{ metricIntervalLowerBound: "0", scalingAdjustment: 1 }],
    },
  });
  createScalingAlarm(
    scope,
    policy,
    [
      name,
      `Somebody asked ${inferenceComponentName}, which has no copies: it is scaled out.`,
      {
        namespace: SAGEMAKER_METRICS,
        metricName: "NoCapacityInvocationFailures",
        dimensions: { InferenceComponentName: inferenceComponentName },
        statistic: "Sum",
        period: minute,
        evaluationPeriods: 1,
        datapointsToAlarm: 1,
        comparisonOperator: "GreaterThanOrEqualToThreshold",
        threshold: 1,
        treatMissingData: "missing",
      },
    ],
    target.inside,
  );
}
