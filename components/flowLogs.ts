import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { iamRoleNamePrefix, logGroup } from "../fleet/names";
import { nameIn, prefixIn, type Scope } from "./scope";

export interface VpcFlowLogsArgs {
  readonly scope: Scope;
  readonly vpcId: pulumi.Input<string>;
  /** Days that the logs are kept. */
  readonly retentionDays: number;
}

/** All flows of a VPC, accepted and rejected, in a CloudWatch log group. */
export class VpcFlowLogs extends pulumi.ComponentResource {
  constructor(name: string, args: VpcFlowLogsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:VpcFlowLogs", name, {}, opts);
    const inside = { parent: this };
    const group = new aws.cloudwatch.LogGroup(
      name,
      {
        name: `/aws/vpc/${nameIn(args.scope, "flow-logs", logGroup - "/aws/vpc/".length)}`,
        retentionInDays: args.retentionDays,
      },
      inside,
    );
    const role = new aws.iam.Role(
      name,
      {
        namePrefix: prefixIn(args.scope, name, iamRoleNamePrefix),
        assumeRolePolicy: flowLogsTrust(args.scope),
      },
      inside,
    );
    const policy = new aws.iam.RolePolicy(
      name,
      { role: role.name, policy: writeTo(group) },
      inside,
    );
    new aws.ec2.FlowLog(
      name,
      {
        vpcId: args.vpcId,
        trafficType: "ALL",
        logDestinationType: "cloud-watch-logs",
        logDestination: group.arn,
        iamRoleArn: role.arn,
      },
      { ...inside, dependsOn: [policy] },
    );
    this.registerOutputs({});
  }
}

/** Only flow logs of this account and region may use the role. */
function flowLogsTrust({ partition, region, accountId }: Scope): pulumi.Output<string> {
  const account = pulumi.interpolate`arn:${partition}:ec2:${region}:${accountId}`;
  return pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "vpc-flow-logs.amazonaws.com" },
        Action: "sts:AssumeRole",
        Condition: {
          StringEquals: { "aws:SourceAccount": accountId },
          ArnLike: { "aws:SourceArn": pulumi.interpolate`${account}:vpc-flow-log/*` },
        },
      },
    ],
  });
}

function writeTo(group: aws.cloudwatch.LogGroup): pulumi.Output<string> {
  return pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
        Resource: [group.arn, pulumi.interpolate`${group.arn}:*`],
      },
    ],
  });
}
