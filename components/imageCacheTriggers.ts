import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { eventRuleName, scheduleName } from "../fleet/names";
import type { CachedRepository } from "./imageCacheRun";
import type { PolicyStatement } from "./podIdentity";
import { nameIn, type Scope } from "./scope";
import { createServiceRole, type ServiceRole } from "./serviceRole";

/** How long pushes have to be quiet until the newest images are cached. */
const settleFor = "PT10M";

/** What starts a run, and who hears when it fails. */
export interface CacheTriggerArgs {
  readonly scope: Scope;
  /** The program's own ECR repositories. */
  readonly repositories: readonly CachedRepository[];
  /** When a snapshot is made: an EventBridge Scheduler expression, UTC. */
  readonly schedule: string;
  /** Make one when an image is pushed to the program's repositories, too. */
  readonly onPush: boolean;
  /** Who is told when a run fails. */
  readonly alarmTopicArn?: pulumi.Input<string>;
}

interface StartResources {
  readonly document: aws.ssm.Document;
  readonly runRole: ServiceRole;
  readonly pushes: aws.cloudwatch.EventRule | undefined;
}

/** The role of schedule and rule: they may start this automation. */
export function createStartRole(
  name: string,
  args: CacheTriggerArgs,
  { document, runRole, pushes }: StartResources,
  opts: pulumi.ResourceOptions,
): ServiceRole {
  const { partition, region, accountId } = args.scope;
  const ssm = (resource: pulumi.Input<string>) =>
    pulumi.interpolate`arn:${partition}:ssm:${region}:${accountId}:${resource}`;
  const trusted = [
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
  ];
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
  return createServiceRole(`${name}-start`, args.scope, trusted, statements, opts);
}

/** Runs on the schedule. */
export function startOnSchedule(
  name: string,
  { scope, schedule }: CacheTriggerArgs,
  document: aws.ssm.Document,
  { role, policy }: ServiceRole,
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

/** Sees pushes to the program's own repositories. */
export function createPushRule(name: string, args: CacheTriggerArgs, opts: pulumi.ResourceOptions) {
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

/** Runs some minutes after a push. */
export function startOnPush(
  name: string,
  { scope }: CacheTriggerArgs,
  document: aws.ssm.Document,
  { role, policy }: ServiceRole,
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

/** Tells the topic of a run that failed. */
export function tellOfFailures(
  name: string,
  { scope, alarmTopicArn }: CacheTriggerArgs,
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
