import { CreateQueueCommand, SetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { attributesOf, type Create, type Known, nameOf } from "./creation";

/** SQS, by resource type. */
export const queueTypes: Readonly<Record<string, Create>> = {
  "aws:sqs/queue:Queue": async (queue, { aws, region, account }) => {
    const { inputs } = queue;
    const name = nameOf(queue, inputs.namePrefix);
    const { QueueUrl: url } = await aws.sqs.send(
      new CreateQueueCommand({ QueueName: name, Attributes: queueAttributes(queue) }),
    );
    const arn = `arn:aws:sqs:${region}:${account}:${name}`;
    return { name, arn, url: url!, id: url! };
  },
  "aws:sqs/queuePolicy:QueuePolicy": setting("Policy", "policy"),
  "aws:sqs/redrivePolicy:RedrivePolicy": setting("RedrivePolicy", "redrivePolicy"),
  "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": setting(
    "RedriveAllowPolicy",
    "redriveAllowPolicy",
  ),
};

/** Source of the names on the left: Amazon SQS API reference, CreateQueue. */
function queueAttributes({ inputs }: Known): Record<string, string> {
  return attributesOf({
    DelaySeconds: inputs.delaySeconds,
    MaximumMessageSize: inputs.maxMessageSize,
    MessageRetentionPeriod: inputs.messageRetentionSeconds,
    ReceiveMessageWaitTimeSeconds: inputs.receiveWaitTimeSeconds,
    VisibilityTimeout: inputs.visibilityTimeoutSeconds,
    Policy: inputs.policy,
    RedrivePolicy: inputs.redrivePolicy,
    RedriveAllowPolicy: inputs.redriveAllowPolicy,
    KmsMasterKeyId: inputs.kmsMasterKeyId,
    KmsDataKeyReusePeriodSeconds: inputs.kmsDataKeyReusePeriodSeconds,
    SqsManagedSseEnabled: inputs.sqsManagedSseEnabled,
    FifoQueue: inputs.fifoQueue || undefined,
  });
}

function setting(attribute: string, input: string): Create {
  return async ({ inputs }, { aws }) => {
    await aws.sqs.send(
      new SetQueueAttributesCommand({
        QueueUrl: inputs.queueUrl,
        Attributes: { [attribute]: inputs[input] },
      }),
    );
    return { id: inputs.queueUrl };
  };
}
