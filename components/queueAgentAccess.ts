import * as pulumi from "@pulumi/pulumi";
import type { PolicyStatement } from "./podIdentity";

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
    {
      Sid: "StoreResults",
      Effect: "Allow",
      Action: ["s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject", "s3:DeleteObject"],
      Resource: pulumi.interpolate`${targets.resultsBucketArn}/*`,
    },
    ...(targets.resultsKeyArn === undefined
      ? []
      : [
          {
            Sid: "EncryptResults",
            Effect: "Allow" as const,
            Action: ["kms:GenerateDataKey", "kms:Decrypt"],
            Resource: targets.resultsKeyArn,
            Condition: { StringEquals: { "kms:ViaService": `s3.${targets.region}.amazonaws.com` } },
          },
        ]),
    { Sid: "ReadInputs", Effect: "Allow", Action: "s3:GetObject", Resource: inputs(targets) },
    {
      // Without it S3 answers 403 for what is not there, as for what is not allowed.
      Sid: "TellMissingFromForbidden",
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: [
        targets.resultsBucketArn,
        targets.inputsBucketArn,
        ...targets.inputBuckets.map((bucket) => `arn:${targets.partition}:s3:::${bucket}`),
      ],
    },
    {
      Sid: "TellOfResults",
      Effect: "Allow",
      Action: "sns:Publish",
      Resource: targets.resultTopicArn,
    },
    {
      Sid: "EncryptMessages",
      Effect: "Allow",
      // Amazon SNS developer guide, "Configure AWS KMS permissions": what a publisher wants.
      Action: ["kms:GenerateDataKey", "kms:Decrypt"],
      Resource: targets.topicKeyArn,
      Condition: { StringEquals: { "kms:ViaService": `sns.${targets.region}.amazonaws.com` } },
    },
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
