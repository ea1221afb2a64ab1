import type { Message, MessageAttributeValue } from "@aws-sdk/client-sqs";

/** A message as the queue delivered it. */
export interface Delivery {
  readonly messageId: string;
  /** Of this delivery: a later one of the same message has another. */
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, MessageAttributeValue>>;
  /** This delivery included. */
  readonly receiveCount: number;
  readonly sentAtMs: number;
}

export function deliveryOf(message: Message): Delivery {
  const { ApproximateReceiveCount, SentTimestamp } = message.Attributes ?? {};
  return {
    messageId: message.MessageId ?? "",
    receiptHandle: message.ReceiptHandle ?? "",
    body: message.Body ?? "",
    attributes: message.MessageAttributes ?? {},
    receiveCount: Number(ApproximateReceiveCount ?? 1),
    sentAtMs: Number(SentTimestamp ?? Date.now()),
  };
}

/** A text attribute's value. */
export function textAttribute({ attributes }: Delivery, name: string): string | undefined {
  return attributes[name]?.StringValue;
}
