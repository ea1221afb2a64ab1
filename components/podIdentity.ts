import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { iamRoleNamePrefix } from "../fleet/names";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import { prefixIn, type Scope } from "./scope";

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource: pulumi.Input<string> | readonly pulumi.Input<string>[];
  readonly Condition?: Readonly<
    Record<string, Readonly<Record<string, pulumi.Input<string | readonly string[]>>>>
  >;
}

export interface PodIdentityArgs {
  readonly scope: Scope;
  readonly clusterName: pulumi.Input<string>;
  readonly clusterArn: pulumi.Input<string>;
  readonly namespace: pulumi.Input<string>;
  readonly serviceAccount: string;
  /** What the pods may do, and nothing else. */
  readonly statements: readonly PolicyStatement[];
}

/** An IAM role that the pods of one service account of this cluster get by EKS Pod Identity. */
export class PodIdentity extends pulumi.ComponentResource {
  readonly role: aws.iam.Role;
  readonly policy: aws.iam.RolePolicy;
  readonly association: aws.eks.PodIdentityAssociation;

  constructor(name: string, args: PodIdentityArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:PodIdentity", name, {}, pulumiOptions(opts));
    const inside = childOptions(this, opts);
    this.role = new aws.iam.Role(
      name,
      {
        namePrefix: prefixIn(args.scope, name, iamRoleNamePrefix),
        description: pulumi.interpolate`${args.namespace}/${args.serviceAccount} of ${args.scope.clusterName}`,
        assumeRolePolicy: podTrust(args),
      },
      inside,
    );
    this.policy = new aws.iam.RolePolicy(
      name,
      {
        role: this.role.name,
        policy: pulumi.jsonStringify({ Version: "2012-10-17", Statement: args.statements }),
      },
      inside,
    );
    this.association = new aws.eks.PodIdentityAssociation(
      name,
      {
        clusterName: args.clusterName,
        namespace: args.namespace,
        serviceAccount: args.serviceAccount,
        roleArn: this.role.arn,
      },
      childOptions(this, opts, [this.policy]),
    );
    this.registerOutputs({});
  }
}

/** Only the Pod Identity agent, for this cluster and account, may hand the role out. */
function podTrust({ scope, clusterArn }: PodIdentityArgs): pulumi.Output<string> {
  return pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "pods.eks.amazonaws.com" },
        Action: ["sts:AssumeRole", "sts:TagSession"],
        Condition: {
          StringEquals: { "aws:SourceAccount": scope.accountId },
          ArnEquals: { "aws:SourceArn": clusterArn },
        },
      },
    ],
  });
}
