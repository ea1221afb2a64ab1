import { RUNTIME_DIMENSION, STACK_DIMENSION } from "../../contracts/metrics";

export interface Metric {
  readonly name: string;
  readonly unit: "Count" | "Seconds";
  readonly value: number;
}

export interface EmbeddedMetricsOptions {
  readonly namespace: string;
  readonly stack: string;
  readonly runtime: string;
  /** Default: standard output, which the node's Fluent Bit reads. */
  readonly write?: (line: string) => void;
}

/**
 * Metrics as lines of the log, from which CloudWatch makes them: no calls, no permission. On their
 * way Fluent Bit has to leave them as they are (components/embeddedMetrics.ts).
 *
 * Source: Amazon CloudWatch user guide, "Specification: Embedded metric format".
 */
export class EmbeddedMetrics {
  readonly #options: EmbeddedMetricsOptions;

  constructor(options: EmbeddedMetricsOptions) {
    this.#options = options;
  }

  publish(metrics: readonly Metric[]): void {
    const { namespace, stack, runtime, write = writeLine } = this.#options;
    write(
      JSON.stringify({
        _aws: {
          Timestamp: Date.now(),
          CloudWatchMetrics: [
            {
              Namespace: namespace,
              Dimensions: [[STACK_DIMENSION, RUNTIME_DIMENSION]],
              Metrics: metrics.map(({ name, unit }) => ({ Name: name, Unit: unit })),
            },
          ],
        },
        [STACK_DIMENSION]: stack,
        [RUNTIME_DIMENSION]: runtime,
        ...Object.fromEntries(metrics.map(({ name, value }) => [name, value])),
      }),
    );
  }
}

function writeLine(line: string): void {
  process.stdout.write(`${line}\n`);
}
