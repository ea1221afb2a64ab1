import * as pulumi from "@pulumi/pulumi";
import type { ClusterFacts } from "./clusterFacts";
import { eksAddon } from "./eksAddon";
import { PodIdentity, type PolicyStatement } from "./podIdentity";
import type { Scope } from "./scope";

export interface NodeAddonsArgs {
  readonly scope: Scope;
  readonly cluster: ClusterFacts;
  readonly vpcId: pulumi.Input<string>;
  /** Version of each add-on, e.g. `v1.21.1-eksbuild.3`; absent: not installed here. */
  readonly versions: {
    readonly vpcCni?: string | undefined;
    readonly kubeProxy?: string | undefined;
    readonly podIdentityAgent?: string | undefined;
  };
}

/**
 * The add-ons that a node needs to become ready: network, Services, and identities for the network
 * plugin and every pod after it. They are DaemonSets without nodes until the first one joins.
 */
export class NodeAddons extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: NodeAddonsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:NodeAddons", name, {}, opts);
    const { vpcCni, kubeProxy, podIdentityAgent } = args.versions;
    const ready: pulumi.Resource[] = [];
    if (podIdentityAgent !== undefined) {
      ready.push(
        eksAddon("eks-pod-identity-agent", podIdentityAgent, args.cluster, { parent: this }),
      );
    }
    if (kubeProxy !== undefined) {
      ready.push(eksAddon("kube-proxy", kubeProxy, args.cluster, { parent: this }));
    }
    if (vpcCni !== undefined) {
      const identity = createCniIdentity(args, this);
      ready.push(
        eksAddon("vpc-cni", vpcCni, args.cluster, {
          parent: this,
          dependsOn: [identity.association, ...ready],
        }),
      );
    }
    this.ready = ready;
    this.registerOutputs({});
  }
}

/** The agent and the CNI both run on the host's network, so neither waits for the other. */
function createCniIdentity(args: NodeAddonsArgs, parent: NodeAddons): PodIdentity {
  return new PodIdentity(
    "vpc-cni",
    {
      scope: args.scope,
      clusterName: args.cluster.name,
      clusterArn: args.cluster.arn,
      namespace: "kube-system",
      serviceAccount: "aws-node",
      statements: cniStatements(args),
    },
    { parent },
  );
}

/**
 * AmazonEKS_CNI_Policy, kept to the interfaces of this VPC and the instances of this cluster.
 *
 * Source: aws/amazon-vpc-cni-k8s, docs/iam-policy.md, "Scope-down IAM policy per EKS cluster". The
 * interfaces are known by their VPC instead of by a tag, which the first one of an instance lacks.
 */
function cniStatements({ scope, vpcId }: NodeAddonsArgs): PolicyStatement[] {
  const { partition, region, accountId } = scope;
  const ec2 = (kind: string) =>
    pulumi.interpolate`arn:${partition}:ec2:${region}:${accountId}:${kind}/*`;
  const inVpc = {
    ArnEquals: {
      "ec2:Vpc": pulumi.interpolate`arn:${partition}:ec2:${region}:${accountId}:vpc/${vpcId}`,
    },
  };
  return [
    {
      Sid: "Discover",
      Effect: "Allow",
      Action: [
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeTags",
      ],
      // EC2's Describe actions take no resource.
      Resource: "*",
    },
    {
      Sid: "Interfaces",
      Effect: "Allow",
      Action: [
        "ec2:AssignPrivateIpAddresses",
        "ec2:AttachNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DetachNetworkInterface",
        "ec2:ModifyNetworkInterfaceAttribute",
        "ec2:UnassignPrivateIpAddresses",
      ],
      Resource: ec2("network-interface"),
      Condition: inVpc,
    },
    {
      Sid: "CreateInterfaces",
      Effect: "Allow",
      Action: "ec2:CreateNetworkInterface",
      Resource: [ec2("network-interface"), ec2("subnet"), ec2("security-group")],
      Condition: inVpc,
    },
    {
      Sid: "SetSecurityGroups",
      Effect: "Allow",
      Action: "ec2:ModifyNetworkInterfaceAttribute",
      Resource: ec2("security-group"),
      Condition: inVpc,
    },
    {
      Sid: "TagInterfaces",
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: ec2("network-interface"),
    },
    {
      Sid: "AttachToInstances",
      Effect: "Allow",
      Action: [
        "ec2:AttachNetworkInterface",
        "ec2:DetachNetworkInterface",
        "ec2:ModifyNetworkInterfaceAttribute",
      ],
      Resource: ec2("instance"),
      Condition: {
        StringEquals: { [`aws:ResourceTag/kubernetes.io/cluster/${scope.clusterName}`]: "owned" },
      },
    },
  ];
}
