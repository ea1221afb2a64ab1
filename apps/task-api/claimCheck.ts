import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import {
  contentObject,
  RUNTIME_ATTRIBUTE,
  type TaskMessage,
  TOPIC_MESSAGE_BYTES,
  TRACEPARENT_ATTRIBUTE,
  TRACESTATE_ATTRIBUTE,
} from "../../contracts/tasks/message";
import { ask } from "./awsCall";
import type { TraceHeaders } from "./trace";

/** Attributes of a message, by name. */
export type Attributes = Readonly<Record<string, string>>;

export function attributesOf(
  { metadata }: TaskMessage,
  { traceparent, tracestate }: TraceHeaders,
): Attributes {
  return {
    [RUNTIME_ATTRIBUTE]: metadata.runtime,
    [TRACEPARENT_ATTRIBUTE]: traceparent,
    ...(tracestate !== undefined && { [TRACESTATE_ATTRIBUTE]: tracestate }),
  };
}

/**
 * Whether topic and queue take a message: attributes count with name, type and value. Source:
 * Amazon SNS quotas, "Message size".
 */
export function fitsTopic(body: string, attributes: Attributes): boolean {
  const bytes = Object.entries(attributes).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(`${name}String${value}`),
    Buffer.byteLength(body),
  );
  return bytes <= TOPIC_MESSAGE_BYTES;
}

/**
 * The message with its content left in the inputs' bucket.
 *
 * @param key of the task's record, which must be this task's already: the object is named by it
 */
export async function leaveContent(
  s3: S3Client,
  bucket: string,
  key: string,
  { content, ...message }: TaskMessage,
  options: { readonly abortSignal: AbortSignal },
): Promise<TaskMessage> {
  const contentKey = contentObject(key);
  await ask(
    "S3 PutObject",
    s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: contentKey,
        Body: JSON.stringify(content),
        ContentType: "application/json",
      }),
      options,
    ),
  );
  return { ...message, contentKey };
}
