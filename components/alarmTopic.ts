import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { createEncryptedTopic } from "./encryptedTopic";
import type { ResourceStatement } from "./privateBucket";
import type { Scope } from "./scope";
import { createTopicKey } from "./topicKey";

export interface AlarmTopicArgs {
  readonly scope: Scope;
  /** Who is told; each has to confirm the subscription that SNS sends. Empty: nobody yet. */
  readonly emails: readonly string[];
}

/** The services that publish: CloudWatch for alarms, EventBridge for failed automations. */
const publishers = ["cloudwatch.amazonaws.com", "events.amazonaws.com"];

/**
 * The topic that alarms of this environment go to.
 *
 * It has a key of its own, because CloudWatch cannot publish to a topic under `alias/aws/sns`: the
 * policy of that key cannot be changed (Amazon SNS developer guide, "Enable compatibility between
 * event sources from AWS services and encrypted topics").
 */
export class AlarmTopic extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;
  /** The key that messages to it are encrypted with. */
  readonly keyArn: pulumi.Output<string>;
  /** What publishers have to wait for. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: AlarmTopicArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:AlarmTopic", name, {}, opts);
    const inside = { parent: this };
    const { scope } = args;
    const key = createTopicKey(
      name,
      {
        scope,
        description: `Alarms of ${scope.project}, stack ${scope.stack}`,
        services: publishers,
      },
      inside,
    );
    const { topic, policy } = createEncryptedTopic(
      name,
      { scope, key, statements: (topicArn) => [fromAlarmsAndRules(scope, topicArn)] },
      inside,
    );
    this.arn = topic.arn;
    this.keyArn = key.arn;
    this.ready = [policy];
    subscribe(name, topic, args.emails, inside);
    this.registerOutputs({});
  }
}

function fromAlarmsAndRules(
  { partition, region, accountId }: Scope,
  topicArn: pulumi.Output<string>,
): ResourceStatement {
  return {
    Sid: "Publishers",
    Effect: "Allow",
    Principal: { Service: publishers },
    Action: "sns:Publish",
    Resource: topicArn,
    Condition: {
      StringEquals: { "aws:SourceAccount": accountId },
      ArnLike: {
        "aws:SourceArn": pulumi.all([
          pulumi.interpolate`arn:${partition}:cloudwatch:${region}:${accountId}:alarm:*`,
          pulumi.interpolate`arn:${partition}:events:${region}:${accountId}:rule/*`,
        ]),
      },
    },
  };
}

function subscribe(
  name: string,
  topic: aws.sns.Topic,
  emails: readonly string[],
  opts: pulumi.ResourceOptions,
): void {
  for (const email of emails)
    new aws.sns.TopicSubscription(
      `${name}-${email}`,
      { topic: topic.arn, protocol: "email", endpoint: email },
      opts,
    );
}
