import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { kmsAlias } from "../fleet/names";
import type { ResourceStatement } from "./privateBucket";
import { nameIn, type Scope } from "./scope";

export interface TopicKeyArgs {
  readonly scope: Scope;
  /** What the messages are, for a person who finds the key. */
  readonly description: string;
  /** AWS services that publish to its topics; roles do by their own policies. */
  readonly services: readonly string[];
}

/**
 * A key that messages in topics are encrypted with.
 *
 * The key that AWS manages for SNS does not do: nobody can let a service use it, nor limit who may.
 */
export function createTopicKey(
  name: string,
  { scope, description, services }: TopicKeyArgs,
  opts: pulumi.ResourceOptions,
): aws.kms.Key {
  const key = new aws.kms.Key(
    name,
    { description, enableKeyRotation: true, policy: keyPolicy(scope, services) },
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
function keyPolicy(
  { partition, accountId }: Scope,
  services: readonly string[],
): pulumi.Output<string> {
  const statements: ResourceStatement[] = [
    {
      Sid: "AccountByItsIamPolicies",
      Effect: "Allow",
      Principal: { AWS: pulumi.interpolate`arn:${partition}:iam::${accountId}:root` },
      // Without the account's own full rights nobody could ever change or delete the key.
      Action: "kms:*",
      Resource: "*",
    },
  ];
  if (services.length > 0)
    statements.push({
      Sid: "Publishers",
      Effect: "Allow",
      Principal: { Service: services },
      Action: ["kms:Decrypt", "kms:GenerateDataKey"],
      Resource: "*",
      Condition: { StringEquals: { "aws:SourceAccount": accountId } },
    });
  return pulumi.jsonStringify({ Version: "2012-10-17", Statement: statements });
}
