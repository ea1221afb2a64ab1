import type * as pulumi from "@pulumi/pulumi";
import { type Alarm, aboveInFiveMinutes } from "./alarm";

/** A topic whose subscribers have to get what is published. */
export interface AlarmedTopic {
  /** Part of the alarm's name. */
  readonly name: string;
  /** What has happened when a message was not delivered. */
  readonly of: string;
  readonly topicName: pulumi.Input<string>;
}

/**
 * SNS has given up a message for a subscriber: its queue is gone, or does not let the topic send.
 * Whether it could put the message among dead letters makes no difference. What a filter leaves out
 * does not count; of an HTTPS endpoint each attempt does.
 *
 * Source: SNS developer guide, "Monitoring Amazon SNS topics using CloudWatch".
 */
export function undeliveredAlarm({ name, of, topicName }: AlarmedTopic): Alarm {
  return [
    `topic-${name}-undelivered`,
    `${of}: SNS could not deliver a message. Look at the topic's subscriptions and what they lead to (docs/how-to/on-call.md, "A topic that does not deliver").`,
    aboveInFiveMinutes(0, {
      namespace: "AWS/SNS",
      metricName: "NumberOfNotificationsFailed",
      dimensions: { TopicName: topicName },
      statistic: "Sum",
      // SNS publishes nothing of a topic that nobody has used for six hours.
    }),
  ];
}
