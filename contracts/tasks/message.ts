/** A task on its way through the topic and a runtime's queue. */

import * as z from "zod";
import { runtimeName, taskContent, taskContext, taskId, taskPrefix, taskTypes } from "./task";

/**
 * The message's body, which the topic hands to the queue as it is (raw delivery). It is the
 * guidance's `task`, with what agents need beside it, so that what is published by hand as the
 * guidance describes (implementation guide, "Send Message") is understood too.
 */
export const taskMessageSchema = z
  .object({
    metadata: z.object({
      id: taskId,
      runtime: runtimeName,
      tasktype: z.enum(taskTypes),
      prefix: taskPrefix.optional(),
      context: taskContext.optional(),
    }),
    /** Absent: it is too large for the topic, and lies in the inputs' bucket under `contentKey`. */
    content: taskContent.optional(),
    contentKey: z.string().min(1).max(1024).optional(),
    /** Key of the task's record: the id, or `ID~RUN` for a v1alpha2 id that was used before. */
    key: z.string().min(1).max(128).optional(),
    /** When the API took it, ISO 8601. */
    submittedAt: z.iso.datetime().optional(),
    /**
     * `requestHash` of the task's record. The API takes a record back when it does not know that
     * its message was published; an agent that gets it nevertheless makes the record anew, with
     * this, so that the client's repeated request is still the same task.
     */
    requestHash: z.string().max(64).optional(),
  })
  .refine(
    ({ content, contentKey }) => (content === undefined) !== (contentKey === undefined),
    "either content or contentKey",
  );

export type TaskMessage = z.infer<typeof taskMessageSchema>;

/** Most bytes of a message and its attributes. Source: Amazon SNS quotas, "Message size". */
export const TOPIC_MESSAGE_BYTES = 262_144;

/** Attribute that the queues' subscriptions filter by. */
export const RUNTIME_ATTRIBUTE = "runtime";

/** Attributes that carry the trace. Source: W3C Trace Context. */
export const TRACEPARENT_ATTRIBUTE = "traceparent";
export const TRACESTATE_ATTRIBUTE = "tracestate";

/**
 * Attributes of what an agent puts into a dead-letter queue; the body is the message's own. What
 * comes back from there with the id of the record's failure may run once more.
 */
export const DEAD_LETTER_ID_ATTRIBUTE = "deadLetterId";
export const DEAD_LETTER_CODE_ATTRIBUTE = "deadLetterCode";
export const DEAD_LETTER_REASON_ATTRIBUTE = "deadLetterReason";
export const DEAD_LETTERED_AT_ATTRIBUTE = "deadLetteredAt";

/** Most characters of a reason. */
export const DEAD_LETTER_REASON_LENGTH = 1000;

/** Where the content of a task lies whose message would be too large, in the inputs' bucket. */
export function contentObject(key: string): string {
  return `content/${key}.json`;
}

/** Where an upload lies, in the inputs' bucket. */
export function uploadObject(uploadId: string): string {
  return `uploads/${uploadId}`;
}

/** Ids of uploads are random, so that nobody guesses another client's. */
export const uploadId = z.uuid();
