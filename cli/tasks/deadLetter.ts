import type { Message } from "@aws-sdk/client-sqs";
import {
  DEAD_LETTER_CODE_ATTRIBUTE,
  DEAD_LETTER_REASON_ATTRIBUTE,
  DEAD_LETTERED_AT_ATTRIBUTE,
} from "../../contracts/tasks/message";

/** A message of a dead-letter queue, as a person wants to see it. */
export interface DeadLetter {
  /** The task's id; null where the body is no task. */
  readonly id: string | null;
  /** Key of its record: the id, or `ID~RUN`. */
  readonly key: string | null;
  /** Why, by an agent; null: SQS itself moved it. */
  readonly code: string | null;
  readonly reason: string;
  /** When it came here, ISO 8601; of what SQS moved, when it was first sent. */
  readonly since: string | null;
  /** Claims by its record; null: there is none, or it may not be read. */
  readonly attempts: number | null;
  /** SQS's id of the message. */
  readonly messageId: string;
}

/** What a message says; pure. */
export function deadLetterOf(message: Message): DeadLetter {
  const { MessageId, Body = "", Attributes = {}, MessageAttributes = {} } = message;
  const own = (name: string) => MessageAttributes[name]?.StringValue ?? null;
  const sent = Number(Attributes.SentTimestamp);
  return {
    ...identityOf(Body),
    code: own(DEAD_LETTER_CODE_ATTRIBUTE),
    reason: own(DEAD_LETTER_REASON_ATTRIBUTE) ?? movedBySqs(Attributes.DeadLetterQueueSourceArn),
    since:
      own(DEAD_LETTERED_AT_ATTRIBUTE) ??
      (Number.isFinite(sent) ? new Date(sent).toISOString() : null),
    attempts: null,
    messageId: String(MessageId),
  };
}

function movedBySqs(sourceArn: string | undefined): string {
  return sourceArn === undefined
    ? "No agent has said why: the topic could not deliver it, or SQS moved it because it was " +
        "received as often as it may be, and neither returned nor done."
    : `No agent has said why: SQS moved it from ${sourceArn.split(":").at(-1)}, where it was received ` +
        "as often as it may be. Its agents died, or could not ask AWS.";
}

/** Of a task message, or of one in SNS's envelope. */
function identityOf(body: string): Pick<DeadLetter, "id" | "key"> {
  const message = objectOf(body);
  const task = typeof message?.Message === "string" ? objectOf(message.Message) : message;
  const metadata = (task?.metadata ?? (task?.task as Json | undefined)?.metadata) as
    | Json
    | undefined;
  const id = typeof metadata?.id === "string" ? metadata.id : null;
  return { id, key: typeof task?.key === "string" ? task.key : id };
}

type Json = Readonly<Record<string, unknown>>;

function objectOf(text: string): Json | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
