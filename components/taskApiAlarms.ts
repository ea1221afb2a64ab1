import type * as pulumi from "@pulumi/pulumi";
import { type Alarm, aboveInFiveMinutes } from "./alarm";

/** The tasks' API, as its alarms see it. */
export interface AlarmedApi {
  readonly apiName: pulumi.Input<string>;
  readonly stage: pulumi.Input<string>;
  /** Behind it. */
  readonly functionName: pulumi.Input<string>;
}

/**
 * Answers 5xx in five minutes that are too many: clients ask again, and one that AWS did not answer
 * in time is no alarm.
 */
const errorsInFiveMinutes = 5;

/**
 * The API answers 5xx too often: the function's own, and those that API Gateway gives where the
 * function fails or cannot be invoked.
 *
 * Source: API Gateway developer guide, "Amazon API Gateway dimensions and metrics".
 */
export function apiErrorsAlarm({ apiName, stage }: AlarmedApi): Alarm {
  return [
    "task-api-errors",
    `The task API answers 5xx more than ${errorsInFiveMinutes} times in five minutes: tasks are not taken. Look into its access log for the status, then into the function's log (docs/how-to/on-call.md, "The task API fails").`,
    aboveInFiveMinutes(errorsInFiveMinutes, {
      namespace: "AWS/ApiGateway",
      metricName: "5XXError",
      dimensions: { ApiName: apiName, Stage: stage },
      statistic: "Sum",
      // No data is no request.
    }),
  ];
}

/**
 * Lambda has not run the function for a request: it is one of all the account's functions in the
 * region, which share a number of runs at once. Clients see a 500 that says nothing of it.
 *
 * Source: Lambda developer guide, "Types of metrics for Lambda functions".
 */
export function apiThrottledAlarm({ functionName }: AlarmedApi): Alarm {
  return [
    "task-api-throttled",
    `Lambda has no room for the task API's function: ask for more concurrent executions, or find out who has them (docs/how-to/on-call.md, "The task API fails").`,
    aboveInFiveMinutes(0, {
      namespace: "AWS/Lambda",
      metricName: "Throttles",
      dimensions: { FunctionName: functionName },
      statistic: "Sum",
    }),
  ];
}
