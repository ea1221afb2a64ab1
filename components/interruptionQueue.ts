import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { eventRuleNamePrefix, sqsQueueName } from "../fleet/names";
import type { DeadLetters } from "./alarms";
import { createDeadLetterQueue, createQueuePolicy } from "./deadLetterQueue";
import { nameIn, prefixIn, type Scope } from "./scope";

/**
 * What Karpenter wants to hear of machines that are about to go.
 *
 * Source: Karpenter 1.14, getting-started CloudFormation template, resources of type
 * AWS::Events::Rule.
 */
const interruptions: Readonly<Record<string, { source: string; detailType: string }>> = {
  health: { source: "aws.health", detailType: "AWS Health Event" },
  spot: { source: "aws.ec2", detailType: "EC2 Spot Instance Interruption Warning" },
  rebalance: { source: "aws.ec2", detailType: "EC2 Instance Rebalance Recommendation" },
  "state-change": { source: "aws.ec2", detailType: "EC2 Instance State-change Notification" },
  reservation: {
    source: "aws.ec2",
    detailType: "EC2 Capacity Reservation Instance Interruption Warning",
  },
};

/** A notice is worthless five minutes later: a spot machine goes after two (the same template). */
const retentionSeconds = 300;

/** SQS's default; five attempts take half of the retention. */
const visibilitySeconds = 30;
const attempts = 5;

export interface InterruptionQueueArgs {
  readonly scope: Scope;
}

/** The queue that EventBridge tells Karpenter of interruptions through. */
export class InterruptionQueue extends pulumi.ComponentResource {
  readonly queueName: pulumi.Output<string>;
  readonly queueArn: pulumi.Output<string>;
  readonly deadLetters: DeadLetters;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: InterruptionQueueArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:InterruptionQueue", name, {}, opts);
    const { queue: deadLetters } = createDeadLetterQueue(
      `${name}-dead-letters`,
      { scope: args.scope, source: name },
      { parent: this },
    );
    const queue = createQueue(name, args.scope, deadLetters, this);
    const rules = createRules(name, args.scope, this);
    const policy = allowOnly(rules, name, args.scope, queue, this);
    const targets = sendTo(queue, name, rules, policy, this);
    this.queueName = queue.name;
    this.queueArn = queue.arn;
    this.deadLetters = {
      name: "interruptions",
      of: "Karpenter could not handle an interruption",
      queueName: deadLetters.name,
    };
    this.ready = [queue, policy, ...targets];
    this.registerOutputs({});
  }
}

type Rules = ReadonlyMap<string, aws.cloudwatch.EventRule>;

function createQueue(
  name: string,
  scope: Scope,
  deadLetters: aws.sqs.Queue,
  parent: InterruptionQueue,
): aws.sqs.Queue {
  return new aws.sqs.Queue(
    name,
    {
      name: nameIn(scope, name, sqsQueueName),
      messageRetentionSeconds: retentionSeconds,
      visibilityTimeoutSeconds: visibilitySeconds,
      redrivePolicy: pulumi.jsonStringify({
        deadLetterTargetArn: deadLetters.arn,
        maxReceiveCount: attempts,
      }),
      sqsManagedSseEnabled: true,
    },
    { parent },
  );
}

function createRules(name: string, scope: Scope, parent: InterruptionQueue): Rules {
  return new Map(
    Object.entries(interruptions).map(([kind, { source, detailType }]) => [
      kind,
      new aws.cloudwatch.EventRule(
        `${name}-${kind}`,
        {
          namePrefix: prefixIn(scope, kind, eventRuleNamePrefix),
          description: `${detailType}, for Karpenter of ${scope.clusterName}`,
          eventPattern: JSON.stringify({ source: [source], "detail-type": [detailType] }),
        },
        { parent },
      ),
    ]),
  );
}

/** These rules of this account may send, and everyone has to use TLS. */
function allowOnly(
  rules: Rules,
  name: string,
  scope: Scope,
  queue: aws.sqs.Queue,
  parent: InterruptionQueue,
): aws.sqs.QueuePolicy {
  return createQueuePolicy(
    name,
    queue,
    [
      {
        Sid: "InterruptionRules",
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: queue.arn,
        Condition: {
          StringEquals: { "aws:SourceAccount": scope.accountId },
          ArnEquals: { "aws:SourceArn": pulumi.all([...rules.values()].map(({ arn }) => arn)) },
        },
      },
    ],
    { parent },
  );
}

function sendTo(
  queue: aws.sqs.Queue,
  name: string,
  rules: Rules,
  policy: aws.sqs.QueuePolicy,
  parent: InterruptionQueue,
): aws.cloudwatch.EventTarget[] {
  return [...rules].map(
    ([kind, rule]) =>
      new aws.cloudwatch.EventTarget(
        `${name}-${kind}`,
        { rule: rule.name, arn: queue.arn },
        { parent, dependsOn: [policy] },
      ),
  );
}
