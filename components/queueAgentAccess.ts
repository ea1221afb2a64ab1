import * as pulumi from "@pulumi/pulumi";
import type { PolicyStatement } from "./podIdentity";
import {
  missingObjectsStatement,
  storeResultsStatements,
  tellResultsStatements,
} from "./taskAccess";

/** What an agent works with in AWS. */
export interface QueueAgentTargets {
  readonly partition: string;
  readonly region: string;
  readonly queueArn: pulumi.Input<string>;
  readonly deadLetterQueueArn: pulumi.Input<string>;
  readonly tableArn: pulumi.Input<string>;
  readonly resultsBucketArn: pulumi.Input<string>;
  /** The customer's key that the results' bucket is encrypted with, where it is. */
  readonly resultsKeyArn?: string | undefined;
  readonly inputsBucketArn: pulumi.Input<string>;
  /** Buckets that tasks may name inputs in. */
  readonly inputBuckets: readonly string[];
  readonly resultTopicArn: pulumi.Input<string>;
  /** The key that messages to topics are encrypted with. */
  readonly topicKeyArn: pulumi.Input<string>;
}

/** What an agent may do: with its own queues, the tasks' records, inputs and results, no more. */
export function queueAgentAccess(targets: QueueAgentTargets): readonly PolicyStatement[] {
  return [
    {
      Sid: "WorkOffQueue",
      Effect: "Allow",
      Action: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
      Resource: targets.queueArn,
    },
    {
      Sid: "KeepDeadLetters",
      Effect: "Allow",
      Action: "sqs:SendMessage",
      Resource: targets.deadLetterQueueArn,
    },
    {
      Sid: "KeepRecords",
      Effect: "Allow",
      Action: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
      Resource: targets.tableArn,
    },
    ...storeResultsStatements(targets.region, targets.resultsBucketArn, targets.resultsKeyArn),
    { Sid: "ReadInputs", Effect: "Allow", Action: "s3:GetObject", Resource: inputs(targets) },
    missingObjectsStatement([
      targets.resultsBucketArn,
      targets.inputsBucketArn,
      ...targets.inputBuckets.map((bucket) => `arn:${targets.partition}:s3:::${bucket}`),
    ]),
    ...tellResultsStatements(targets.region, targets.resultTopicArn, targets.topicKeyArn),
  ];
}

/** What the API puts into the inputs' bucket, and all of the buckets that the config names. */
function inputs({ partition, inputsBucketArn, inputBuckets }: QueueAgentTargets) {
  return [
    pulumi.interpolate`${inputsBucketArn}/content/*`,
    pulumi.interpolate`${inputsBucketArn}/uploads/*`,
    ...inputBuckets.map((bucket) => `arn:${partition}:s3:::${bucket}/*`),
  ];
}
