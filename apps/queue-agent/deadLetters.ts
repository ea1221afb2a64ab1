import {
  type MessageAttributeValue,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import {
  DEAD_LETTER_CODE_ATTRIBUTE,
  DEAD_LETTER_ID_ATTRIBUTE,
  DEAD_LETTER_REASON_ATTRIBUTE,
  DEAD_LETTER_REASON_LENGTH,
  DEAD_LETTERED_AT_ATTRIBUTE,
  RUNTIME_ATTRIBUTE,
  TOPIC_MESSAGE_BYTES,
  TRACEPARENT_ATTRIBUTE,
  TRACESTATE_ATTRIBUTE,
} from "../../contracts/tasks/message";
import type { FailureCode } from "../../contracts/tasks/record";
import type { Delivery } from "./delivery";

export interface DeadLetter {
  readonly delivery: Delivery;
  /** Of the record's failure; what comes back with it may run again. */
  readonly id: string;
  readonly code: FailureCode;
  readonly reason: string;
}

/** Of the message's own attributes, those that a redrive needs. SQS takes ten in all. */
const keptAttributes = [RUNTIME_ATTRIBUTE, TRACEPARENT_ATTRIBUTE, TRACESTATE_ATTRIBUTE];

/** Sends a message to the dead-letter queue as it came, with the reason beside it. */
export class DeadLetters {
  constructor(
    readonly client: SQSClient,
    readonly queueUrl: string,
  ) {}

  async send(letter: DeadLetter): Promise<void> {
    await this.client.send(
      new SendMessageCommand({
        QueueUrl: this.queueUrl,
        MessageBody: letter.delivery.body,
        MessageAttributes: deadLetterAttributes(letter, new Date()),
      }),
    );
  }
}

/**
 * Attributes of a dead letter. A reason that would make the message larger than the queue takes is
 * cut.
 */
export function deadLetterAttributes(
  { delivery, id, code, reason }: DeadLetter,
  now: Date,
): Record<string, MessageAttributeValue> {
  const kept = Object.entries(delivery.attributes).filter(([name]) =>
    keptAttributes.includes(name),
  );
  const attributes: Record<string, MessageAttributeValue> = {
    ...Object.fromEntries(
      kept.map(([name, { DataType, StringValue }]) => [name, text(StringValue ?? "", DataType)]),
    ),
    [DEAD_LETTER_ID_ATTRIBUTE]: text(id),
    [DEAD_LETTER_CODE_ATTRIBUTE]: text(code),
    [DEAD_LETTERED_AT_ATTRIBUTE]: text(now.toISOString()),
  };
  const room =
    TOPIC_MESSAGE_BYTES -
    Buffer.byteLength(delivery.body) -
    sizeOf(attributes) -
    sizeOf({ [DEAD_LETTER_REASON_ATTRIBUTE]: text("") });
  const said = cut(allowedText(reason).slice(0, DEAD_LETTER_REASON_LENGTH), room);
  return said === "" ? attributes : { ...attributes, [DEAD_LETTER_REASON_ATTRIBUTE]: text(said) };
}

function text(value: string, type = "String"): MessageAttributeValue {
  return { DataType: type, StringValue: value };
}

/** Names, types and values count. Source: Amazon SQS developer guide, "Message attributes". */
function sizeOf(attributes: Readonly<Record<string, MessageAttributeValue>>): number {
  return Object.entries(attributes).reduce(
    (bytes, [name, { DataType = "", StringValue = "" }]) =>
      bytes + Buffer.byteLength(name + DataType + StringValue),
    0,
  );
}

/** Without what SQS refuses: it takes the characters that XML 1.0 has. */
function allowedText(value: string): string {
  return value.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD");
}

function cut(value: string, bytes: number): string {
  if (bytes <= 0) return "";
  if (Buffer.byteLength(value) <= bytes) return value;
  // A character that is cut in two.
  return Buffer.from(value)
    .subarray(0, bytes)
    .toString()
    .replace(/\uFFFD$/u, "");
}
