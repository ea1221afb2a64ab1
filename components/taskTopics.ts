import { createHash } from "node:crypto";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { createEncryptedTopic } from "./encryptedTopic";
import type { Scope } from "./scope";
import type { AlarmedTopic } from "./topicAlarm";
import { createTopicKey } from "./topicKey";

/** Who is told what became of tasks. */
export interface ResultSubscribers {
  /** Each has to confirm. */
  readonly emails: readonly string[];
  /** Endpoints that confirm the subscription themselves. */
  readonly https: readonly string[];
  /** Queues whose policies let the topic send. */
  readonly queueArns: readonly string[];
}

export interface TaskTopicsArgs {
  readonly scope: Scope;
  readonly subscribers: ResultSubscribers;
}

/** SNS's notification that a subscriber has to confirm waits so long for an endpoint that does. */
const confirmationMinutes = 5;

/**
 * The two topics of the asynchronous path: tasks on their way to the runtimes' queues, and what
 * became of them on its way to whoever wants to know.
 *
 * No policy of theirs lets anybody publish: roles of this account do by their own policies, which
 * name the topic and its key.
 */
export class TaskTopics extends pulumi.ComponentResource {
  readonly taskTopicArn: pulumi.Output<string>;
  readonly resultTopicArn: pulumi.Output<string>;
  /** The key of both. */
  readonly keyArn: pulumi.Output<string>;
  readonly alarmed: readonly AlarmedTopic[];
  /** What publishers have to wait for. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: TaskTopicsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:TaskTopics", name, {}, opts);
    const { scope } = args;
    const inside = { parent: this };
    const description = `Tasks and their results of ${scope.project}, stack ${scope.stack}`;
    const key = createTopicKey(name, { scope, description, services: [] }, inside);
    const tasks = createEncryptedTopic("tasks", { scope, key }, inside);
    const results = createEncryptedTopic("task-results", { scope, key }, inside);
    this.taskTopicArn = tasks.topic.arn;
    this.resultTopicArn = results.topic.arn;
    this.keyArn = key.arn;
    this.alarmed = [
      {
        name: "tasks",
        of: "A task has not reached its runtime's queue",
        topicName: tasks.topic.name,
      },
      {
        name: "task-results",
        of: "A subscriber was not told what became of a task",
        topicName: results.topic.name,
      },
    ];
    this.ready = [tasks.policy, results.policy];
    subscribe("task-results", results.topic, args.subscribers, inside);
    this.registerOutputs({});
  }
}

function subscribe(
  name: string,
  topic: aws.sns.Topic,
  { emails, https, queueArns }: ResultSubscribers,
  opts: pulumi.ResourceOptions,
): void {
  const subscription = (
    protocol: string,
    endpoint: string,
    more: Partial<aws.sns.TopicSubscriptionArgs> = {},
  ) =>
    new aws.sns.TopicSubscription(
      `${name}-${nameOf(endpoint)}`,
      { topic: topic.arn, protocol, endpoint, ...more },
      opts,
    );
  for (const email of emails) subscription("email", email);
  for (const url of https)
    subscription("https", url, {
      endpointAutoConfirms: true,
      confirmationTimeoutInMinutes: confirmationMinutes,
    });
  // In SNS's envelope, as a subscription is by default: clients of the guidance know it so.
  for (const queueArn of queueArns) subscription("sqs", queueArn);
}

/** URLs may hold what only the subscriber should know, and a resource's name is seen by many. */
function nameOf(endpoint: string): string {
  if (!endpoint.startsWith("https://")) return endpoint;
  const hash = createHash("sha256").update(endpoint).digest("hex").slice(0, 8);
  return `${new URL(endpoint).hostname}-${hash}`;
}
