import type { FailureCode } from "../../contracts/tasks/record";

export interface TaskFailedOptions extends ErrorOptions {
  /** When a busy runtime wants to be asked again. */
  readonly retryAfterSeconds?: number | undefined;
}

/** An attempt came to nothing, and why: the code decides whether there is another one. */
export class TaskFailed extends Error {
  override readonly name = "TaskFailed";
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly code: FailureCode,
    message: string,
    { retryAfterSeconds, ...options }: TaskFailedOptions = {},
  ) {
    super(message, options);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** What an error of any kind is to a task. */
export function failureOf(error: unknown): TaskFailed {
  if (error instanceof TaskFailed) return error;
  const { message } = error as Error;
  const isAws = typeof (error as { $metadata?: unknown }).$metadata === "object";
  return new TaskFailed(isAws ? "aws" : "internal", message, { cause: error });
}
