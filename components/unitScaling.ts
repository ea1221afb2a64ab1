import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labels, UNIT_LABEL } from "../contracts/labels";
import {
  counterExpression,
  counterMetric,
  inFlightMetric,
  METRIC_NAMESPACE,
  STACK_DIMENSION,
} from "../contracts/metrics";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import type { Scope } from "./scope";

export interface UnitScalingArgs {
  readonly scope: Scope;
  readonly namespace: pulumi.Input<string>;
  readonly deployment: kubernetes.apps.v1.Deployment;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Images per minute per replica, in the mode that holds. */
  readonly counterTarget: number;
  /** Requests in flight per replica. */
  readonly inFlightTarget: number;
  readonly pollingIntervalSeconds: number;
  readonly scaleInStabilizationSeconds: number;
  readonly scaleInPodsPerMinute: number;
  readonly fallbackAfterFailures: number;
  /** ClusterTriggerAuthentication with KEDA's own identity. */
  readonly authenticationName: string;
}

/** How KEDA scales one unit: by images served and by requests in flight; the larger answer wins. */
export class UnitScaling extends pulumi.ComponentResource {
  readonly resource: kubernetes.apiextensions.CustomResource;

  constructor(name: string, args: UnitScalingArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:UnitScaling", name, {}, pulumiOptions(opts));
    this.resource = new kubernetes.apiextensions.CustomResource(
      name,
      {
        apiVersion: "keda.sh/v1alpha1",
        kind: "ScaledObject",
        metadata: {
          name,
          namespace: args.namespace,
          labels: labels(name, { [UNIT_LABEL]: name }),
        },
        spec: scaledObjectSpec(name, args),
      },
      childOptions(this, opts, [args.deployment]),
    );
    this.registerOutputs({});
  }
}

function scaledObjectSpec(name: string, args: UnitScalingArgs) {
  return {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
    minReplicaCount: args.minReplicas,
    maxReplicaCount: args.maxReplicas,
    pollingInterval: args.pollingIntervalSeconds,
    // When CloudWatch does not answer: hold what there is, and never less than the minimum.
    fallback: {
      failureThreshold: args.fallbackAfterFailures,
      replicas: Math.max(1, args.minReplicas),
      behavior: "currentReplicasIfHigher",
    },
    advanced: {
      // A deleted ScaledObject leaves the replicas as they are.
      restoreToOriginalReplicaCount: false,
      horizontalPodAutoscalerConfig: {
        behavior: {
          scaleUp: {
            stabilizationWindowSeconds: 0,
            selectPolicy: "Max",
            policies: [
              { type: "Percent", value: 100, periodSeconds: 15 },
              { type: "Pods", value: 4, periodSeconds: 15 },
            ],
          },
          scaleDown: {
            stabilizationWindowSeconds: args.scaleInStabilizationSeconds,
            policies: [{ type: "Pods", value: args.scaleInPodsPerMinute, periodSeconds: 60 }],
          },
        },
      },
    },
    triggers: [counterTrigger(name, args), inFlightTrigger(name, args)],
  };
}

/**
 * Seed 001's trigger. Metrics Insights aggregates to a minute, so the period is said explicitly
 * (KEDA's own is 300 s), and a missing metric is an error rather than an idle unit.
 */
function counterTrigger(name: string, args: UnitScalingArgs) {
  return {
    type: "aws-cloudwatch",
    name: "counter",
    metricType: "AverageValue",
    useCachedMetrics: true,
    metadata: {
      namespace: METRIC_NAMESPACE,
      expression: counterExpression(name, args.scope.stack),
      metricName: counterMetric(name),
      metricStatPeriod: "60",
      metricCollectionTime: "180",
      minMetricValue: "1",
      targetMetricValue: String(args.counterTarget),
      metricUnit: "Count",
      ignoreNullValues: "false",
      awsRegion: args.scope.region,
    },
    authenticationRef: reference(args),
  };
}

/** A served counter stops rising at saturation; requests in flight do not, and scale out then. */
function inFlightTrigger(name: string, args: UnitScalingArgs) {
  return {
    type: "aws-cloudwatch",
    name: "in-flight",
    metricType: "Value",
    useCachedMetrics: true,
    metadata: {
      namespace: METRIC_NAMESPACE,
      metricName: inFlightMetric(name),
      dimensionName: STACK_DIMENSION,
      dimensionValue: args.scope.stack,
      metricStat: "Average",
      metricStatPeriod: "10",
      metricCollectionTime: "60",
      minMetricValue: "0",
      targetMetricValue: String(args.inFlightTarget),
      metricUnit: "Count",
      ignoreNullValues: "false",
      awsRegion: args.scope.region,
    },
    authenticationRef: reference(args),
  };
}

function reference({ authenticationName }: UnitScalingArgs) {
  return { kind: "ClusterTriggerAuthentication", name: authenticationName };
}
