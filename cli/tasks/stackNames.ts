import { nameIn } from "../../components/scope";
import { dynamoDbTable, sqsQueueName } from "../../fleet/names";
import { readStackConfig } from "../plan/stackConfig";

/** What the resources of a stack are called. */
export interface StackNames {
  readonly stack: string;
  readonly region: string;
  /** Runtimes that the stack's file names. */
  readonly runtimes: readonly string[];
  /** Of tasks' records. */
  readonly table: string;
  queue(runtime: string): string;
  deadLetterQueue(runtime: string): string;
}

/** @throws UserError when there is no such stack */
export function stackNames(root: string, stack: string): StackNames {
  const { project, values } = readStackConfig(root, stack);
  const asynchronous = values[`${project}:async`] as { runtimes?: object } | undefined;
  const scope = { project, stack };
  return {
    stack,
    region: process.env.AWS_REGION || String(values["aws:region"] ?? "us-west-2"),
    runtimes: Object.keys(asynchronous?.runtimes ?? {}),
    table: nameIn(scope, "tasks", dynamoDbTable),
    queue: (runtime) => nameIn(scope, `tasks-${runtime}`, sqsQueueName),
    deadLetterQueue: (runtime) => nameIn(scope, `tasks-${runtime}-dead-letters`, sqsQueueName),
  };
}
