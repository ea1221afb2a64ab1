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
