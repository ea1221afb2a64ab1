import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labels, UNIT_LABEL } from "../contracts/labels";
import type { Trigger } from "../contracts/routeTable";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import { holdingFallback, type ScalingPace, scalingBehaviour } from "./scalingBehaviour";
import { sharedOwnership } from "./sharedOwnership";

export interface UnitScalingArgs extends ScalingPace {
  readonly namespace: pulumi.Input<string>;
  readonly deployment: kubernetes.apps.v1.Deployment;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** What is measured, and how much of it is one replica's, in the mode that holds. */
  readonly triggers: readonly Trigger[];
  /** Whether the fail-over controller owns the triggers. */
  readonly failover: boolean;
  readonly pollingIntervalSeconds: number;
  readonly fallbackAfterFailures: number;
}

/** How KEDA scales one unit: by images served and by requests in flight; the larger answer wins. */
export class UnitScaling extends pulumi.ComponentResource {
  readonly resource: kubernetes.apiextensions.CustomResource;

  constructor(name: string, args: UnitScalingArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:UnitScaling", name, {}, pulumiOptions(opts));
    const { annotations, options } = sharedOwnership("spec.triggers", args.failover);
    this.resource = new kubernetes.apiextensions.CustomResource(
      name,
      {
        apiVersion: "keda.sh/v1alpha1",
        kind: "ScaledObject",
        metadata: {
          name,
          namespace: args.namespace,
          labels: labels(name, { [UNIT_LABEL]: name }),
          annotations,
        },
        spec: scaledObjectSpec(name, args),
      },
      { ...childOptions(this, opts, [args.deployment]), ...options },
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
    fallback: holdingFallback(args.fallbackAfterFailures, args.minReplicas),
    advanced: scalingBehaviour(args),
    triggers: args.triggers,
  };
}
