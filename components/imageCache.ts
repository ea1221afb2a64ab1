import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "smol-toml";
import {
  eventRuleName,
  iamRoleNamePrefix,
  launchTemplateName,
  scheduleName,
  ssmDocument,
} from "../fleet/names";
import { environmentTags } from "./environmentTags";
import { imageCacheDocument, PURPOSE, PURPOSE_TAG } from "./imageCacheDocument";
import type { PolicyStatement } from "./podIdentity";
import type { ResourceStatement } from "./privateBucket";
import { nameIn, prefixIn, type Scope } from "./scope";

/** How long pushes have to be quiet until the newest images are cached. */
const settleFor = "PT10M";

export interface ImageCacheArgs {
  readonly scope: Scope;
  /** Kubernetes version of the nodes, e.g. 1.35: it picks Bottlerocket's variant. */
  readonly kubernetesVersion: pulumi.Input<string>;
  /** Bottlerocket release, e.g. 1.57.0: the nodes' own. */
  readonly bottlerocketVersion: string;
  /** Machine that pulls the images, x86-64. */
  readonly builderInstanceType: string;
  readonly vpcId: pulumi.Input<string>;
  /** A private subnet with a way to ECR and Systems Manager. */
  readonly subnetId: pulumi.Input<string>;
  /** Images that the fleet's pods name. */
  readonly images: readonly pulumi.Input<string>[];
  /** The program's own ECR repositories, whose youngest images are cached too. */
  readonly repositories: readonly CachedRepository[];
  /** ARNs of all ECR repositories that `images` come from. */
  readonly pullFrom: readonly pulumi.Input<string>[];
  /** Size of the nodes' data volume, GiB: a volume cannot be smaller than its snapshot. */
  readonly dataVolumeGiB: number;
  /** When a snapshot is made: an EventBridge Scheduler expression, UTC. */
  readonly schedule: string;
  /** Make one when an image is pushed to the program's repositories, too. */
  readonly onPush: boolean;
  /** Snapshots that are kept, besides the one in use and the published one. */
  readonly keep: number;
  /** The snapshot that the config names, which stays. */
  readonly inUseSnapshotId?: string;
  /** Who is told when a run fails. */
  readonly alarmTopicArn?: pulumi.Input<string>;
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

/**
 * Makes snapshots of a Bottlerocket data volume with the fleet's images on it: on a schedule and
 * when an image is pushed. The newest one's id is published in an SSM parameter; nodes take it when
 * the config names it, because that replaces them.
 */
export class ImageCache extends pulumi.ComponentResource {
  /** The automation, for `aws ssm start-automation-execution`. */
  readonly documentName: string;
  /** The SSM parameter that holds the id of the newest snapshot, or {@link NO_SNAPSHOT}. */
  readonly parameterName: string;

  constructor(name: string, args: ImageCacheArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:ImageCache", name, {}, opts);
    const inside = { parent: this };
    this.documentName = nameIn(args.scope, name, ssmDocument);
    this.parameterName = `/${args.scope.project}/${args.scope.stack}/${name}/snapshot-id`;

    const parameter = createParameter(name, this.parameterName, inside);
    const machineRole = createMachineRole(name, args, inside);
    const launchTemplate = createLaunchTemplate(name, args, machineRole, inside);
    const runRole = createRunRole(name, args, { parameter, machineRole, launchTemplate }, inside);
    const document = createDocument(name, args, this, { runRole, launchTemplate }, inside);
    const pushes = createPushRule(name, args, inside);
    const startRole = createStartRole(name, args, { document, runRole, pushes }, inside);
    startOnSchedule(name, args, document, startRole, inside);
    startOnPush(name, args, document, startRole, pushes, inside);
    tellOfFailures(name, args, document, inside);
    this.registerOutputs({});
  }
}

interface Role {
  readonly role: aws.iam.Role;
  readonly policy: aws.iam.RolePolicy;
}

function createParameter(name: string, parameterName: string, opts: pulumi.ResourceOptions) {
  return new aws.ssm.Parameter(
    name,
    {
      name: parameterName,
      type: "String",
      value: NO_SNAPSHOT,
      description: "The newest snapshot with the fleet's images; written by the automation.",
    },
    { ...opts, ignoreChanges: ["value"] },
  );
}

// The machine that pulls.

function createMachineRole(name: string, args: ImageCacheArgs, opts: pulumi.ResourceOptions): Role {
  const trust = serviceTrust([{ service: ec2Service(args.scope) }]);
  return createRole(`${name}-machine`, args.scope, trust, machineStatements(args), opts);
}

function machineStatements({ scope, pullFrom }: ImageCacheArgs): readonly PolicyStatement[] {
  const { partition, region } = scope;
  return [
    {
      Sid: "Pull",
      Effect: "Allow",
      Action: [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
      ],
      Resource: [
        ...pullFrom,
        // Bottlerocket's own containers come from an account of AWS that differs by region.
        `arn:${partition}:ecr:${region}:*:repository/bottlerocket-admin`,
        `arn:${partition}:ecr:${region}:*:repository/bottlerocket-control`,
      ],
    },
    {
      Sid: "LogInToEcr",
      Effect: "Allow",
      Action: "ecr:GetAuthorizationToken",
      // The action knows no resources; the token opens what the statement above allows.
      Resource: "*",
    },
    {
      Sid: "BeManaged",
      Effect: "Allow",
      Action: [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
        "ec2messages:AcknowledgeMessage",
        "ec2messages:DeleteMessage",
        "ec2messages:FailMessage",
        "ec2messages:GetEndpoint",
        "ec2messages:GetMessages",
        "ec2messages:SendReply",
      ],
      // The agent's own channel: none of these actions but the first knows resources, and the
      // first one's is the machine itself, whose id nobody knows yet.
      Resource: "*",
    },
  ];
}

function createLaunchTemplate(
  name: string,
  args: ImageCacheArgs,
  { role, policy }: Role,
  opts: pulumi.ResourceOptions,
) {
  const { scope } = args;
  const profile = new aws.iam.InstanceProfile(
    name,
    { namePrefix: prefixIn(scope, name, iamRoleNamePrefix), role: role.name },
    opts,
  );
  const securityGroup = createSecurityGroup(name, args, opts);
  const volume = { encrypted: "true", volumeType: "gp3", deleteOnTermination: "true" };
  return new aws.ec2.LaunchTemplate(
    name,
    {
      name: nameIn(scope, name, launchTemplateName),
      imageId: pulumi.interpolate`resolve:ssm:${imageParameter(args)}`,
      instanceType: args.builderInstanceType,
      iamInstanceProfile: { arn: profile.arn },
      metadataOptions: {
        httpEndpoint: "enabled",
        httpTokens: "required",
        httpPutResponseHopLimit: 1,
      },
      networkInterfaces: [
        {
          deviceIndex: 0,
          subnetId: args.subnetId,
          securityGroups: [securityGroup.id],
          associatePublicIpAddress: "false",
          deleteOnTermination: "true",
        },
      ],
      blockDeviceMappings: [
        { deviceName: "/dev/xvda", ebs: volume },
        // Unpacking is what a run waits for: 500 MiB/s for an hour cost a few cents.
        {
          deviceName: "/dev/xvdb",
          ebs: { ...volume, volumeSize: args.dataVolumeGiB, iops: 4000, throughput: 500 },
        },
      ],
      userData: Buffer.from(
        stringify({ settings: { "host-containers": { admin: { enabled: true } } } }),
      ).toString("base64"),
      updateDefaultVersion: true,
    },
    { ...opts, dependsOn: [policy] },
  );
}

/** AWS publishes the AMI of each Bottlerocket release under a name of its own. */
function imageParameter({
  kubernetesVersion,
  bottlerocketVersion,
}: ImageCacheArgs): pulumi.Output<string> {
  return pulumi.interpolate`/aws/service/bottlerocket/aws-k8s-${kubernetesVersion}/x86_64/${bottlerocketVersion}/image_id`;
}

function createSecurityGroup(name: string, args: ImageCacheArgs, opts: pulumi.ResourceOptions) {
  const group = new aws.ec2.SecurityGroup(
    name,
    {
      namePrefix: prefixIn(args.scope, name, iamRoleNamePrefix),
      description: "The machine that fills the image cache: HTTPS out, nothing in",
      vpcId: args.vpcId,
    },
    opts,
  );
  new aws.vpc.SecurityGroupEgressRule(
    name,
    {
      securityGroupId: group.id,
      description: "ECR and Systems Manager",
      ipProtocol: "tcp",
      fromPort: 443,
      toPort: 443,
      cidrIpv4: "0.0.0.0/0",
    },
    opts,
  );
  return group;
}

// The automation.

interface RunResources {
  readonly parameter: aws.ssm.Parameter;
  readonly machineRole: Role;
  readonly launchTemplate: aws.ec2.LaunchTemplate;
}

function createRunRole(
  name: string,
  args: ImageCacheArgs,
  resources: RunResources,
  opts: pulumi.ResourceOptions,
): Role {
  const { accountId, partition, region } = args.scope;
  const executions = pulumi.interpolate`arn:${partition}:ssm:${region}:${accountId}:automation-execution/*`;
  const trust = serviceTrust([
    {
      service: "ssm.amazonaws.com",
      conditions: {
        StringEquals: { "aws:SourceAccount": accountId },
        ArnLike: { "aws:SourceArn": executions },
      },
    },
  ]);
  return createRole(`${name}-run`, args.scope, trust, runStatements(args, resources), opts);
}

function runStatements(
  args: ImageCacheArgs,
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

function createDocument(
  name: string,
  args: ImageCacheArgs,
  { documentName, parameterName }: ImageCache,
  { runRole, launchTemplate }: { runRole: Role; launchTemplate: aws.ec2.LaunchTemplate },
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

// What starts it, and who hears when it fails.

interface StartResources {
  readonly document: aws.ssm.Document;
  readonly runRole: Role;
  readonly pushes: aws.cloudwatch.EventRule | undefined;
}

function createStartRole(
  name: string,
  args: ImageCacheArgs,
  { document, runRole, pushes }: StartResources,
  opts: pulumi.ResourceOptions,
): Role {
  const { partition, region, accountId } = args.scope;
  const ssm = (resource: pulumi.Input<string>) =>
    pulumi.interpolate`arn:${partition}:ssm:${region}:${accountId}:${resource}`;
  const trust = serviceTrust([
    {
      service: "scheduler.amazonaws.com",
      conditions: {
        StringEquals: { "aws:SourceAccount": accountId },
        // Scheduler presents the schedule's group, not the schedule.
        ArnEquals: {
          "aws:SourceArn": pulumi.interpolate`arn:${partition}:scheduler:${region}:${accountId}:schedule-group/default`,
        },
      },
    },
    ...(pushes === undefined
      ? []
      : [
          {
            service: "events.amazonaws.com",
            conditions: {
              StringEquals: { "aws:SourceAccount": accountId },
              ArnEquals: { "aws:SourceArn": pushes.arn },
            },
          },
        ]),
  ]);
  const statements: PolicyStatement[] = [
    {
      Sid: "Start",
      Effect: "Allow",
      Action: "ssm:StartAutomationExecution",
      Resource: [
        document.arn,
        ssm(pulumi.interpolate`automation-definition/${document.name}:*`),
        // The execution that a start makes has an id that nobody knows before.
        ssm("automation-execution/*"),
      ],
    },
    {
      Sid: "HandTheAutomationItsRole",
      Effect: "Allow",
      Action: "iam:PassRole",
      Resource: runRole.role.arn,
      Condition: { StringEquals: { "iam:PassedToService": "ssm.amazonaws.com" } },
    },
  ];
  return createRole(`${name}-start`, args.scope, trust, statements, opts);
}

function startOnSchedule(
  name: string,
  { scope, schedule }: ImageCacheArgs,
  document: aws.ssm.Document,
  { role, policy }: Role,
  opts: pulumi.ResourceOptions,
): void {
  new aws.scheduler.Schedule(
    name,
    {
      name: nameIn(scope, name, scheduleName),
      description: "Fills the image cache",
      scheduleExpression: schedule,
      scheduleExpressionTimezone: "UTC",
      flexibleTimeWindow: { mode: "FLEXIBLE", maximumWindowInMinutes: 30 },
      target: {
        arn: `arn:${scope.partition}:scheduler:::aws-sdk:ssm:startAutomationExecution`,
        roleArn: role.arn,
        input: pulumi.jsonStringify({ DocumentName: document.name }),
        retryPolicy: { maximumEventAgeInSeconds: 3600, maximumRetryAttempts: 3 },
      },
    },
    { ...opts, dependsOn: [policy] },
  );
}

function createPushRule(name: string, args: ImageCacheArgs, opts: pulumi.ResourceOptions) {
  if (!args.onPush || args.repositories.length === 0) return undefined;
  return new aws.cloudwatch.EventRule(
    `${name}-push`,
    {
      name: nameIn(args.scope, `${name}-push`, eventRuleName),
      description: "An image was pushed that the image cache should hold",
      eventPattern: JSON.stringify({
        source: ["aws.ecr"],
        "detail-type": ["ECR Image Action"],
        detail: {
          "action-type": ["PUSH"],
          result: ["SUCCESS"],
          "repository-name": args.repositories.map((repository) => repository.name),
        },
      }),
    },
    opts,
  );
}

function startOnPush(
  name: string,
  { scope }: ImageCacheArgs,
  document: aws.ssm.Document,
  { role, policy }: Role,
  rule: aws.cloudwatch.EventRule | undefined,
  opts: pulumi.ResourceOptions,
): void {
  if (rule === undefined) return;
  const { partition, region, accountId } = scope;
  new aws.cloudwatch.EventTarget(
    `${name}-push`,
    {
      rule: rule.name,
      arn: pulumi.interpolate`arn:${partition}:ssm:${region}:${accountId}:automation-definition/${document.name}:$DEFAULT`,
      roleArn: role.arn,
      input: JSON.stringify({ SettleFor: [settleFor] }),
    },
    { ...opts, dependsOn: [policy] },
  );
}

function tellOfFailures(
  name: string,
  { scope, alarmTopicArn }: ImageCacheArgs,
  document: aws.ssm.Document,
  opts: pulumi.ResourceOptions,
): void {
  if (alarmTopicArn === undefined) return;
  const rule = new aws.cloudwatch.EventRule(
    `${name}-failed`,
    {
      name: nameIn(scope, `${name}-failed`, eventRuleName),
      description: "The image cache could not be filled",
      eventPattern: pulumi.jsonStringify({
        source: ["aws.ssm"],
        "detail-type": ["EC2 Automation Execution Status-change Notification"],
        detail: { Definition: [document.name], Status: ["Failed", "TimedOut", "Cancelled"] },
      }),
    },
    opts,
  );
  new aws.cloudwatch.EventTarget(`${name}-failed`, { rule: rule.name, arn: alarmTopicArn }, opts);
}

// Roles.

interface Trusted {
  readonly service: string;
  readonly conditions?: PolicyStatement["Condition"];
}

function serviceTrust(trusted: readonly Trusted[]): pulumi.Output<string> {
  const statements = trusted.map(
    ({ service, conditions }): Omit<ResourceStatement, "Resource"> => ({
      Effect: "Allow",
      Principal: { Service: service },
      Action: "sts:AssumeRole",
      ...(conditions === undefined ? {} : { Condition: conditions }),
    }),
  );
  return pulumi.jsonStringify({ Version: "2012-10-17", Statement: statements });
}

function createRole(
  name: string,
  scope: Scope,
  assumeRolePolicy: pulumi.Output<string>,
  statements: readonly PolicyStatement[],
  opts: pulumi.ResourceOptions,
): Role {
  const role = new aws.iam.Role(
    name,
    { namePrefix: prefixIn(scope, name, iamRoleNamePrefix), assumeRolePolicy },
    opts,
  );
  const policy = new aws.iam.RolePolicy(
    name,
    {
      role: role.name,
      policy: pulumi.jsonStringify({ Version: "2012-10-17", Statement: statements }),
    },
    opts,
  );
  return { role, policy };
}

/** EC2's name as a service principal: an instance role's trust has no source to bind it to. */
function ec2Service({ partition }: Scope): string {
  return partition === "aws-cn" ? "ec2.amazonaws.com.cn" : "ec2.amazonaws.com";
}
