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

/** Sends nothing, and hands on what the message says. */
export const handedOnTracing: Tracing = {
  received: ({ traceHeaders }) => ({
    step: (_, work) => work(traceHeaders),
    end: () => {},
  }),
  stop: async () => {},
};

/**
 * Sends spans to an OTLP endpoint where there is one; what does so is loaded then only, as it takes
 * memory.
 */
export async function createTracing(options: {
  readonly endpoint: string | undefined;
  readonly stack: string;
  readonly runtime: string;
  readonly pod: string;
}): Promise<Tracing> {
  const { endpoint, ...names } = options;
  if (endpoint === undefined) return handedOnTracing;
  const { otlpTracing } = await import("./otlpTracing");
  return otlpTracing({ endpoint, ...names });
}
