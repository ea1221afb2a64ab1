import type * as aws from "@pulumi/aws";
import type { NamedMetric } from "../contracts/metrics";
import { VARIANT } from "./endpointMachines";
import { attachPolicy, type ScalingTarget } from "./endpointScaling";

/** How an asynchronous endpoint scales while it has instances. */
export interface UsageScaling {
  /** Metric math over m1, samples of the instances' CPU, and m2, samples of requests. */
  readonly expression: string;
  /** Of the expression's value, 0.75 in the seed. */
  readonly target: number;
  readonly scaleOutCooldownSeconds: number;
  readonly scaleInCooldownSeconds: number;
}

/**
 * Seed 000's policy, by its own excerpt: the usage rate is tracked, and the policy is named as the
 * endpoint. What the expression measures is told in fleet/usageRate.ts.
 *
 * It does nothing without data, which there is none of where there are no instances, and sees
 * nothing of what waits: {@link scaleOnBacklog} leads from zero, works the queue off, and makes sure
 * of the way back.
 */
export function scaleOnUsage(
  target: ScalingTarget,
  endpointName: string,
  requests: NamedMetric,
  scaling: UsageScaling,
): aws.appautoscaling.Policy {
  return attachPolicy(`${target.name}-usage`, endpointName, target, {
    targetTrackingScalingPolicyConfiguration: {
      customizedMetricSpecification: {
        metrics: [
          sampleCount("m1", {
            namespace: "/aws/sagemaker/Endpoints",
            name: "CPUUtilization",
            dimensions: { EndpointName: endpointName, VariantName: VARIANT },
          }),
          sampleCount("m2", requests),
          {
            label: "utilization rate",
            id: "e1",
            expression: scaling.expression,
            returnData: true,
          },
        ],
      },
      targetValue: scaling.target,
      scaleOutCooldown: scaling.scaleOutCooldownSeconds,
      scaleInCooldown: scaling.scaleInCooldownSeconds,
      disableScaleIn: false,
    },
  });
}

function sampleCount(id: string, { namespace, name, dimensions }: NamedMetric) {
  return {
    id,
    metricStat: {
      metric: {
        metricName: name,
        namespace,
        dimensions: Object.entries(dimensions).map(([dimension, value]) => ({
          name: dimension,
          value,
        })),
      },
      stat: "SampleCount",
    },
    returnData: false,
  };
}
