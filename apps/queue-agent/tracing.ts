import type { Tracing } from "./taskTrace";

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
