import type * as pulumi from "@pulumi/pulumi";
import { type Alarm, type AlarmRest, minute } from "./alarm";
import { SAGEMAKER_METRICS } from "./backlogScaling";
import { VARIANT } from "./endpointMachines";

/** What answers requests at once, as its alarms see it: a variant, or an inference component. */
export interface AlarmedServer {
  /** Part of the alarms' names. */
  readonly name: string;
  /** Its physical name. */
  readonly called: string;
  /** What its metrics go by. */
  readonly dimensions: Readonly<Record<string, pulumi.Input<string>>>;
}

/** A variant's metrics. */
export function variantDimensions(endpointName: string) {
  return { EndpointName: endpointName, VariantName: VARIANT };
}

/** An inference component's metrics. */
export function componentDimensions(inferenceComponentName: string) {
  return { InferenceComponentName: inferenceComponentName };
}

/** Percent of the requests that the server may fail, and minutes until more of them are an alarm. */
const errorShare = 5;
const errorMinutes = 5;

/** Milliseconds that SageMaker may add to a request, on the average of five minutes. */
const overheadMs = 1000;

/** Periods of five minutes in which requests find no copy until it is an alarm: a first one takes as long. */
const noCapacityPeriods = 3;

/** The names of the alarms that take an update back: a role may look at them. */
export function serverErrorsPart(name: string): string {
  return `${name}-errors`;
}
export function newFleetErrorsPart(name: string): string {
  return `${name}-new-fleet-errors`;
}

/**
 * The server has answered 5xx, or not at all. Model errors are all answers but 2xx, so what the
 * server refuses (4xx) is taken off.
 *
 * Source of all metrics here: SageMaker developer guide, "Amazon SageMaker AI metrics in Amazon
 * CloudWatch", "SageMaker AI endpoint invocation metrics" (names, dimensions, units: microseconds).
 */
export function serverErrorsAlarm({ name, called, dimensions }: AlarmedServer): Alarm {
  return [
    serverErrorsPart(name),
    `More than ${errorShare} % of the requests to ${called} have failed for ${errorMinutes} minutes.`,
    {
      ...shareOfErrors(dimensions),
      evaluationPeriods: errorMinutes,
      datapointsToAlarm: errorMinutes,
    },
  ];
}

/**
 * The same of a new fleet alone, which SageMaker tells apart by its configuration: two minutes of it
 * take an update back. An old fleet that is failing so cannot keep a better one from taking over.
 *
 * Source: SageMaker developer guide, "Auto-Rollback Configuration and Monitoring".
 */
export function newFleetErrorsAlarm(
  { name, called, dimensions }: AlarmedServer,
  configurationName: pulumi.Input<string>,
): Alarm {
  return [
    newFleetErrorsPart(name),
    `More than ${errorShare} % of the requests to the newest version of ${called} have failed: an update is taken back.`,
    {
      ...shareOfErrors({ ...dimensions, EndpointConfigName: configurationName }),
      evaluationPeriods: 2,
      datapointsToAlarm: 2,
    },
  ];
}

function shareOfErrors(dimensions: AlarmedServer["dimensions"]) {
  const perMinute = (id: string, metricName: string) => ({
    id,
    metric: { namespace: SAGEMAKER_METRICS, metricName, dimensions, period: minute, stat: "Sum" },
    returnData: false,
  });
  return {
    metricQueries: [
      {
        id: "share",
        expression: "IF(requests > 0, 100 * (failed - refused) / requests, 0)",
        label: "errors, %",
        returnData: true,
      },
      perMinute("requests", "Invocations"),
      perMinute("failed", "InvocationModelErrors"),
      perMinute("refused", "Invocation4XXErrors"),
    ],
    comparisonOperator: "GreaterThanThreshold",
    threshold: errorShare,
    // Without requests there is no data.
    treatMissingData: "notBreaching",
  } satisfies Partial<AlarmRest>;
}

/** SageMaker itself takes long: more requests than it can hand on, or an answer that is too large. */
export function overheadAlarm({ name, called, dimensions }: AlarmedServer): Alarm {
  return [
    `${name}-overhead`,
    `SageMaker has added more than ${overheadMs} ms to requests to ${called} for five minutes.`,
    {
      namespace: SAGEMAKER_METRICS,
      metricName: "OverheadLatency",
      dimensions,
      statistic: "Average",
      period: 5 * minute,
      evaluationPeriods: 1,
      comparisonOperator: "GreaterThanThreshold",
      threshold: overheadMs * 1000,
      treatMissingData: "notBreaching",
    },
  ];
}

/** Somebody asks an inference component, and there is still no copy: no machine, or one that does not start. */
export function noCapacityAlarm({ name, called, dimensions }: AlarmedServer): Alarm {
  return [
    `${name}-no-capacity`,
    `Requests to ${called} have found no copy for ${noCapacityPeriods * 5} minutes: no machines, or a model that does not start.`,
    {
      namespace: SAGEMAKER_METRICS,
      metricName: "NoCapacityInvocationFailures",
      dimensions,
      statistic: "Sum",
      period: 5 * minute,
      evaluationPeriods: noCapacityPeriods,
      datapointsToAlarm: noCapacityPeriods,
      comparisonOperator: "GreaterThanThreshold",
      threshold: 0,
      treatMissingData: "notBreaching",
    },
  ];
}
