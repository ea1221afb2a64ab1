import * as pulumi from "@pulumi/pulumi";
import type { PolicyStatement } from "./podIdentity";
import type { Scope } from "./scope";

export interface KarpenterPolicyArgs {
  readonly scope: Scope;
  readonly clusterName: string;
  readonly clusterArn: pulumi.Input<string>;
  readonly nodeRoleArn: pulumi.Input<string>;
  readonly interruptionQueueArn: pulumi.Input<string>;
}

/**
 * What Karpenter's controller may do: launch, tag and terminate machines that carry this cluster's
 * tags, and hand them the one node role.
 *
 * Source: Karpenter 1.14, getting-started CloudFormation template, with every resource in this
 * account. Left out: zonal shift, which is not switched on.
 */
export function karpenterStatements(args: KarpenterPolicyArgs): PolicyStatement[] {
  return [
    ...machines(args),
    ...instanceProfiles(args),
    ...discovery(args),
    {
      Sid: "Cluster",
      Effect: "Allow",
      Action: "eks:DescribeCluster",
      Resource: args.clusterArn,
    },
    {
      Sid: "Interruptions",
      Effect: "Allow",
      Action: ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"],
      Resource: args.interruptionQueueArn,
    },
  ];
}

const LAUNCH = ["ec2:RunInstances", "ec2:CreateFleet"];

function machines({ scope, clusterName }: KarpenterPolicyArgs): PolicyStatement[] {
  const { partition, region, accountId } = scope;
  const ours = (kind: string) =>
    pulumi.interpolate`arn:${partition}:ec2:${region}:${accountId}:${kind}/*`;
  /** Subnets, reservations and placement groups can be shared with us by another account. */
  const anyones = (kind: string) => `arn:${partition}:ec2:${region}:*:${kind}/*`;
  /** Images are public, so their ARN has no account, and no snapshot's has one. */
  const nobodys = (kind: string) => `arn:${partition}:ec2:${region}::${kind}/*`;
  const owned = `kubernetes.io/cluster/${clusterName}`;
  const isOurs = {
    StringEquals: { [`aws:ResourceTag/${owned}`]: "owned" },
    StringLike: { "aws:ResourceTag/karpenter.sh/nodepool": "*" },
  };
  const becomesOurs = {
    [`aws:RequestTag/${owned}`]: "owned",
    "aws:RequestTag/eks:eks-cluster-name": clusterName,
  };
  const ofANodePool = { "aws:RequestTag/karpenter.sh/nodepool": "*" };
  const launched = [
    "fleet",
    "instance",
    "volume",
    "network-interface",
    "launch-template",
    "spot-instances-request",
  ].map(ours);
  return [
    {
      Sid: "LaunchFrom",
      Effect: "Allow",
      Action: LAUNCH,
      Resource: [
        nobodys("image"),
        nobodys("snapshot"),
        ours("security-group"),
        anyones("subnet"),
        anyones("capacity-reservation"),
        anyones("placement-group"),
      ],
    },
    {
      Sid: "LaunchFromTemplate",
      Effect: "Allow",
      Action: LAUNCH,
      Resource: ours("launch-template"),
      Condition: isOurs,
    },
    {
      Sid: "LaunchTagged",
      Effect: "Allow",
      Action: [...LAUNCH, "ec2:CreateLaunchTemplate"],
      Resource: launched,
      Condition: { StringEquals: becomesOurs, StringLike: ofANodePool },
    },
    {
      Sid: "TagAtLaunch",
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: launched,
      Condition: {
        StringEquals: {
          ...becomesOurs,
          "ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"],
        },
        StringLike: ofANodePool,
      },
    },
    {
      Sid: "TagLater",
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: ours("instance"),
      Condition: {
        ...isOurs,
        StringEqualsIfExists: { "aws:RequestTag/eks:eks-cluster-name": clusterName },
        "ForAllValues:StringEquals": {
          "aws:TagKeys": ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"],
        },
      },
    },
    {
      Sid: "Terminate",
      Effect: "Allow",
      Action: ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"],
      Resource: [ours("instance"), ours("launch-template")],
      Condition: isOurs,
    },
  ];
}

/** Karpenter makes an instance profile for each EC2NodeClass, around the one node role. */
function instanceProfiles(args: KarpenterPolicyArgs): PolicyStatement[] {
  const { scope, clusterName, nodeRoleArn } = args;
  const { partition, accountId } = scope;
  const profiles = pulumi.interpolate`arn:${partition}:iam::${accountId}:instance-profile/*`;
  const tagged = (where: "RequestTag" | "ResourceTag") => ({
    [`aws:${where}/kubernetes.io/cluster/${clusterName}`]: "owned",
    [`aws:${where}/topology.kubernetes.io/region`]: scope.region,
  });
  const forCluster = { "aws:RequestTag/eks:eks-cluster-name": clusterName };
  const ofAClass = (where: "RequestTag" | "ResourceTag") => ({
    [`aws:${where}/karpenter.k8s.aws/ec2nodeclass`]: "*",
  });
  return [
    {
      Sid: "PassNodeRole",
      Effect: "Allow",
      Action: "iam:PassRole",
      Resource: nodeRoleArn,
      Condition: {
        StringEquals: { "iam:PassedToService": ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"] },
      },
    },
    {
      Sid: "CreateProfile",
      Effect: "Allow",
      Action: "iam:CreateInstanceProfile",
      Resource: profiles,
      Condition: {
        StringEquals: { ...tagged("RequestTag"), ...forCluster },
        StringLike: ofAClass("RequestTag"),
      },
    },
    {
      Sid: "TagProfile",
      Effect: "Allow",
      Action: "iam:TagInstanceProfile",
      Resource: profiles,
      Condition: {
        StringEquals: { ...tagged("ResourceTag"), ...tagged("RequestTag"), ...forCluster },
        StringLike: { ...ofAClass("ResourceTag"), ...ofAClass("RequestTag") },
      },
    },
    {
      Sid: "UseProfile",
      Effect: "Allow",
      Action: [
        "iam:AddRoleToInstanceProfile",
        "iam:RemoveRoleFromInstanceProfile",
        "iam:DeleteInstanceProfile",
      ],
      Resource: profiles,
      Condition: {
        StringEquals: tagged("ResourceTag"),
        StringLike: ofAClass("ResourceTag"),
      },
    },
    {
      Sid: "ReadProfile",
      Effect: "Allow",
      Action: "iam:GetInstanceProfile",
      Resource: profiles,
    },
    {
      Sid: "ListProfiles",
      Effect: "Allow",
      Action: "iam:ListInstanceProfiles",
      // The template's own: IAM lists profiles by path, and Karpenter asks for every one.
      Resource: "*",
    },
  ];
}

function discovery({ scope: { partition, region } }: KarpenterPolicyArgs): PolicyStatement[] {
  return [
    {
      Sid: "Discover",
      Effect: "Allow",
      Action: [
        "ec2:DescribeCapacityReservations",
        "ec2:DescribeImages",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeInstanceTypeOfferings",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplates",
        "ec2:DescribePlacementGroups",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSpotPriceHistory",
        "ec2:DescribeSubnets",
      ],
      // EC2's Describe actions take no resource.
      Resource: "*",
      Condition: { StringEquals: { "aws:RequestedRegion": region } },
    },
    {
      Sid: "ReadPrices",
      Effect: "Allow",
      Action: "pricing:GetProducts",
      // The price list takes no resource.
      Resource: "*",
    },
    {
      Sid: "FindImages",
      Effect: "Allow",
      Action: "ssm:GetParameter",
      Resource: `arn:${partition}:ssm:${region}::parameter/aws/service/*`,
    },
  ];
}
