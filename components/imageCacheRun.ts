import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { environmentTags } from "./environmentTags";
import { imageCacheDocument, PURPOSE, PURPOSE_TAG } from "./imageCacheDocument";
import { imageParameter, type MachineImage } from "./imageCacheMachine";
import type { PolicyStatement } from "./podIdentity";
import type { Scope } from "./scope";
import { createServiceRole, ec2Service, type ServiceRole } from "./serviceRole";

/** One run of the automation: what it caches and what it keeps. */
export interface CacheRunArgs extends MachineImage {
  readonly scope: Scope;
  /** Images that the fleet's pods name. */
  readonly images: readonly pulumi.Input<string>[];
  /** The program's own ECR repositories, whose youngest images are cached too. */
  readonly repositories: readonly CachedRepository[];
  /** Snapshots that are kept, besides the one in use and the published one. */
  readonly keep: number;
  /** The snapshot that the config names, which stays. */
  readonly inUseSnapshotId?: string;
  /** More tags for machines, volumes and snapshots that a run makes, beside the environment's. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface CachedRepository {
  /** Known before it exists. */
  readonly name: string;
  readonly arn: pulumi.Input<string>;
  readonly url: pulumi.Input<string>;
}

/** What the snapshot's parameter holds until there is one. */
export const NO_SNAPSHOT = "none";

interface RunResources {
  readonly parameter: aws.ssm.Parameter;
  readonly machineRole: ServiceRole;
  readonly launchTemplate: aws.ec2.LaunchTemplate;
}

/** The automation's role: touches only what carries this environment's tags. */
export function createRunRole(
  name: string,
  args: CacheRunArgs,
  resources: RunResources,
  opts: pulumi.ResourceOptions,
): ServiceRole {
  const { accountId, partition, region } = args.scope;
  const executions = pulumi.interpolate`arn:${partition}:ssm:${region}:${accountId}:automation-execution/*`;
  const trusted = {
    service: "ssm.amazonaws.com",
    conditions: {
      StringEquals: { "aws:SourceAccount": accountId },
      ArnLike: { "aws:SourceArn": executions },
    },
  };
  return createServiceRole(
    `${name}-run`,
    args.scope,
    [trusted],
    runStatements(args, resources),
    opts,
  );
}

function runStatements(
  args: CacheRunArgs,
  { parameter, machineRole, launchTemplate }: RunResources,
): readonly PolicyStatement[] {
  const { scope, repositories } = args;
  const { partition, region, accountId } = scope;
  const ec2 = (type: string) =>
    pulumi.interpolate`arn:${partition}:ec2:${region}:${accountId}:${type}/*`;
  const snapshots = `arn:${partition}:ec2:${region}::snapshot/*`;
  const ours = { ...environmentTags(scope, args.tags), [PURPOSE_TAG]: PURPOSE };
  const tagged = (key: string) =>
    Object.fromEntries(Object.entries(ours).map(([tag, value]) => [`${key}/${tag}`, value]));
  return [
    {
      Sid: "LaunchByTheTemplateOnly",
      Effect: "Allow",
      Action: "ec2:RunInstances",
      Resource: [
        launchTemplate.arn,
        // Ids of what is launched, and of the AMI behind the SSM parameter, are not known before:
        // the conditions let nothing through but what the launch template says.
        ec2("instance"),
        ec2("volume"),
        ec2("network-interface"),
        ec2("security-group"),
        ec2("subnet"),
        `arn:${partition}:ec2:${region}::image/*`,
      ],
      Condition: {
        ArnEquals: { "ec2:LaunchTemplate": launchTemplate.arn },
        Bool: { "ec2:IsLaunchTemplateResource": "true" },
      },
    },
    {
      Sid: "HandTheMachineItsRole",
      Effect: "Allow",
      Action: "iam:PassRole",
      Resource: machineRole.role.arn,
      Condition: { StringEquals: { "iam:PassedToService": ec2Service(scope) } },
    },
    {
      Sid: "ResolveTheImage",
      Effect: "Allow",
      Action: "ssm:GetParameters",
      Resource: pulumi.interpolate`arn:${partition}:ssm:${region}::parameter${imageParameter(args)}`,
    },
    {
      Sid: "TagAtCreation",
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: [ec2("instance"), ec2("volume"), ec2("network-interface"), snapshots],
      Condition: {
        StringEquals: {
          "ec2:CreateAction": ["RunInstances", "CreateSnapshot"],
          ...tagged("aws:RequestTag"),
        },
      },
    },
    {
      Sid: "StopAndTerminateItsMachines",
      Effect: "Allow",
      Action: ["ec2:StopInstances", "ec2:TerminateInstances"],
      Resource: ec2("instance"),
      Condition: { StringEquals: tagged("aws:ResourceTag") },
    },
    {
      Sid: "SnapshotItsVolumes",
      Effect: "Allow",
      Action: "ec2:CreateSnapshot",
      Resource: ec2("volume"),
      Condition: { StringEquals: tagged("aws:ResourceTag") },
    },
    {
      Sid: "MakeTaggedSnapshots",
      Effect: "Allow",
      Action: "ec2:CreateSnapshot",
      Resource: snapshots,
      Condition: { StringEquals: tagged("aws:RequestTag") },
    },
    {
      Sid: "DeleteItsSnapshots",
      Effect: "Allow",
      Action: "ec2:DeleteSnapshot",
      Resource: snapshots,
      Condition: { StringEquals: tagged("aws:ResourceTag") },
    },
    {
      Sid: "RunCommandsOnItsMachines",
      Effect: "Allow",
      Action: "ssm:SendCommand",
      Resource: ec2("instance"),
      Condition: { StringEquals: tagged("aws:ResourceTag") },
    },
    {
      Sid: "RunShellScripts",
      Effect: "Allow",
      Action: "ssm:SendCommand",
      Resource: `arn:${partition}:ssm:${region}::document/AWS-RunShellScript`,
    },
    {
      Sid: "PublishTheSnapshot",
      Effect: "Allow",
      Action: ["ssm:GetParameter", "ssm:PutParameter"],
      Resource: parameter.arn,
    },
    {
      Sid: "Look",
      Effect: "Allow",
      Action: [
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeSnapshots",
        "ec2:DescribeVolumes",
        "ssm:DescribeAutomationExecutions",
        "ssm:DescribeInstanceInformation",
        "ssm:GetCommandInvocation",
        "ssm:ListCommandInvocations",
        "ssm:ListCommands",
      ],
      // EC2's and Systems Manager's listings know no resources.
      Resource: "*",
    },
    ...(repositories.length === 0
      ? []
      : [
          {
            Sid: "FindTheYoungestImages",
            Effect: "Allow" as const,
            Action: "ecr:DescribeImages",
            Resource: repositories.map((repository) => repository.arn),
          },
        ]),
  ];
}

/** The automation itself. */
export function createDocument(
  name: string,
  args: CacheRunArgs,
  { documentName, parameterName }: { documentName: string; parameterName: string },
  { runRole, launchTemplate }: { runRole: ServiceRole; launchTemplate: aws.ec2.LaunchTemplate },
  opts: pulumi.ResourceOptions,
) {
  return new aws.ssm.Document(
    name,
    {
      name: documentName,
      documentType: "Automation",
      documentFormat: "JSON",
      content: pulumi.jsonStringify(
        imageCacheDocument({
          documentName,
          parameterName,
          roleArn: runRole.role.arn,
          launchTemplateId: launchTemplate.id,
          images: args.images,
          repositories: args.repositories.map(({ name, url }) => ({ name, url })),
          keep: args.keep,
          inUseSnapshotId: args.inUseSnapshotId ?? NO_SNAPSHOT,
          tags: environmentTags(args.scope, args.tags),
        }),
      ),
    },
    { ...opts, dependsOn: [runRole.policy] },
  );
}
