/** CloudWatch's metrics: who publishes what when, and what an alarm can see of it. */

import { evaluateMetricMath, type Series } from "./metricMath";
import { Samples, type Statistic } from "./samples";

export interface Dimension {
  readonly Name: string;
  readonly Value: string;
}

export interface MetricName {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly Dimension[];
}

/** One metric's statistic, or an expression over several; names as in the API. */
export interface MetricQuery {
  readonly Id: string;
  readonly MetricStat?: { readonly Metric: MetricName; readonly Stat: string };
  readonly Expression?: string;
  readonly Label?: string;
  readonly ReturnData?: boolean;
}

/**
 * Metrics by namespace, name and dimensions: a query with a dimension too many or a stray space in
 * a name finds nothing, as in CloudWatch.
 */
export class CloudWatch {
  readonly #metrics = new Map<string, Samples>();

  put(metric: MetricName, atSeconds: number, value: number): void {
    const key = keyOf(metric);
    let samples = this.#metrics.get(key);
    if (!samples) {
      samples = new Samples();
      this.#metrics.set(key, samples);
    }
    samples.put(atSeconds, value);
  }

  /** The values of the periods that start in [from, to). */
  series(queries: readonly MetricQuery[], periodSeconds: number, from: number, to: number): Series {
    const metrics: Record<string, Series> = {};
    for (const { Id, MetricStat } of queries) {
      if (!MetricStat) continue;
      const samples = this.#metrics.get(keyOf(MetricStat.Metric));
      const statistic = MetricStat.Stat as Statistic;
      metrics[Id] = samples?.series(statistic, periodSeconds, from, to) ?? new Map();
    }
    const returned = queries.find((query) => query.ReturnData ?? true)!;
    if (!returned.Expression) return metrics[returned.Id]!;
    const window = { fromSeconds: from, toSeconds: to, periodSeconds };
    return evaluateMetricMath(returned.Expression, metrics, window);
  }
}

function keyOf({ Namespace, MetricName, Dimensions = [] }: MetricName): string {
  const dimensions = Dimensions.map(({ Name, Value }) => `${Name}=${Value}`).sort();
  return JSON.stringify([Namespace, MetricName, dimensions]);
}
