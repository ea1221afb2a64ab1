import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { iamRoleNamePrefix } from "../fleet/names";
import { clusterArn } from "./clusterFacts";
import { prefixIn, type Scope } from "./scope";
import { serviceTrust } from "./serviceRole";

/** What EKS does in the account for a cluster: network interfaces, mostly. */
const clusterPolicy = "AmazonEKSClusterPolicy";

/** The control plane's role, and what it may do: a cluster waits for both, and goes before both. */
export interface ClusterRole {
  readonly role: aws.iam.Role;
  readonly policy: aws.iam.RolePolicyAttachment;
}

/**
 * The role that EKS takes on for this cluster, and for no other: the one that @pulumi/eks would make
 * has no such condition.
 *
 * Source of the conditions: Amazon EKS user guide, "Cross-service confused deputy prevention".
 */
export function createClusterRole(
  name: string,
  scope: Scope,
  opts: pulumi.ResourceOptions,
): ClusterRole {
  const role = new aws.iam.Role(
    name,
    {
      namePrefix: prefixIn(scope, name, iamRoleNamePrefix),
      description: `Control plane of ${scope.clusterName}`,
      assumeRolePolicy: serviceTrust([
        {
          service: "eks.amazonaws.com",
          conditions: {
            StringEquals: { "aws:SourceAccount": scope.accountId },
            ArnEquals: { "aws:SourceArn": clusterArn(scope) },
          },
        },
      ]),
    },
    opts,
  );
  const policy = new aws.iam.RolePolicyAttachment(
    name,
    { role: role.name, policyArn: `arn:${scope.partition}:iam::aws:policy/${clusterPolicy}` },
    opts,
  );
  return { role, policy };
}
