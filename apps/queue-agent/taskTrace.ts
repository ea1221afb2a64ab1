/** Where a task's time goes, for whoever follows its trace from the API on. */

import type { Task } from "./taskMessage";

export type StepName = "inputs" | "run" | "store";

/** One task's part of a trace. */
export interface TaskTrace {
  /** @param work gets the W3C headers that make what it asks for a part of the step */
  step<T>(
    name: StepName,
    work: (headers: Readonly<Record<string, string>>) => Promise<T>,
  ): Promise<T>;
  /** @param failure why nothing came of it */
  end(failure?: string): void;
}

export interface Tracing {
  received(
    task: Task,
    delivery: { readonly receiveCount: number; readonly sentAtMs: number },
  ): TaskTrace;
  /** Sends what is not sent yet. */
  stop(): Promise<void>;
}
