import {
  INFERENCE_EVENT,
  type InferenceResult,
  inferenceResultSchema,
} from "../../contracts/tasks/invocation";
import { isJsonObject } from "../queue-agent/json";
import { problemsOf } from "../queue-agent/taskMessage";

/** A damaged notification, and what is wrong with it. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

/**
 * SageMaker's notification in a message of the queue: as it was published, or in the envelope of a
 * subscription without raw delivery. Undefined: it is of something else, such as a test of the topic.
 *
 * @throws Malformed
 */
export function inferenceResultOf(body: string): InferenceResult | undefined {
  const message = parsed(body, "the body");
  const isEnvelope = isJsonObject(message) && message.Type === "Notification";
  const result =
    isEnvelope && typeof message.Message === "string"
      ? parsed(message.Message, "Message")
      : message;
  if (!isOfInference(result)) return undefined;
  const { success, data, error } = inferenceResultSchema.safeParse(result);
  if (success) return data;
  throw new Malformed(`no notification of SageMaker's: ${problemsOf(error)}`);
}

/**
 * By what it says of itself: SageMaker's without a name is damaged, and one of another name is not
 * ours.
 */
function isOfInference(message: unknown): boolean {
  if (!isJsonObject(message)) return false;
  const { eventSource, eventName = INFERENCE_EVENT.eventName } = message;
  return eventSource === INFERENCE_EVENT.eventSource && eventName === INFERENCE_EVENT.eventName;
}

function parsed(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Malformed(`${name} is no JSON`);
  }
}
