import type * as pulumi from "@pulumi/pulumi";
import { type Alarm, minute } from "./alarm";

/**
 * What brings SageMaker's results back fails in three quarters of an hour in a row, each with a sweep:
 * one failure Lambda's own tries make good (two more, within two quarters), or the next sweep. A single
 * notification that cannot be settled is no error of the function's, but a dead letter in the end.
 *
 * Source: Lambda developer guide, "Types of metrics for Lambda functions".
 */
export function resultsErrorsAlarm(functionName: pulumi.Input<string>): Alarm {
  return [
    "task-results-errors",
    `What brings SageMaker's results back fails: tasks stay queued. Look into the function's log (docs/how-to/on-call.md, "A managed endpoint").`,
    {
      namespace: "AWS/Lambda",
      metricName: "Errors",
      dimensions: { FunctionName: functionName },
      statistic: "Sum",
      period: 15 * minute,
      evaluationPeriods: 3,
      comparisonOperator: "GreaterThanThreshold",
      threshold: 0,
      treatMissingData: "notBreaching",
    },
  ];
}
