/** What a message says, whoever has published it. */

import type * as z from "zod";
import {
  DEAD_LETTER_ID_ATTRIBUTE,
  TRACEPARENT_ATTRIBUTE,
  TRACESTATE_ATTRIBUTE,
  taskMessageSchema,
} from "../../contracts/tasks/message";
import { recordKey } from "../../contracts/tasks/record";
import type { TaskType } from "../../contracts/tasks/task";
import { type Delivery, textAttribute } from "./delivery";
import { isJsonObject, type JsonObject, type JsonValue } from "./json";
import { isDeeperThan, MOST_LEVELS } from "./nesting";

/** A task as an agent works on it. */
export interface Task {
  readonly key: string;
  readonly id: string;
  /** Of a v1alpha2 id that was used before. */
  readonly run: string | undefined;
  readonly runtime: string;
  readonly type: TaskType;
  readonly prefix: string | undefined;
  readonly context: JsonValue | undefined;
  /** Where it is not in the message, it lies in the inputs' bucket under `contentKey`. */
  readonly content: JsonObject | undefined;
  readonly contentKey: string | undefined;
  /** Of the API's request, for a record that has to be made anew. */
  readonly requestHash: string | undefined;
  /** ISO 8601. */
  readonly submittedAt: string;
  /** It comes from the dead-letter queue, where it had this id. */
  readonly deadLetterId: string | undefined;
  /** W3C trace headers of who has sent it. */
  readonly traceHeaders: Readonly<Record<string, string>>;
}

export type ParsedMessage =
  | { readonly task: Task; readonly malformed?: undefined }
  | { readonly task?: undefined; readonly malformed: string };

/** Problems that a reason names; more are too many to read. */
const SHOWN_PROBLEMS = 5;

export const TOO_DEEP = `content: it is nested more than ${MOST_LEVELS} levels deep`;

/** Source: W3C Trace Context, 3.2. */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The task in a message: the API's, one that was published by hand as the guidance describes, and
 * either of them in the envelope of a subscription without raw delivery. Otherwise, in words, why
 * it is none.
 */
export function parseMessage(delivery: Delivery): ParsedMessage {
  const body = parsedJson(delivery.body);
  if (body === undefined) return { malformed: whyNoJson(delivery.body, "the body") };
  const envelope = isJsonObject(body) && body.Type === "Notification" ? body : undefined;
  if (envelope === undefined) return parseTask(delivery, body, {});
  if (typeof envelope.Message !== "string")
    return { malformed: "Message: the notification's envelope holds no text" };
  const message = parsedJson(envelope.Message);
  if (message === undefined) return { malformed: whyNoJson(envelope.Message, "Message") };
  return parseTask(delivery, message, envelopeAttributes(envelope.MessageAttributes));
}

function parseTask(
  delivery: Delivery,
  body: JsonValue,
  enveloped: Readonly<Record<string, string>>,
): ParsedMessage {
  if (!isJsonObject(body)) return { malformed: `the body is ${nameOfKind(body)}, no object` };
  if (isDeeperThan(body, MOST_LEVELS)) return { malformed: TOO_DEEP };
  const { success, data: message, error } = taskMessageSchema.safeParse(body);
  if (!success) return { malformed: problemsOf(error) };
  const { metadata, content, contentKey, requestHash, submittedAt } = message;
  const { id, runtime, tasktype: type, prefix, context } = metadata;
  const key = message.key ?? recordKey(id);
  const run = key === id ? undefined : key.slice(id.length + 1);
  if (run !== undefined && (run === "" || recordKey(id, run) !== key))
    return { malformed: `key: ${JSON.stringify(key)} is not of the task ${id}` };
  const attribute = (name: string) => textAttribute(delivery, name) ?? enveloped[name];
  return {
    task: {
      key,
      id,
      run,
      runtime,
      type,
      prefix,
      context: context as JsonValue | undefined,
      content: content as JsonObject | undefined,
      contentKey,
      requestHash,
      submittedAt: submittedAt ?? new Date(delivery.sentAtMs).toISOString(),
      deadLetterId: attribute(DEAD_LETTER_ID_ATTRIBUTE),
      traceHeaders: traceHeaders(attribute(TRACEPARENT_ATTRIBUTE), attribute(TRACESTATE_ATTRIBUTE)),
    },
  };
}

/** What is wrong with what a schema refused, a few words each. */
export function problemsOf(error: z.ZodError): string {
  const problems = error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`,
  );
  const more = problems.length - SHOWN_PROBLEMS;
  return [
    ...problems.slice(0, SHOWN_PROBLEMS),
    ...(more > 0 ? [`and ${more} more problems`] : []),
  ].join("; ");
}

function traceHeaders(
  traceparent: string | undefined,
  tracestate: string | undefined,
): Record<string, string> {
  if (traceparent === undefined || !TRACEPARENT.test(traceparent)) return {};
  return { traceparent, ...(tracestate !== undefined && { tracestate }) };
}

function envelopeAttributes(attributes: JsonValue | undefined): Record<string, string> {
  if (!isJsonObject(attributes)) return {};
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, attribute]) =>
      isJsonObject(attribute) && typeof attribute.Value === "string"
        ? [[name, attribute.Value]]
        : [],
    ),
  );
}

function parsedJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function whyNoJson(text: string, name: string): string {
  if (text.trim() === "") return `${name} is empty`;
  try {
    JSON.parse(text);
  } catch (error) {
    return `${name} is no JSON: ${(error as Error).message}`;
  }
  return `${name} is no JSON`;
}

function nameOfKind(value: JsonValue): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
