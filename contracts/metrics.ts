/** CloudWatch metrics that the servers publish and the ScaledObjects, dashboards and alarms read. */

/** The namespace of seed 001. Servers may publish to this one only. */
export const METRIC_NAMESPACE = "hw-agnostic-infer";

/** The dimension that keeps two stacks of one account apart. */
export const STACK_DIMENSION = "stack";

/** Served images, one count each; published by every pod, zeros too. */
export function counterMetric(unit: string): string {
  return `${unit}-counter`;
}

/** Requests in flight in one pod; every ready pod publishes its own, so the average is per replica. */
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

// What the fail-over controller's leader publishes every minute, with the dimension `stack`.

/** 1 from the leader: that it is there, and sees the cluster. */
export const FAILOVER_HEARTBEAT_METRIC = "failover-heartbeat";

/** What went wrong in the minute, in the controller or between it and an API, one count each. */
export const FAILOVER_ERRORS_METRIC = "failover-errors";

/** Moves of a model's traffic by fail-over, there or back, one count each. */
export function failoverSwitchesMetric(model: string): string {
  return `${model}-failover-switches`;
}

/** What a model's route does: 0 in cost mode, 1 in capacity mode. */
export function failoverModeMetric(model: string): string {
  return `${model}-failover-mode`;
}

/** Units of a model that are short of machines, a count. */
export function unitsShortMetric(model: string): string {
  return `${model}-units-short`;
}

// What the asynchronous path publishes, with the dimensions `stack` and `runtime`.

/** The dimension that tells runtimes apart. */
export const RUNTIME_DIMENSION = "runtime";

/** Tasks that ended, one count each, by how. */
export const TASKS_COMPLETED_METRIC = "tasks-completed";
export const TASKS_FAILED_METRIC = "tasks-failed";
/** Attempts that came to nothing and are tried again. */
export const TASKS_RETRIED_METRIC = "tasks-retried";
/** Images that were stored. */
export const TASK_IMAGES_METRIC = "task-images";
/** Seconds from the API to the first attempt. */
export const TASK_WAIT_METRIC = "task-queue-wait";
/** Seconds that the runtime took. */
export const TASK_RUN_METRIC = "task-run";
/** Tasks that the API took, one count each. */
export const TASKS_SUBMITTED_METRIC = "tasks-submitted";

// What the API publishes about its requests, with the dimension `stack`.

/** Requests that it refused (4xx), one count each. */
export const TASK_API_REFUSED_METRIC = "task-api-refused";
/** Requests that it could not do (5xx), one count each. */
export const TASK_API_FAILED_METRIC = "task-api-failed";

// What the API publishes about the requests of managed runtimes.

/** A metric by all that names it: CloudWatch finds it with just these dimensions. */
export interface NamedMetric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/**
 * Requests to a managed runtime, one sample of 1 for each that is served from the cache and for each
 * that is not: the second input of the usage rate.
 *
 * Source: seed 000, "Custom scaling policies using Amazon CloudWatch metrics", `m2`. Two slips of its
 * excerpt are put right: the spaces around the metric's name, and Node's version in `executionEnv`
 * (`AWS_Lambda_nodejs18.x`), with which an update of Node would leave the policy without its metric.
 * `endpoint` is ours, so that endpoints of one region do not count each other's requests.
 *
 * @param endpoint its physical name
 */
export function usageRequestsMetric(endpoint: string, region: string): NamedMetric {
  return {
    namespace: "ImageGenAPI",
    name: "NumberOfInferenceRequests",
    dimensions: {
      service: "ImageGenerator",
      executionEnv: "AWS_Lambda",
      region,
      endpoint,
    },
  };
}
