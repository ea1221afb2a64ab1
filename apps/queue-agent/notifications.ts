/** What subscribers are told of a task. */

import {
  type MessageAttributeValue,
  PublishBatchCommand,
  PublishCommand,
  type SNSClient,
} from "@aws-sdk/client-sns";
import { RUNTIME_ATTRIBUTE, TOPIC_MESSAGE_BYTES } from "../../contracts/tasks/message";
import type { StoredObject, TaskFailure } from "../../contracts/tasks/record";
import { type Notification, STATUS_ATTRIBUTE } from "../../contracts/tasks/result";
import type { Task } from "./taskMessage";

/** Most messages of one call. Source: Amazon SNS API reference, PublishBatch. */
export const PUBLISH_BATCH = 10;

/** For the two attributes. */
const ATTRIBUTE_BYTES = 256;

const largestBytes = TOPIC_MESSAGE_BYTES - ATTRIBUTE_BYTES;

export function runningNotification({ runtime, id, context }: Task): Notification {
  return { runtime, id, status: "running", context: asContext(context) };
}

export function completedNotification(
  { runtime, id, context }: Task,
  bucket: string,
  { images, output }: { readonly images: readonly StoredObject[]; readonly output: StoredObject },
): Notification {
  const url = ({ key }: StoredObject) => `s3://${bucket}/${key}`;
  return {
    runtime,
    id,
    result: true,
    status: "completed",
    image_url: images.map(url),
    output_url: url(output),
    context: asContext(context),
  };
}

export function failedNotification(
  { runtime, id, context }: Task,
  { code, message }: TaskFailure,
): Notification {
  return {
    runtime,
    id,
    result: false,
    status: "failed",
    image_url: [],
    context: asContext(context),
    error: { code, message },
  };
}

/** The result topic. */
export class ResultTopic {
  constructor(
    readonly client: SNSClient,
    readonly topicArn: string,
  ) {}

  async publish(notification: Notification): Promise<void> {
    await this.client.send(
      new PublishCommand({
        TopicArn: this.topicArn,
        Message: messageText(notification),
        MessageAttributes: attributesOf(notification),
      }),
    );
  }

  /**
   * Publishes ten at most.
   *
   * @returns for each why it was not published; nothing: it was
   */
  async publishAll(
    notifications: readonly Notification[],
  ): Promise<readonly (string | undefined)[]> {
    const [only] = notifications;
    if (only === undefined) return [];
    const texts = notifications.map(messageText);
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + ATTRIBUTE_BYTES, 0);
    // One call's messages together are no larger than one message.
    if (notifications.length === 1 || bytes > TOPIC_MESSAGE_BYTES) {
      for (const notification of notifications) await this.publish(notification);
      return notifications.map(() => undefined);
    }
    const { Failed = [] } = await this.client.send(
      new PublishBatchCommand({
        TopicArn: this.topicArn,
        PublishBatchRequestEntries: notifications.map((notification, index) => ({
          Id: String(index),
          Message: texts[index],
          MessageAttributes: attributesOf(notification),
        })),
      }),
    );
    const reasons = new Map(Failed.map(({ Id, Code, Message }) => [Id, `${Code}: ${Message}`]));
    return notifications.map((_, index) => reasons.get(String(index)));
  }
}

/** As JSON. A context that leaves no room is left out, as the topic would take nothing at all. */
function messageText(notification: Notification): string {
  const text = JSON.stringify(notification);
  if (Buffer.byteLength(text) <= largestBytes) return text;
  return JSON.stringify({ ...notification, context: {} });
}

function attributesOf({ runtime, status }: Notification): Record<string, MessageAttributeValue> {
  return {
    [RUNTIME_ATTRIBUTE]: { DataType: "String", StringValue: runtime },
    [STATUS_ATTRIBUTE]: { DataType: "String", StringValue: status },
  };
}

function asContext(context: Task["context"]): Notification["context"] {
  return (context ?? {}) as Notification["context"];
}
