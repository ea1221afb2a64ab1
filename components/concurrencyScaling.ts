import { minute } from "./alarm";
import { SAGEMAKER_METRICS } from "./backlogScaling";
import { VARIANT } from "./endpointMachines";
import { attachPolicy, type ScalingTarget } from "./endpointScaling";
import { createScalingAlarm } from "./metricAlarm";
import type { Scope } from "./scope";

/** How a realtime endpoint, or an inference component, scales by requests in flight. */
export interface ConcurrencyScaling {
  readonly policy: "tracking" | "hybrid" | "step";
  /** Requests in flight per instance, or per copy. */
  readonly target: number;
  readonly scaleOutCooldownSeconds: number;
  readonly scaleInCooldownSeconds: number;
  /** With `hybrid`: invocations a minute that an instance, or a copy, can take. */
  readonly invocationsPerMinute?: number | undefined;
}

/** What is scaled, by how SageMaker and Application Auto Scaling name it. */
export interface InFlightMetric {
  readonly policyName: string;
  readonly tracked: string;
  readonly invocationsPolicyName: string;
  readonly trackedInvocations: string;
  readonly metricName: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** Requests in flight per instance. Source: seed 003, "Get started with quicker auto scaling". */
export function inFlightPerInstance(endpointName: string): InFlightMetric {
  return {
    policyName: "SageMakerEndpointScalingPolicy",
    tracked: "SageMakerVariantConcurrentRequestsPerModelHighResolution",
    invocationsPolicyName: "SageMakerEndpointInvocationScalingPolicy",
    trackedInvocations: "SageMakerVariantInvocationsPerInstance",
    metricName: "ConcurrentRequestsPerModel",
    dimensions: { EndpointName: endpointName, VariantName: VARIANT },
  };
}

/** Requests in flight per copy. Source: seed 003, "SageMaker inference components". */
export function inFlightPerCopy(inferenceComponentName: string): InFlightMetric {
  return {
    policyName: "SageMakerInferenceComponentScalingPolicy",
    tracked: "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
    invocationsPolicyName: "SageMakerInferenceComponentInvocationScalingPolicy",
    trackedInvocations: "SageMakerInferenceComponentInvocationsPerCopy",
    metricName: "ConcurrentRequestsPerCopy",
    dimensions: { InferenceComponentName: inferenceComponentName },
  };
}

/**
 * Scales by requests in flight.
 *
 * `hybrid` tracks invocations beside them. Of several policies that track, any scales out and all
 * have to agree to scale in: a container that crashes answers quickly, with errors, so few requests
 * are in flight, but as many are invoked as before, and nothing is taken away.
 *
 * Source: seed 003, its last section on hybrid scaling; Application Auto Scaling user guide, "How
 * target tracking scaling for Application Auto Scaling works", "Multiple scaling policies".
 */
export function scaleOnConcurrency(
  scope: Scope,
  target: ScalingTarget,
  metric: InFlightMetric,
  scaling: ConcurrencyScaling,
): void {
  if (scaling.policy === "step") {
    scaleInSteps(scope, target, metric, scaling);
    return;
  }
  const { name } = target;
  track(`${name}-concurrency`, metric.policyName, metric.tracked, scaling.target);
  if (scaling.policy === "hybrid") {
    if (scaling.invocationsPerMinute === undefined)
      throw new RangeError(`${name}: hybrid scaling wants invocationsPerMinute`);
    track(
      `${name}-invocations`,
      metric.invocationsPolicyName,
      metric.trackedInvocations,
      scaling.invocationsPerMinute,
    );
  }

  function track(policy: string, policyName: string, tracked: string, targetValue: number) {
    attachPolicy(policy, policyName, target, {
      targetTrackingScalingPolicyConfiguration: {
        targetValue,
        predefinedMetricSpecification: { predefinedMetricType: tracked },
        scaleInCooldown: scaling.scaleInCooldownSeconds,
        scaleOutCooldown: scaling.scaleOutCooldownSeconds,
      },
    });
  }
}

/** Seconds of a data point, and how many have to be too high: 30 s, of the seed's 45 at most. */
const outPeriodSeconds = 10;
const outPeriods = 3;

/** Minutes that it has to be too low, as with target tracking. */
const inMinutes = 15;

/**
 * One more from the target on, two more from twice the target; one fewer at half of it.
 *
 * Shape and statistics from AWS's notebook on step scaling with these metrics
 * (aws/amazon-sagemaker-examples, sm-app_autoscaling_realtime_endpoints_step_scaling), which looks at
 * minutes though its comment says 10 seconds; the metric comes every 10 seconds, so the way out does.
 */
function scaleInSteps(
  scope: Scope,
  target: ScalingTarget,
  metric: InFlightMetric,
  scaling: ConcurrencyScaling,
): void {
  const watched = {
    namespace: SAGEMAKER_METRICS,
    metricName: metric.metricName,
    dimensions: metric.dimensions,
    // Of the metric there are minimum and maximum only.
    statistic: "Maximum",
    // What nobody knows changes nothing; an endpoint that nobody asks still says 0.
    treatMissingData: "missing",
  } as const;
  const steps = { adjustmentType: "ChangeInCapacity", metricAggregationType: "Maximum" };

  const out = `${target.name}-scale-out`;
  const more = attachPolicy(out, `${metric.policyName}-ScaleOut`, target, {
    stepScalingPolicyConfiguration: {
      ...steps,
      cooldown: scaling.scaleOutCooldownSeconds,
      stepAdjustments: [
        {
          metricIntervalLowerBound: "0",
          metricIntervalUpperBound: String(scaling.target),
          scalingAdjustment: 1,
        },
        { metricIntervalLowerBound: String(scaling.target), scalingAdjustment: 2 },
      ],
    },
  });
  createScalingAlarm(
    scope,
    more,
    [
      out,
      `At least ${scaling.target} requests in flight: ${target.count.resourceId} is scaled out.`,
      {
        ...watched,
        period: outPeriodSeconds,
        evaluationPeriods: outPeriods,
        datapointsToAlarm: outPeriods,
        comparisonOperator: "GreaterThanOrEqualToThreshold",
        threshold: scaling.target,
      },
    ],
    target.inside,
  );

  const low = scaling.target / 2;
  const fewer = attachPolicy(`${target.name}-scale-in`, `${metric.policyName}-ScaleIn`, target, {
    stepScalingPolicyConfiguration: {
      ...steps,
      cooldown: scaling.scaleInCooldownSeconds,
      stepAdjustments: [{ metricIntervalUpperBound: "0", scalingAdjustment: -1 }],
    },
  });
  createScalingAlarm(
    scope,
    fewer,
    [
      `${target.name}-scale-in`,
      `At most ${low} requests in flight for ${inMinutes} minutes: ${target.count.resourceId} is scaled in.`,
      {
        ...watched,
        period: minute,
        evaluationPeriods: inMinutes,
        datapointsToAlarm: inMinutes,
        comparisonOperator: "LessThanOrEqualToThreshold",
        threshold: low,
      },
    ],
    target.inside,
  );
}
