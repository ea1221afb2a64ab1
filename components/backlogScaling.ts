import { minute } from "./alarm";
import { attachPolicy, type ScalingTarget } from "./endpointScaling";
import { createScalingAlarm } from "./metricAlarm";
import type { Scope } from "./scope";

/** The namespace of what SageMaker publishes about requests. */
export const SAGEMAKER_METRICS = "AWS/SageMaker";

/**
 * Minutes without a request, waiting or in work, until there are no more instances than at least: as
 * many as target tracking takes to scale in (Application Auto Scaling user guide, "How target
 * tracking scaling for Application Auto Scaling works").
 */
export const idleMinutes = 15;

/** Seconds until the policy acts again: a machine that was asked for has to show up first. */
const wakeCooldownSeconds = 300;

/**
 * What tracking the usage rate leaves undone, by the queue of an asynchronous endpoint.
 *
 * - What waits: the rate counts requests as they come, so a burst that is over before the first
 *   instance is up is not in it, and an endpoint with a long queue and nobody asking would be scaled
 *   in. A second policy tracks the backlog per instance, which the seed found too slow to go by
 *   alone: either one scales out, and both have to agree to scale in.
 * - From zero: requests wait and there are no instances, so neither is there a usage rate. AWS's own
 *   recipe (SageMaker developer guide, "Autoscale an asynchronous endpoint", "Define a scaling policy
 *   that scales up from zero for new requests"), but for the step, which is ours to choose.
 * - To the least: the guide on metric math has it that the rate is 0 where m2 has no samples, and a
 *   policy that tracks does not scale in on missing data; where SageMaker's metrics or the API's stay
 *   away, the way back must not hang on either. `ApproximateBacklogSize` counts what is in work, too:
 *   at 0 no instance has anything to do. Asked for its least, the target still keeps to the bounds of
 *   the moment, a campaign's among them.
 */
export function scaleOnBacklog(
  scope: Scope,
  target: ScalingTarget,
  endpointName: string,
  instancesFromZero: number,
  backlogPerInstance: number,
): void {
  if (backlogPerInstance > 0) workOff(target, endpointName, backlogPerInstance);
  if (target.bounds.min === 0) wake(scope, target, endpointName, instancesFromZero);
  rest(scope, target, endpointName);
}

function wake(scope: Scope, target: ScalingTarget, endpointName: string, instances: number): void {
  const name = `${target.name}-from-zero`;
  const policy = attachPolicy(name, "HasBacklogWithoutCapacity-ScalingPolicy", target, {
    stepScalingPolicyConfiguration: {
      adjustmentType: "ChangeInCapacity",
      metricAggregationType: "Average",
      cooldown: wakeCooldownSeconds,
      stepAdjustments: [{ metricIntervalLowerBound: "0", scalingAdjustment: instances }],
    },
  });
  createScalingAlarm(
    scope,
    policy,
    [
      name,
      `Requests wait for ${endpointName}, which has no instances: it is scaled out.`,
      {
        namespace: SAGEMAKER_METRICS,
        metricName: "HasBacklogWithoutCapacity",
        dimensions: { EndpointName: endpointName },
        statistic: "Average",
        period: minute,
        evaluationPeriods: 2,
        datapointsToAlarm: 2,
        comparisonOperator: "GreaterThanOrEqualToThreshold",
        threshold: 1,
        treatMissingData: "missing",
      },
    ],
    target.inside,
  );
}

/** Cooldowns of SageMaker's guide, "Autoscale an asynchronous endpoint", "Define a scaling policy". */
function workOff(target: ScalingTarget, endpointName: string, perInstance: number): void {
  attachPolicy(`${target.name}-backlog`, "BacklogPerInstance-ScalingPolicy", target, {
    targetTrackingScalingPolicyConfiguration: {
      targetValue: perInstance,
      customizedMetricSpecification: {
        metricName: "ApproximateBacklogSizePerInstance",
        namespace: SAGEMAKER_METRICS,
        dimensions: [{ name: "EndpointName", value: endpointName }],
        statistic: "Average",
      },
      scaleInCooldown: 600,
      scaleOutCooldown: 300,
    },
  });
}

function rest(scope: Scope, target: ScalingTarget, endpointName: string): void {
  const name = `${target.name}-idle`;
  const policy = attachPolicy(name, "EmptyBacklog-ScalingPolicy", target, {
    stepScalingPolicyConfiguration: {
      adjustmentType: "ExactCapacity",
      metricAggregationType: "Maximum",
      stepAdjustments: [{ metricIntervalUpperBound: "0", scalingAdjustment: target.bounds.min }],
    },
  });
  createScalingAlarm(
    scope,
    policy,
    [
      name,
      `Nobody has asked ${endpointName} for ${idleMinutes} minutes: it is scaled in.`,
      {
        namespace: SAGEMAKER_METRICS,
        metricName: "ApproximateBacklogSize",
        dimensions: { EndpointName: endpointName },
        statistic: "Maximum",
        period: minute,
        evaluationPeriods: idleMinutes,
        datapointsToAlarm: idleMinutes,
        comparisonOperator: "LessThanThreshold",
        threshold: 1,
        treatMissingData: "missing",
      },
    ],
    target.inside,
  );
}
