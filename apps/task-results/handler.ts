import type { Context, SQSBatchItemFailure, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { type Deadline, deadlineOf } from "../task-api/deadline";
import { inferenceResultOf } from "./inferenceMessage";
import { type SettlementParts, settle } from "./settlement";

export type Handler = (
  event: Pick<SQSEvent, "Records">,
  context: Context,
) => Promise<SQSBatchResponse>;

/** Characters of a dropped message that the log shows. */
const LOGGED_LENGTH = 1000;

/**
 * Settles a batch's notifications, one after another: answers take memory. What could not be settled
 * goes back to the queue, and when it has come back too often, to the dead letters; the log says why.
 * A message that is no notification of an invocation would not become one: it is dropped.
 */
export function createHandler(partsUntil: (deadline: Deadline) => SettlementParts): Handler {
  return async ({ Records }, context) => {
    const deadline = deadlineOf(context);
    const parts = partsUntil(deadline);
    const batchItemFailures: SQSBatchItemFailure[] = [];
    for (const { messageId, body, attributes } of Records)
      try {
        deadline.work.throwIfAborted();
        const result = inferenceResultOf(body);
        if (result === undefined) {
          parts.log.warn("an unknown message is dropped", {
            messageId,
            body: body.slice(0, LOGGED_LENGTH),
          });
          continue;
        }
        const { inferenceId, requestParameters } = result;
        const settled = await settle(parts, result);
        parts.log.info("settled", { settled, inferenceId, ...requestParameters });
      } catch (error) {
        const receives = attributes?.ApproximateReceiveCount;
        parts.log.error("a notification is left for later", {
          messageId,
          receives,
          error: error as Error,
        });
        batchItemFailures.push({ itemIdentifier: messageId });
      }
    return { batchItemFailures };
  };
}
