import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { EndpointPlacement } from "./endpointPlacement";
import { type EndpointStore, type StorePart, storeObjects } from "./endpointStore";
import type { HostedModel } from "./hostedModel";
import { keyStatement } from "./keyStatement";
import type { PolicyStatement } from "./podIdentity";
import type { Scope } from "./scope";
import { createServiceRole, type ServiceRole } from "./serviceRole";
import { tellResultsStatements } from "./taskAccess";

export interface EndpointRoleArgs {
  readonly scope: Scope;
  /** What its containers write to. */
  readonly logs: aws.cloudwatch.LogGroup;
  /** Absent: an endpoint whose inference components have roles of their own. */
  readonly model?: HostedModel;
  readonly placement: EndpointPlacement;
  /** The key of the instances' volumes, where they take one. */
  readonly volumeKeyArn?: string | undefined;
  /** What it reads requests from, and writes answers and copies to. */
  readonly store?: {
    readonly of: EndpointStore;
    readonly reads: readonly StorePart[];
    readonly writes: readonly StorePart[];
  };
  /** Who is told of answers and errors. */
  readonly topics?: {
    readonly arns: readonly pulumi.Input<string>[];
    readonly keyArn: pulumi.Input<string>;
  };
  /** Names of the alarms that take an update back. */
  readonly rollbackAlarms: readonly string[];
}

/** Namespaces that SageMaker puts utilisation under, on the role's account. */
const metricNamespaces = ["/aws/sagemaker/Endpoints", "/aws/sagemaker/InferenceComponents"];

/**
 * What SageMaker does with as one endpoint, or one inference component, and no other.
 *
 * Any endpoint of this account and region may be the source of its use: "Do not replace the
 * aws:SourceArn in this template with the full ARN of a specific model or endpoint."
 *
 * Source: SageMaker developer guide, "Cross-service confused deputy prevention", "SageMaker AI
 * Inference"; "How to use SageMaker AI execution roles", "CreateModel API: Execution Role
 * Permissions"; "Auto-Rollback Configuration and Monitoring".
 */
export function createEndpointRole(
  name: string,
  args: EndpointRoleArgs,
  opts: pulumi.ResourceOptions,
): ServiceRole {
  const { partition, region, accountId } = args.scope;
  const trusted = {
    service: "sagemaker.amazonaws.com",
    conditions: {
      ArnLike: {
        "aws:SourceArn": pulumi.interpolate`arn:${partition}:sagemaker:${region}:${accountId}:*`,
      },
    },
  };
  return createServiceRole(`${name}-execution`, args.scope, [trusted], statements(args), opts);
}

function statements(args: EndpointRoleArgs): PolicyStatement[] {
  const { scope, model, placement, store, topics, rollbackAlarms } = args;
  return [
    ...writeLogs(args),
    ...(model === undefined ? [] : [...readArtefact(scope, model), ...pullImage(model)]),
    ...(store === undefined ? [] : useStore(scope, store, placement)),
    ...(topics === undefined
      ? []
      : tellResultsStatements(scope.region, topics.arns, topics.keyArn)),
    ...encryptVolumes(args),
    ...(placement.vpc === undefined ? [] : attachToVpc(scope, placement.vpc)),
    ...(rollbackAlarms.length === 0 ? [] : [watchRollback(scope, rollbackAlarms)]),
  ];
}

function writeLogs({ logs }: EndpointRoleArgs): PolicyStatement[] {
  return [
    {
      Sid: "WriteItsLog",
      Effect: "Allow",
      Action: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
      Resource: pulumi.interpolate`${logs.arn}:*`,
    },
    {
      Sid: "PublishUtilisation",
      Effect: "Allow",
      Action: "cloudwatch:PutMetricData",
      // The action takes no resource.
      Resource: "*",
      Condition: { StringEquals: { "cloudwatch:namespace": metricNamespaces } },
    },
  ];
}

function readArtefact(scope: Scope, { artefact }: HostedModel): PolicyStatement[] {
  const { bucketArn, path, kmsKeyArn } = artefact;
  return [
    {
      Sid: "ReadItsModel",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: pulumi.interpolate`${bucketArn}/${path}/*`,
    },
    {
      Sid: "ListItsModel",
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: bucketArn,
      Condition: { StringLike: { "s3:prefix": [`${path}/`, `${path}/*`] } },
    },
    ...(kmsKeyArn === undefined
      ? []
      : [keyStatement("DecryptItsModel", "s3", scope.region, kmsKeyArn, "kms:Decrypt")]),
  ];
}

function pullImage({ repositoryArn }: HostedModel): PolicyStatement[] {
  return [
    {
      Sid: "LogInToEcr",
      Effect: "Allow",
      Action: "ecr:GetAuthorizationToken",
      // The action takes no resource.
      Resource: "*",
    },
    {
      Sid: "PullItsImage",
      Effect: "Allow",
      Action: [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
      ],
      Resource: repositoryArn,
    },
  ];
}

function useStore(
  scope: Scope,
  { of, reads, writes }: NonNullable<EndpointRoleArgs["store"]>,
  { kmsKeyArn }: EndpointPlacement,
): PolicyStatement[] {
  const objects = (parts: readonly StorePart[]) => parts.map((part) => storeObjects(of, part));
  return [
    ...(reads.length === 0
      ? []
      : [
          {
            Sid: "ReadRequests",
            Effect: "Allow" as const,
            Action: "s3:GetObject",
            Resource: objects(reads),
          },
        ]),
    {
      Sid: "WriteAnswers",
      Effect: "Allow",
      Action: ["s3:AbortMultipartUpload", "s3:PutObject"],
      Resource: objects(writes),
    },
    ...(kmsKeyArn === undefined
      ? []
      : [keyStatement("EncryptAnswers", "s3", scope.region, kmsKeyArn)]),
  ];
}

/** Volumes use a key by grants, which only AWS services may be given. */
function encryptVolumes({ volumeKeyArn }: EndpointRoleArgs): PolicyStatement[] {
  if (volumeKeyArn === undefined) return [];
  return [
    {
      Sid: "EncryptVolumes",
      Effect: "Allow",
      Action: "kms:CreateGrant",
      Resource: volumeKeyArn,
      Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
    },
  ];
}

function attachToVpc(
  { partition, region, accountId }: Scope,
  { subnetIds, securityGroupId }: NonNullable<EndpointPlacement["vpc"]>,
): PolicyStatement[] {
  const ec2 = pulumi.interpolate`arn:${partition}:ec2:${region}:${accountId}`;
  const subnets = pulumi
    .all([ec2, subnetIds])
    .apply(([arn, ids]) => ids.map((id) => `${arn}:subnet/${id}`));
  const networkInterfaces = pulumi.interpolate`${ec2}:network-interface/*`;
  return [
    {
      Sid: "LookAtTheVpc",
      Effect: "Allow",
      Action: [
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeVpcs",
      ],
      // None of them takes a resource.
      Resource: "*",
    },
    {
      Sid: "MakeNetworkInterfaces",
      Effect: "Allow",
      Action: "ec2:CreateNetworkInterface",
      Resource: [networkInterfaces, pulumi.interpolate`${ec2}:security-group/${securityGroupId}`],
    },
    {
      Sid: "InItsSubnets",
      Effect: "Allow",
      Action: "ec2:CreateNetworkInterface",
      Resource: pulumi.interpolate`${ec2}:subnet/*`,
      Condition: { StringEquals: { "ec2:SubnetID": subnetIds } },
    },
    {
      Sid: "UseThoseOfItsSubnets",
      Effect: "Allow",
      Action: [
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
      ],
      Resource: networkInterfaces,
      Condition: { ArnEquals: { "ec2:Subnet": subnets } },
    },
  ];
}

function watchRollback(
  { partition, region, accountId }: Scope,
  alarms: readonly string[],
): PolicyStatement {
  return {
    Sid: "WatchItsAlarms",
    Effect: "Allow",
    Action: "cloudwatch:DescribeAlarms",
    Resource: alarms.map(
      (alarm) =>
        pulumi.interpolate`arn:${partition}:cloudwatch:${region}:${accountId}:alarm:${alarm}`,
    ),
  };
}
