import {
  FAILOVER_ERRORS_METRIC,
  FAILOVER_HEARTBEAT_METRIC,
  failoverModeMetric,
  failoverSwitchesMetric,
  METRIC_NAMESPACE,
  STACK_DIMENSION,
  unitsShortMetric,
} from "../contracts/metrics";

/** A graph of the dashboard's fail-over row: its title and CloudWatch's lists of metrics. */
export interface FailoverGraph {
  readonly title: string;
  readonly metrics: readonly (readonly unknown[])[];
}

/** What fail-over has done and seen, model by model, and whether its controller is well. */
export function failoverGraphs(models: readonly string[], stack: string): readonly FailoverGraph[] {
  const metric = (name: string, stat: string, label: string) => [
    METRIC_NAMESPACE,
    name,
    STACK_DIMENSION,
    stack,
    { stat, label },
  ];
  const perModel = (name: (model: string) => string, stat: string) =>
    models.map((model) => metric(name(model), stat, model));
  return [
    { title: "Mode: 0 cost, 1 capacity", metrics: perModel(failoverModeMetric, "Maximum") },
    { title: "Units short of machines", metrics: perModel(unitsShortMetric, "Maximum") },
    { title: "Switches per minute", metrics: perModel(failoverSwitchesMetric, "Sum") },
    {
      title: "Controller, per minute",
      metrics: [
        metric(FAILOVER_HEARTBEAT_METRIC, "SampleCount", "reports"),
        metric(FAILOVER_ERRORS_METRIC, "Sum", "errors"),
      ],
    },
  ];
}
