import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "smol-toml";
import { iamRoleNamePrefix, launchTemplateName } from "../fleet/names";
import type { PolicyStatement } from "./podIdentity";
import { nameIn, prefixIn, type Scope } from "./scope";
import { createServiceRole, ec2Service, type ServiceRole } from "./serviceRole";

/** The machine image, which is the nodes' own. */
export interface MachineImage {
  /** Kubernetes version of the nodes, e.g. 1.35: it picks Bottlerocket's variant. */
  readonly kubernetesVersion: pulumi.Input<string>;
  /** Bottlerocket release, e.g. 1.57.0. */
  readonly bottlerocketVersion: string;
}

/** The machine that pulls the fleet's images. */
export interface CacheMachineArgs extends MachineImage {
  readonly scope: Scope;
  /** Machine that pulls the images, x86-64. */
  readonly builderInstanceType: string;
  readonly vpcId: pulumi.Input<string>;
  /** A private subnet with a way to ECR and Systems Manager. */
  readonly subnetId: pulumi.Input<string>;
  /** ARNs of all ECR repositories that images come from. */
  readonly pullFrom: readonly pulumi.Input<string>[];
  /** Size of the nodes' data volume, GiB: a volume cannot be smaller than its snapshot. */
  readonly dataVolumeGiB: number;
}

/** The machine's role: pulls, and answers Systems Manager. */
export function createMachineRole(
  name: string,
  args: CacheMachineArgs,
  opts: pulumi.ResourceOptions,
): ServiceRole {
  return createServiceRole(
    `${name}-machine`,
    args.scope,
    [{ service: ec2Service(args.scope) }],
    machineStatements(args),
    opts,
  );
}

function machineStatements({ scope, pullFrom }: CacheMachineArgs): readonly PolicyStatement[] {
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

/** Everything about the machine; the automation only says when. */
export function createLaunchTemplate(
  name: string,
  args: CacheMachineArgs,
  { role, policy }: ServiceRole,
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
export function imageParameter({
  kubernetesVersion,
  bottlerocketVersion,
}: MachineImage): pulumi.Output<string> {
  return pulumi.interpolate`/aws/service/bottlerocket/aws-k8s-${kubernetesVersion}/x86_64/${bottlerocketVersion}/image_id`;
}

function createSecurityGroup(name: string, args: CacheMachineArgs, opts: pulumi.ResourceOptions) {
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
