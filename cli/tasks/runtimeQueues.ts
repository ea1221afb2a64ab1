import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type QueueAttributeName,
  QueueDoesNotExist,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { closest } from "fastest-levenshtein";
import { UserError } from "../../contracts/userError";
import { askAws } from "./askAws";
import type { StackNames } from "./stackNames";

export interface Queue {
  readonly name: string;
  readonly url: string;
  readonly arn: string;
  /** Messages that nobody has received, about. */
  readonly waiting: number;
}

/**
 * A queue as it is now.
 *
 * @throws UserError when the stack has no such runtime, the queue is not there, or AWS cannot be asked
 */
export async function queueNamed(
  sqs: SQSClient,
  name: string,
  runtime: string,
  { stack, runtimes, region }: StackNames,
): Promise<Queue> {
  if (!runtimes.includes(runtime))
    throw new UserError(
      runtimes.length === 0
        ? `Stack ${stack} has no runtimes: async.runtimes is empty. Is it the right one (--stack)?`
        : `Stack ${stack} has no runtime ${runtime}; it has ${runtimes.join(", ")}. ` +
            `Did you mean "${closest(runtime, runtimes)}"?`,
    );
  const found = sqs.send(new GetQueueUrlCommand({ QueueName: name })).catch((error: unknown) => {
    if (error instanceof QueueDoesNotExist || (error as Error).name === "QueueDoesNotExist")
      return { QueueUrl: undefined };
    throw error;
  });
  const { QueueUrl: url } = await askAws("finding the queue", found);
  if (url === undefined)
    throw new UserError(
      `There is no queue ${name} in ${region}. Is the stack deployed there, and the right one (--stack)?`,
    );
  const attributes: QueueAttributeName[] = ["QueueArn", "ApproximateNumberOfMessages"];
  const { Attributes: values = {} } = await askAws(
    "reading the queue",
    sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: attributes })),
  );
  return { name, url, arn: values.QueueArn!, waiting: Number(values.ApproximateNumberOfMessages) };
}
