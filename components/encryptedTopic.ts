import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { snsTopicName } from "../fleet/names";
import type { ResourceStatement } from "./privateBucket";
import { nameIn, type Scope } from "./scope";

export interface EncryptedTopicArgs {
  readonly scope: Scope;
  readonly key: aws.kms.Key;
  /** Who may publish beside the account's own roles, by the topic's ARN. */
  readonly statements?: (topicArn: pulumi.Output<string>) => readonly ResourceStatement[];
}

/** A topic and its policy: publishers wait for both. */
export interface EncryptedTopic {
  readonly topic: aws.sns.Topic;
  readonly policy: aws.sns.TopicPolicy;
}

/** A topic that encrypts what lies in it, and takes nothing that comes without TLS. */
export function createEncryptedTopic(
  name: string,
  { scope, key, statements }: EncryptedTopicArgs,
  opts: pulumi.ResourceOptions,
): EncryptedTopic {
  const topic = new aws.sns.Topic(
    name,
    { name: nameIn(scope, name, snsTopicName), kmsMasterKeyId: key.arn },
    opts,
  );
  const refusePlainHttp: ResourceStatement = {
    Sid: "TlsOnly",
    Effect: "Deny",
    Principal: "*",
    Action: "sns:Publish",
    Resource: topic.arn,
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
  const policy = new aws.sns.TopicPolicy(
    name,
    {
      arn: topic.arn,
      policy: pulumi.jsonStringify({
        Version: "2012-10-17",
        Statement: [...(statements?.(topic.arn) ?? []), refusePlainHttp],
      }),
    },
    opts,
  );
  return { topic, policy };
}
