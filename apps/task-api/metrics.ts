import { type Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import {
  RUNTIME_DIMENSION,
  STACK_DIMENSION,
  TASK_API_FAILED_METRIC,
  TASK_API_REFUSED_METRIC,
  TASKS_SUBMITTED_METRIC,
  usageRequestsMetric,
} from "../../contracts/metrics";

/** Counts a request, as EMF on standard output: what it submitted, or that it was refused or failed. */
export function publishMetrics(
  metrics: Metrics,
  stack: string,
  status: number,
  submitted: { readonly runtime: string } | undefined,
): void {
  if (submitted !== undefined)
    count(metrics, TASKS_SUBMITTED_METRIC, {
      [STACK_DIMENSION]: stack,
      [RUNTIME_DIMENSION]: submitted.runtime,
    });
  if (status >= 400)
    count(metrics, status >= 500 ? TASK_API_FAILED_METRIC : TASK_API_REFUSED_METRIC, {
      [STACK_DIMENSION]: stack,
    });
}

/** Counts a request to a managed runtime, as EMF, under the name that its endpoint scales by. */
export function publishUsage(usage: Metrics, endpoint: string, region: string): void {
  const { name, dimensions } = usageRequestsMetric(endpoint, region);
  count(usage, name, { ...dimensions });
}

function count(metrics: Metrics, name: string, dimensions: Record<string, string>): void {
  // Of its own, because one EMF object has one set of dimensions.
  const single = metrics.singleMetric();
  // Powertools adds `service`, by which alarms and dashboards would not find it.
  single.clearDefaultDimensions();
  single.addDimensions(dimensions);
  single.addMetric(name, MetricUnit.Count, 1);
}
