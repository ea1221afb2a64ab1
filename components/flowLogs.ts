import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { logGroup } from "../fleet/names";
import type { PolicyStatement } from "./podIdentity";
import { nameIn, type Scope } from "./scope";
import { createServiceRole, type Trusted } from "./serviceRole";

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
    const { role, policy } = createServiceRole(
      name,
      args.scope,
      [flowLogs(args.scope)],
      [writeTo(group)],
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
function flowLogs({ partition, region, accountId }: Scope): Trusted {
  const account = pulumi.interpolate`arn:${partition}:ec2:${region}:${accountId}`;
  return {
    service: "vpc-flow-logs.amazonaws.com",
    conditions: {
      StringEquals: { "aws:SourceAccount": accountId },
      ArnLike: { "aws:SourceArn": pulumi.interpolate`${account}:vpc-flow-log/*` },
    },
  };
}

function writeTo(group: aws.cloudwatch.LogGroup): PolicyStatement {
  return {
    Effect: "Allow",
    Action: ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
    Resource: [group.arn, pulumi.interpolate`${group.arn}:*`],
  };
}
