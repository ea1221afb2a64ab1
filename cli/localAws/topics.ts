import {
  CreateTopicCommand,
  SetTopicAttributesCommand,
  SubscribeCommand,
} from "@aws-sdk/client-sns";
import { attributesOf, type Create, nameOf } from "./creation";

/** SNS, by resource type. */
export const topicTypes: Readonly<Record<string, Create>> = {
  "aws:sns/topic:Topic": async (topic, { aws }) => {
    const { inputs } = topic;
    const name = nameOf(topic, inputs.namePrefix);
    const { TopicArn: arn } = await aws.sns.send(
      new CreateTopicCommand({
        Name: name,
        Attributes: attributesOf({
          DisplayName: inputs.displayName,
          KmsMasterKeyId: inputs.kmsMasterKeyId,
          Policy: inputs.policy,
        }),
      }),
    );
    return { name, arn: arn!, id: arn! };
  },
  "aws:sns/topicPolicy:TopicPolicy": async ({ inputs }, { aws }) => {
    await aws.sns.send(
      new SetTopicAttributesCommand({
        TopicArn: inputs.arn,
        AttributeName: "Policy",
        AttributeValue: inputs.policy,
      }),
    );
    return { id: inputs.arn };
  },
  "aws:sns/topicSubscription:TopicSubscription": async ({ inputs }, { aws, region, account }) => {
    // Nobody outside this machine is told anything.
    if (!String(inputs.endpoint).startsWith(`arn:aws:sqs:${region}:${account}:`)) return {};
    const { SubscriptionArn: arn } = await aws.sns.send(
      new SubscribeCommand({
        TopicArn: inputs.topic,
        Protocol: inputs.protocol,
        Endpoint: inputs.endpoint,
        Attributes: attributesOf({
          // First, because what a policy may say depends on it.
          FilterPolicyScope: inputs.filterPolicyScope,
          FilterPolicy: inputs.filterPolicy,
          RawMessageDelivery: inputs.rawMessageDelivery,
          RedrivePolicy: inputs.redrivePolicy,
        }),
        ReturnSubscriptionArn: true,
      }),
    );
    return { arn: arn!, id: arn! };
  },
};
