import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { kmsAlias, snsTopicName } from "../fleet/names";
import type { ResourceStatement } from "./privateBucket";
import { nameIn, type Scope } from "./scope";

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
    const key = createKey(name, args.scope, inside);
    const topic = new aws.sns.Topic(
      name,
      { name: nameIn(args.scope, name, snsTopicName), kmsMasterKeyId: key.arn },
      inside,
    );
    this.arn = topic.arn;
    this.keyArn = key.arn;
    this.ready = [
      new aws.sns.TopicPolicy(
        name,
        { arn: topic.arn, policy: topicPolicy(args.scope, topic) },
        inside,
      ),
    ];
    subscribe(name, topic, args.emails, inside);
    this.registerOutputs({});
  }
}

function createKey(name: string, scope: Scope, opts: pulumi.ResourceOptions): aws.kms.Key {
  const key = new aws.kms.Key(
    name,
    {
      description: `Alarms of ${scope.project}, stack ${scope.stack}`,
      enableKeyRotation: true,
      policy: keyPolicy(scope),
    },
    opts,
  );
  new aws.kms.Alias(
    name,
    { name: `alias/${nameIn(scope, name, kmsAlias - "alias/".length)}`, targetKeyId: key.keyId },
    opts,
  );
  return key;
}

/** In a key's policy the resource `*` is the key that it is attached to, and nothing else. */
function keyPolicy({ partition, accountId }: Scope): pulumi.Output<string> {
  const statements: ResourceStatement[] = [
    {
      Sid: "AccountByItsIamPolicies",
      Effect: "Allow",
      Principal: { AWS: pulumi.interpolate`arn:${partition}:iam::${accountId}:root` },
      // Without the account's own full rights nobody could ever change or delete the key.
      Action: "kms:*",
      Resource: "*",
    },
    {
      Sid: "Publishers",
      Effect: "Allow",
      Principal: { Service: publishers },
      Action: ["kms:Decrypt", "kms:GenerateDataKey"],
      Resource: "*",
      Condition: { StringEquals: { "aws:SourceAccount": accountId } },
    },
  ];
  return pulumi.jsonStringify({ Version: "2012-10-17", Statement: statements });
}

function topicPolicy(
  { partition, region, accountId }: Scope,
  topic: aws.sns.Topic,
): pulumi.Output<string> {
  const statements: ResourceStatement[] = [
    {
      Sid: "Publishers",
      Effect: "Allow",
      Principal: { Service: publishers },
      Action: "sns:Publish",
      Resource: topic.arn,
      Condition: {
        StringEquals: { "aws:SourceAccount": accountId },
        ArnLike: {
          "aws:SourceArn": pulumi.all([
            pulumi.interpolate`arn:${partition}:cloudwatch:${region}:${accountId}:alarm:*`,
            pulumi.interpolate`arn:${partition}:events:${region}:${accountId}:rule/*`,
          ]),
        },
      },
    },
    {
      Sid: "TlsOnly",
      Effect: "Deny",
      Principal: "*",
      Action: "sns:Publish",
      Resource: topic.arn,
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
  ];
  return pulumi.jsonStringify({ Version: "2012-10-17", Statement: statements });
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
