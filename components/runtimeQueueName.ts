import { sqsQueueName } from "../fleet/names";
import { nameIn, type Scope } from "./scope";

/** Physical name of a runtime's queue, known before it exists. */
export function runtimeQueueName(scope: Pick<Scope, "project" | "stack">, runtime: string): string {
  return nameIn(scope, `tasks-${runtime}`, sqsQueueName);
}

/** The same of its dead letters. */
export function deadLetterQueueName(
  scope: Pick<Scope, "project" | "stack">,
  runtime: string,
): string {
  return nameIn(scope, `tasks-${runtime}-dead-letters`, sqsQueueName);
}
