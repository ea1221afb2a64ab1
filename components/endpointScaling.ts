import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { type ScalingBounds, VARIANT } from "./endpointMachines";

/** A number that Application Auto Scaling changes. */
export interface ScalableCount {
  readonly resourceId: string;
  readonly scalableDimension:
    | "sagemaker:variant:DesiredInstanceCount"
    | "sagemaker:inference-component:DesiredCopyCount";
}

/** Instances of an endpoint's variant. */
export function instancesOf(endpointName: string): ScalableCount {
  return {
    resourceId: `endpoint/${endpointName}/variant/${VARIANT}`,
    scalableDimension: "sagemaker:variant:DesiredInstanceCount",
  };
}

/** Copies of an inference component. */
export function copiesOf(inferenceComponentName: string): ScalableCount {
  return {
    resourceId: `inference-component/${inferenceComponentName}`,
    scalableDimension: "sagemaker:inference-component:DesiredCopyCount",
  };
}

/** A count within its bounds: what policies and scheduled actions hang on. */
export interface ScalingTarget {
  readonly name: string;
  readonly count: ScalableCount;
  readonly bounds: ScalingBounds;
  /** The count as the target has it: what names it so is replaced with the target. */
  readonly registered: {
    readonly [Name in keyof ScalableCount]: pulumi.Output<string>;
  };
  /** For policies, scheduled actions and their alarms: they come after the target and go before it. */
  readonly inside: pulumi.CustomResourceOptions;
}

const serviceNamespace = "sagemaker";

/**
 * Has Application Auto Scaling look after a count, by its service-linked role, which it makes itself.
 *
 * SageMaker takes a target away with its endpoint, and its policies with it, "without notifying
 * you". So all that scales is told to come after what is scaled, and goes before it: first alarms,
 * policies and scheduled actions, then the target, then the component, then the endpoint. A target
 * never stays without its resource, also where that is replaced: the target's resource id is known
 * from its output, so that the target, and with it all that hangs on it, is replaced as well.
 *
 * Source: SageMaker developer guide, "Delete endpoints configured for auto scaling"; Application
 * Auto Scaling API reference, DeregisterScalableTarget.
 *
 * @param scaled the name of the endpoint, or of the component, as an output of it
 * @param opts its parent, and what it waits for: the endpoint, or the component
 */
export function registerTarget(
  name: string,
  count: ScalableCount,
  scaled: pulumi.Output<string | undefined>,
  bounds: ScalingBounds,
  opts: pulumi.CustomResourceOptions,
): ScalingTarget {
  const target = new aws.appautoscaling.Target(
    name,
    {
      serviceNamespace,
      resourceId: scaled.apply(() => count.resourceId),
      scalableDimension: count.scalableDimension,
      minCapacity: bounds.min,
      maxCapacity: bounds.max,
    },
    opts,
  );
  const { dependsOn: _, ...rest } = opts;
  const { resourceId, scalableDimension } = target;
  const registered = { resourceId, scalableDimension };
  return { name, count, bounds, registered, inside: { ...rest, dependsOn: [target] } };
}

/** What a policy does; the rest says to what. */
export type PolicyConfiguration =
  | Required<Pick<aws.appautoscaling.PolicyArgs, "targetTrackingScalingPolicyConfiguration">>
  | Required<Pick<aws.appautoscaling.PolicyArgs, "stepScalingPolicyConfiguration">>;

/**
 * A policy of a target. Of one that tracks, Application Auto Scaling makes the alarms itself, and
 * takes them away with it.
 *
 * @param policyName that it has in AWS; unique among its target's
 */
export function attachPolicy(
  name: string,
  policyName: string,
  { registered, inside }: ScalingTarget,
  configuration: PolicyConfiguration,
): aws.appautoscaling.Policy {
  const tracks = "targetTrackingScalingPolicyConfiguration" in configuration;
  return new aws.appautoscaling.Policy(
    name,
    {
      name: policyName,
      policyType: tracks ? "TargetTrackingScaling" : "StepScaling",
      serviceNamespace,
      ...registered,
      ...configuration,
    },
    inside,
  );
}

/** Other bounds from one moment to another. */
export interface ScheduledBounds {
  /** `at(…)` or `cron(…)`, as Application Auto Scaling reads them. */
  readonly start: string;
  readonly end: string;
  /** An IANA time zone. */
  readonly timezone: string;
  readonly min: number;
  /** Absent: as usual. */
  readonly max?: number | undefined;
}

/**
 * Bounds for planned events: one action that sets them and one that sets the usual ones again.
 *
 * In between, AWS has other bounds than the target's here: an `up` that refreshes, or that changes
 * the target, puts the usual ones back before the end.
 */
export function scheduleBounds(
  { name, registered, bounds, inside }: ScalingTarget,
  schedules: readonly ScheduledBounds[],
): void {
  for (const [index, { start, end, timezone, min, max = bounds.max }] of schedules.entries()) {
    const action = (moment: "start" | "end", schedule: string, within: ScalingBounds) =>
      new aws.appautoscaling.ScheduledAction(
        `${name}-${index}-${moment}`,
        {
          name: `${name}-${index}-${moment}`,
          serviceNamespace,
          ...registered,
          schedule,
          timezone,
          scalableTargetAction: { minCapacity: within.min, maxCapacity: within.max },
        },
        inside,
      );
    action("start", start, { min, max });
    action("end", end, bounds);
  }
}
