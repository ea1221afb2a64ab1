import type * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Scope } from "./scope";

/** What the rest of the program knows of the cluster, whoever made it. */
export interface ClusterFacts {
  /** Its name: known at once, and whatever uses it waits for the cluster. */
  readonly name: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  /** URL of its API server. */
  readonly endpoint: pulumi.Output<string>;
  /** The security group that EKS made for control plane and nodes. */
  readonly securityGroupId: pulumi.Output<string>;
  /** Kubernetes version, e.g. `1.35`. */
  readonly version: pulumi.Output<string>;
  /** Deploys into it. */
  readonly provider: kubernetes.Provider;
}

/** The cluster's ARN, composed: it is needed before the cluster answers. */
export function clusterArn(scope: Scope): pulumi.Output<string> {
  const { partition, region, accountId, clusterName } = scope;
  return pulumi.interpolate`arn:${partition}:eks:${region}:${accountId}:cluster/${clusterName}`;
}
