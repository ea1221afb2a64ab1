import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { sqsQueueName } from "../fleet/names";
import { longestRetentionSeconds } from "../fleet/queueing";
import type { ResourceStatement } from "./privateBucket";
import { nameIn, type Scope } from "./scope";

export interface DeadLetterQueueArgs {
  readonly scope: Scope;
  /** Part of the name of the queue whose messages end here, as `nameIn` takes it. */
  readonly source: string;
  /** Who else may send, by the queue's ARN. */
  readonly statements?: (queueArn: pulumi.Output<string>) => readonly ResourceStatement[];
}

/** A dead-letter queue and its policy: senders wait for both. */
export interface DeadLetterQueue {
  readonly queue: aws.sqs.Queue;
  readonly policy: aws.sqs.QueuePolicy;
}

/**
 * Where a message goes that was received and not handled as often as it may be. It is kept as long
 * as SQS can, so that somebody finds out after a weekend why.
 */
export function createDeadLetterQueue(
  name: string,
  { scope, source, statements }: DeadLetterQueueArgs,
  opts: pulumi.CustomResourceOptions & { readonly parent: pulumi.Resource },
): DeadLetterQueue {
  const { partition, region, accountId } = scope;
  const queue = new aws.sqs.Queue(
    name,
    {
      name: nameIn(scope, name, sqsQueueName),
      messageRetentionSeconds: longestRetentionSeconds,
      sqsManagedSseEnabled: true,
      redriveAllowPolicy: pulumi.jsonStringify({
        redrivePermission: "byQueue",
        // Composed: the source names this queue, and is made after it.
        sourceQueueArns: [
          pulumi.interpolate`arn:${partition}:sqs:${region}:${accountId}:${nameIn(scope, source, sqsQueueName)}`,
        ],
      }),
    },
    opts,
  );
  const policy = createQueuePolicy(name, queue, statements?.(queue.arn) ?? [], {
    parent: opts.parent,
  });
  return { queue, policy };
}

/** A queue's policy: the statements, and that everyone has to use TLS. */
export function createQueuePolicy(
  name: string,
  queue: aws.sqs.Queue,
  statements: readonly ResourceStatement[],
  opts: pulumi.CustomResourceOptions,
): aws.sqs.QueuePolicy {
  const refusePlainHttp: ResourceStatement = {
    Sid: "DenyWithoutTls",
    Effect: "Deny",
    Principal: "*",
    Action: "sqs:*",
    Resource: queue.arn,
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
  return new aws.sqs.QueuePolicy(
    name,
    {
      queueUrl: queue.url,
      policy: pulumi.jsonStringify({
        Version: "2012-10-17",
        Statement: [...statements, refusePlainHttp],
      }),
    },
    opts,
  );
}
