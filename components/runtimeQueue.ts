import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { RUNTIME_ATTRIBUTE } from "../contracts/tasks/message";
import { sqsQueueName } from "../fleet/names";
import type { QueueTimes } from "../fleet/queueing";
import type { DeadLetters } from "./alarms";
import { createDeadLetterQueue, createQueuePolicy, type DeadLetterQueue } from "./deadLetterQueue";
import type { ResourceStatement } from "./privateBucket";
import { nameIn, type Scope } from "./scope";

export interface RuntimeQueueArgs {
  readonly scope: Scope;
  /** The runtime whose tasks it takes. */
  readonly runtime: string;
  readonly times: QueueTimes;
  /** Where tasks of all runtimes are published. */
  readonly taskTopicArn: pulumi.Input<string>;
}

/** What agents and autoscaler have to know of a runtime's queue. */
export interface RuntimeQueueFacts {
  readonly queueName: pulumi.Output<string>;
  readonly queueUrl: pulumi.Output<string>;
  readonly queueArn: pulumi.Output<string>;
  readonly deadLetterQueueUrl: pulumi.Output<string>;
  readonly deadLetterQueueArn: pulumi.Output<string>;
}

/** SQS's longest wait for a message (API reference, SetQueueAttributes): fewer empty answers. */
const longPollSeconds = 20;

/** The queue of one runtime, its dead letters, and its subscription to the tasks. */
export class RuntimeQueue extends pulumi.ComponentResource implements RuntimeQueueFacts {
  readonly queueName: pulumi.Output<string>;
  readonly queueUrl: pulumi.Output<string>;
  readonly queueArn: pulumi.Output<string>;
  readonly deadLetterQueueUrl: pulumi.Output<string>;
  readonly deadLetterQueueArn: pulumi.Output<string>;
  readonly deadLetters: DeadLetters;
  /** A task that is published before all of these are there is lost. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: RuntimeQueueArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:RuntimeQueue", name, {}, opts);
    const deadLetters = createDeadLetters(name, args, this);
    const queue = createQueue(name, args, deadLetters.queue, this);
    const policy = allowTopic(name, args, queue, this);
    const subscription = subscribe(name, args, queue, deadLetters, policy, this);
    this.queueName = queue.name;
    this.queueUrl = queue.url;
    this.queueArn = queue.arn;
    this.deadLetterQueueUrl = deadLetters.queue.url;
    this.deadLetterQueueArn = deadLetters.queue.arn;
    this.deadLetters = {
      name,
      of: `A task of the runtime ${args.runtime} failed`,
      queueName: deadLetters.queue.name,
    };
    this.ready = [queue, policy, deadLetters.policy, subscription];
    this.registerOutputs({});
  }
}

function createDeadLetters(
  name: string,
  { scope, taskTopicArn }: RuntimeQueueArgs,
  parent: RuntimeQueue,
): DeadLetterQueue {
  return createDeadLetterQueue(
    `${name}-dead-letters`,
    {
      scope,
      source: name,
      statements: (queueArn) => [fromTopic(scope, taskTopicArn, queueArn)],
    },
    { parent, protect: scope.protectData },
  );
}

function createQueue(
  name: string,
  { scope, times }: RuntimeQueueArgs,
  deadLetters: aws.sqs.Queue,
  parent: RuntimeQueue,
): aws.sqs.Queue {
  return new aws.sqs.Queue(
    name,
    {
      name: nameIn(scope, name, sqsQueueName),
      messageRetentionSeconds: times.retentionSeconds,
      visibilityTimeoutSeconds: times.visibilitySeconds,
      receiveWaitTimeSeconds: longPollSeconds,
      redrivePolicy: pulumi.jsonStringify({
        deadLetterTargetArn: deadLetters.arn,
        maxReceiveCount: times.maxReceiveCount,
      }),
      sqsManagedSseEnabled: true,
    },
    // What waits in it is nowhere else.
    { parent, protect: scope.protectData },
  );
}

/** Of all services, the tasks' topic alone may send; roles of this account by their own policies. */
function allowTopic(
  name: string,
  { scope, taskTopicArn }: RuntimeQueueArgs,
  queue: aws.sqs.Queue,
  parent: RuntimeQueue,
): aws.sqs.QueuePolicy {
  return createQueuePolicy(name, queue, [fromTopic(scope, taskTopicArn, queue.arn)], { parent });
}

function fromTopic(
  { accountId }: Scope,
  taskTopicArn: pulumi.Input<string>,
  queueArn: pulumi.Output<string>,
): ResourceStatement {
  return {
    Sid: "Tasks",
    Effect: "Allow",
    Principal: { Service: "sns.amazonaws.com" },
    Action: "sqs:SendMessage",
    Resource: queueArn,
    Condition: {
      StringEquals: { "aws:SourceAccount": accountId },
      ArnEquals: { "aws:SourceArn": taskTopicArn },
    },
  };
}

/**
 * The runtime's tasks, as they were published. What SNS cannot deliver becomes a dead letter at
 * once: it does not try again where a queue refuses.
 */
function subscribe(
  name: string,
  { runtime, taskTopicArn }: RuntimeQueueArgs,
  queue: aws.sqs.Queue,
  deadLetters: DeadLetterQueue,
  policy: aws.sqs.QueuePolicy,
  parent: RuntimeQueue,
): aws.sns.TopicSubscription {
  return new aws.sns.TopicSubscription(
    name,
    {
      topic: taskTopicArn,
      protocol: "sqs",
      endpoint: queue.arn,
      rawMessageDelivery: true,
      filterPolicyScope: "MessageAttributes",
      filterPolicy: JSON.stringify({ [RUNTIME_ATTRIBUTE]: [runtime] }),
      redrivePolicy: pulumi.jsonStringify({ deadLetterTargetArn: deadLetters.queue.arn }),
    },
    { parent, dependsOn: [policy, deadLetters.policy] },
  );
}
