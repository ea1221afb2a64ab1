import {
  CloudWatchClient,
  type MetricDatum,
  PutMetricDataCommand,
} from "@aws-sdk/client-cloudwatch";
import type { ModelStatus } from "../../contracts/failover";
import {
  FAILOVER_ERRORS_METRIC,
  FAILOVER_HEARTBEAT_METRIC,
  failoverModeMetric,
  failoverSwitchesMetric,
  METRIC_NAMESPACE,
  STACK_DIMENSION,
  unitsShortMetric,
} from "../../contracts/metrics";

/** Metrics in one request at most (CloudWatch's quota is 1,000). */
const perRequest = 500;

/** What has happened since the last heartbeat. */
export interface Minute {
  readonly statuses: readonly ModelStatus[];
  /** Switches by model. */
  readonly switches: ReadonlyMap<string, number>;
  readonly errors: number;
}

/** Publishes to CloudWatch that the controller is there, and what the alarms and dashboard show. */
export class Heartbeat {
  readonly #client = new CloudWatchClient({ maxAttempts: 3 });
  readonly #stack: string;

  /** Region and credentials are the environment's. */
  constructor(stack: string) {
    this.#stack = stack;
  }

  /** Rejects as the SDK does. */
  async beat({ statuses, switches, errors }: Minute): Promise<void> {
    const data: MetricDatum[] = [
      this.#datum(FAILOVER_HEARTBEAT_METRIC, 1),
      this.#datum(FAILOVER_ERRORS_METRIC, errors),
      ...statuses.flatMap(({ model, mode, units }) => [
        this.#datum(failoverModeMetric(model), mode === "capacity" ? 1 : 0),
        this.#datum(failoverSwitchesMetric(model), switches.get(model) ?? 0),
        this.#datum(
          unitsShortMetric(model),
          Object.values(units).filter(({ state }) => state === "short").length,
        ),
      ]),
    ];
    for (let start = 0; start < data.length; start += perRequest)
      await this.#client.send(
        new PutMetricDataCommand({
          Namespace: METRIC_NAMESPACE,
          MetricData: data.slice(start, start + perRequest),
        }),
      );
  }

  #datum(name: string, value: number): MetricDatum {
    return {
      MetricName: name,
      Dimensions: [{ Name: STACK_DIMENSION, Value: this.#stack }],
      Unit: "Count",
      Value: value,
    };
  }
}
