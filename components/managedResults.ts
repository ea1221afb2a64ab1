import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { AWAITED_INDEX } from "../contracts/tasks/record";
import type { Runtime } from "../contracts/tasks/runtimes";
import { TASK_RESULTS, type TaskResultsSettings } from "../contracts/tasks/settings";
import { sqsQueueName } from "../fleet/names";
import type { DeadLetters } from "./alarms";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import { createDeadLetterQueue, createQueuePolicy, type DeadLetterQueue } from "./deadLetterQueue";
import { keyStatement } from "./keyStatement";
import { invokeStatement, type ManagedTaskStores } from "./managedTaskAccess";
import { createNodeFunction, type NodeFunction } from "./nodeFunction";
import type { PolicyStatement } from "./podIdentity";
import type { ResourceStatement } from "./privateBucket";
import { createResultSweep } from "./resultSweep";
import { nameIn, type Scope } from "./scope";
import {
  missingObjectsStatement,
  storeResultsStatements,
  tellResultsStatements,
} from "./taskAccess";
import { functionArchive } from "./taskFunctionCode";

export interface ManagedResultsArgs {
  readonly scope: Scope;
  /** Topics that endpoints publish to, successes and errors, by a part of a name, e.g. `campaign-errors`. */
  readonly topicArns: Readonly<Record<string, pulumi.Input<string>>>;
  /** The function's environment. */
  readonly settings: {
    readonly [Name in keyof Omit<
      TaskResultsSettings,
      "RUNTIMES" | "QUEUE_URL"
    >]: pulumi.Input<string>;
  };
  /** The managed runtimes. */
  readonly runtimes: readonly Runtime[];
  readonly stores: ManagedTaskStores & {
    readonly tableArn: pulumi.Input<string>;
    readonly resultsBucketArn: pulumi.Input<string>;
    /** The customer's key that the results' bucket is encrypted with, where it is. */
    readonly resultsKeyArn?: string | undefined;
    /** The key of the result topic. */
    readonly topicKeyArn: pulumi.Input<string>;
  };
  /** Days that its logs are kept. */
  readonly logRetentionDays: number;
}

/** Seconds of a batch. */
const timeoutSeconds = 120;

/** MiB: an answer of 96 MiB, as often as it is held at a time, beside the function. */
const memoryMiB = 1024;

/** Notifications that one invocation settles, one after the other: each has its answer to read. */
const batchSize = 5;

/** Invocations at a time: calls to the table and buckets, not to the endpoints. */
const mostAtATime = 10;

/** Times that a notification is received: with the visibility below, two hours of a broken AWS. */
const maxReceiveCount = 10;

/** Source: Lambda developer guide, "Using Lambda with Amazon SQS": six times the function's timeout. */
const visibilitySeconds = 6 * timeoutSeconds;

/**
 * What brings SageMaker's results back: the endpoints' topics, a queue, and the function behind it,
 * which also looks itself for what the topics have told nothing of.
 */
export class ManagedResults extends pulumi.ComponentResource {
  readonly function: aws.lambda.Function;
  readonly queueName: pulumi.Output<string>;
  readonly queueUrl: pulumi.Output<string>;
  readonly deadLetters: DeadLetters;
  /** A result that is published before all of these are there is lost, or found hours later. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: ManagedResultsArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:ManagedResults", name, {}, pulumiOptions(opts));
    const deadLetters = createDeadLetters(name, args, this);
    const queue = createQueue(name, args, deadLetters.queue, this);
    const policy = createQueuePolicy(name, queue, fromTopics(args, queue.arn), { parent: this });
    const made = createFunction(name, args, queue, this, opts);
    const mapping = createMapping(name, queue, made, this);
    const sweep = createResultSweep(`${name}-sweep`, args.scope, made.function, this);
    const subscriptions = subscribe(name, args, queue, deadLetters, policy, this);
    this.function = made.function;
    this.queueName = queue.name;
    this.queueUrl = queue.url;
    this.deadLetters = {
      name,
      of: "A result of a managed endpoint could not be brought back",
      queueName: deadLetters.queue.name,
    };
    this.ready = [queue, policy, deadLetters.policy, mapping, ...sweep, ...subscriptions];
    this.registerOutputs({});
  }
}

function createDeadLetters(
  name: string,
  args: ManagedResultsArgs,
  parent: ManagedResults,
): DeadLetterQueue {
  const { scope } = args;
  return createDeadLetterQueue(
    `${name}-dead-letters`,
    { scope, source: name, statements: (queueArn) => fromTopics(args, queueArn) },
    { parent, protect: scope.protectData },
  );
}

/** A week, which is shorter than dead letters are kept: SQS counts their age from the first day on. */
const retentionSeconds = 7 * 24 * 3600;

function createQueue(
  name: string,
  { scope }: ManagedResultsArgs,
  deadLetters: aws.sqs.Queue,
  parent: ManagedResults,
): aws.sqs.Queue {
  return new aws.sqs.Queue(
    name,
    {
      name: nameIn(scope, name, sqsQueueName),
      messageRetentionSeconds: retentionSeconds,
      visibilityTimeoutSeconds: visibilitySeconds,
      redrivePolicy: pulumi.jsonStringify({
        deadLetterTargetArn: deadLetters.arn,
        maxReceiveCount,
      }),
      sqsManagedSseEnabled: true,
    },
    // SageMaker tells once: what waits in it is nowhere else.
    { parent, protect: scope.protectData },
  );
}

/** Of all services, the endpoints' topics alone may send. */
function fromTopics(
  { scope, topicArns }: ManagedResultsArgs,
  queueArn: pulumi.Output<string>,
): readonly ResourceStatement[] {
  return [
    {
      Sid: "Results",
      Effect: "Allow",
      Principal: { Service: "sns.amazonaws.com" },
      Action: "sqs:SendMessage",
      Resource: queueArn,
      Condition: {
        StringEquals: { "aws:SourceAccount": scope.accountId },
        ArnEquals: { "aws:SourceArn": pulumi.all(Object.values(topicArns)) },
      },
    },
  ];
}

function subscribe(
  name: string,
  { topicArns }: ManagedResultsArgs,
  queue: aws.sqs.Queue,
  deadLetters: DeadLetterQueue,
  policy: aws.sqs.QueuePolicy,
  parent: ManagedResults,
): readonly aws.sns.TopicSubscription[] {
  return Object.entries(topicArns).map(
    ([topic, arn]) =>
      new aws.sns.TopicSubscription(
        `${name}-${topic}`,
        {
          topic: arn,
          protocol: "sqs",
          endpoint: queue.arn,
          rawMessageDelivery: true,
          redrivePolicy: pulumi.jsonStringify({ deadLetterTargetArn: deadLetters.queue.arn }),
        },
        { parent, dependsOn: [policy, deadLetters.policy] },
      ),
  );
}

function createFunction(
  name: string,
  args: ManagedResultsArgs,
  queue: aws.sqs.Queue,
  parent: ManagedResults,
  opts: ComponentOptions | undefined,
): NodeFunction {
  const { scope, settings, runtimes, logRetentionDays } = args;
  return createNodeFunction(
    name,
    {
      scope,
      description: `Brings results of SageMaker back for ${scope.project}, stack ${scope.stack}`,
      code: functionArchive(TASK_RESULTS, { RUNTIMES: JSON.stringify(runtimes) }),
      settings: { ...settings, QUEUE_URL: queue.url },
      statements: statementsOf(args, queue),
      memoryMiB,
      timeoutSeconds,
      logRetentionDays,
    },
    parent,
    opts,
  );
}

function statementsOf(
  { scope, stores }: ManagedResultsArgs,
  queue: aws.sqs.Queue,
): readonly PolicyStatement[] {
  const { region } = scope;
  const { endpointsBucketArn, endpointsKeyArn, resultsBucketArn, cacheTableArn } = stores;
  return [
    {
      Sid: "WorkOffQueue",
      Effect: "Allow",
      // What an event source mapping asks for in the function's name.
      Action: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
      Resource: queue.arn,
    },
    { Sid: "PutLostOnes", Effect: "Allow", Action: "sqs:SendMessage", Resource: queue.arn },
    {
      Sid: "Records",
      Effect: "Allow",
      Action: ["dynamodb:GetItem", "dynamodb:UpdateItem"],
      Resource: stores.tableArn,
    },
    {
      Sid: "FindLost",
      Effect: "Allow",
      Action: "dynamodb:Query",
      Resource: pulumi.interpolate`${stores.tableArn}/index/${AWAITED_INDEX.name}`,
    },
    {
      Sid: "ReadAnswers",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: [
        pulumi.interpolate`${endpointsBucketArn}/*/output/*`,
        pulumi.interpolate`${endpointsBucketArn}/*/failure/*`,
      ],
    },
    ...(endpointsKeyArn === undefined
      ? []
      : [keyStatement("DecryptAnswers", "s3", region, endpointsKeyArn, "kms:Decrypt")]),
    ...storeResultsStatements(region, resultsBucketArn, stores.resultsKeyArn),
    missingObjectsStatement([resultsBucketArn, endpointsBucketArn]),
    ...tellResultsStatements(region, stores.resultTopicArn, stores.topicKeyArn),
    ...(cacheTableArn === undefined
      ? []
      : [
          {
            Sid: "Remember",
            Effect: "Allow" as const,
            Action: "dynamodb:PutItem",
            Resource: cacheTableArn,
          },
        ]),
    invokeStatement(stores),
  ];
}

function createMapping(
  name: string,
  queue: aws.sqs.Queue,
  { function: target, policy }: NodeFunction,
  parent: ManagedResults,
): aws.lambda.EventSourceMapping {
  return new aws.lambda.EventSourceMapping(
    name,
    {
      eventSourceArn: queue.arn,
      functionName: target.arn,
      batchSize,
      functionResponseTypes: ["ReportBatchItemFailures"],
      scalingConfig: { maximumConcurrency: mostAtATime },
    },
    // Lambda looks at once whether the role may receive.
    childOptions(parent, undefined, [policy]),
  );
}
