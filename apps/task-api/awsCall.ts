import { Problem } from "./problem";

/** AWS did not do what it was asked. */
export class AwsUnavailable extends Problem {
  override readonly name = "AwsUnavailable";
  /** What was asked, e.g. `SNS Publish`. */
  readonly call: string;

  constructor(call: string, cause: unknown) {
    super("unavailable", "AWS could not be asked. Repeat the request.", [], { cause });
    this.call = call;
  }
}

/**
 * What AWS answers.
 *
 * @throws AwsUnavailable whatever went wrong
 */
export async function ask<T>(call: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new AwsUnavailable(call, error);
  }
}
