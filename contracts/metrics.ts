/** CloudWatch metrics that the servers publish and the ScaledObjects, dashboards and alarms read. */

/** The namespace of seed 001. Servers may publish to this one only. */
export const METRIC_NAMESPACE = "hw-agnostic-infer";

/** The dimension that keeps two stacks of one account apart. */
export const STACK_DIMENSION = "stack";

/** Served images, one count each; published by every pod, zeros too. */
export function counterMetric(unit: string): string {
  return `${unit}-counter`;
}

/** Requests in flight in one pod; every pod publishes its own, so the average is per replica. */
export function inFlightMetric(unit: string): string {
  return `${unit}-in-flight`;
}

/** Requests that the server answered with an error of its own (5xx), one count each; zeros too. */
export function errorMetric(unit: string): string {
  return `${unit}-errors`;
}

/** Time from request to answer, in seconds. */
export function latencyMetric(unit: string): string {
  return `${unit}-latency`;
}

/** The counter trigger's expression: Metrics Insights sums a unit's counter over its pods. */
export function counterExpression(unit: string, stack: string): string {
  return (
    `SELECT SUM("${counterMetric(unit)}") FROM SCHEMA("${METRIC_NAMESPACE}", ${STACK_DIMENSION}) ` +
    `WHERE ${STACK_DIMENSION} = '${stack}'`
  );
}
