import { type Alarm, aboveInFiveMinutes, minute } from "./alarm";
import { SAGEMAKER_METRICS } from "./backlogScaling";
import { VARIANT } from "./endpointMachines";

/** An asynchronous endpoint, as its alarms see it. */
export interface AlarmedAsyncEndpoint {
  /** Part of the alarms' names. */
  readonly name: string;
  readonly endpointName: string;
  /** Instances at most. */
  readonly maxInstances: number;
  /** Minutes that a request may wait. */
  readonly backlogAgeMinutes: number;
}

/** Failed requests in five minutes that may be their senders' mistakes; more are the endpoint's. */
const failuresInFiveMinutes = 2;

/** Periods of five minutes in a row in which the queue has to grow until it is an alarm. */
const growingPeriods = 3;

/** The name of {@link failedRequestsAlarm}, which takes an update back: its role may look at it. */
export function failedRequestsPart(name: string): string {
  return `${name}-errors`;
}

/**
 * The model has answered with an error, or not at all, or SageMaker could not get a request, store
 * an answer, or tell of one.
 *
 * It takes an update back as well. The metric does not tell the new fleet from the old one: an
 * endpoint that is failing already cannot be updated before it has been quiet for five minutes.
 *
 * Source of all metrics here: SageMaker developer guide, "Monitor asynchronous endpoint" (names,
 * dimensions, units: seconds for ages).
 */
export function failedRequestsAlarm({ name, endpointName }: AlarmedAsyncEndpoint): Alarm {
  return [
    failedRequestsPart(name),
    `More than ${failuresInFiveMinutes} requests to ${endpointName} have failed in five minutes: look at its log group and its failures in S3.`,
    aboveInFiveMinutes(failuresInFiveMinutes, {
      namespace: SAGEMAKER_METRICS,
      metricName: "InvocationFailures",
      dimensions: { EndpointName: endpointName, VariantName: VARIANT },
      statistic: "Sum",
    }),
  ];
}

/** The oldest request has waited for too long: no machines, a model that does not start, or too many requests. */
export function backlogAgeAlarm({
  name,
  endpointName,
  backlogAgeMinutes,
}: AlarmedAsyncEndpoint): Alarm {
  return [
    `${name}-backlog-age`,
    `A request to ${endpointName} has waited for more than ${backlogAgeMinutes} minutes: no machines, a model that does not start, or too many requests.`,
    aboveInFiveMinutes(backlogAgeMinutes * minute, {
      namespace: SAGEMAKER_METRICS,
      metricName: "ApproximateAgeOfOldestRequest",
      dimensions: { EndpointName: endpointName },
      statistic: "Maximum",
    }),
  ];
}

/**
 * The queue grows and the endpoint may have no more instances: nothing will help but a higher
 * maximum, or fewer requests.
 *
 * Instances are counted by the samples of their CPU, one a minute each ("Asynchronous inference
 * troubleshooting": "The count should be equal to the number of active instances").
 */
export function growingAtMaximumAlarm({
  name,
  endpointName,
  maxInstances,
}: AlarmedAsyncEndpoint): Alarm {
  const period = 5 * minute;
  return [
    `${name}-at-maximum`,
    `Requests to ${endpointName} have piled up for ${growingPeriods * 5} minutes with ${maxInstances} instances, the most that it may have.`,
    {
      metricQueries: [
        {
          id: "growing",
          // A sample that is late is no instance less.
          expression: `IF(samples / 5 > ${maxInstances - 0.5} AND DIFF(backlog) > 0, 1, 0)`,
          label: "grows at the maximum",
          returnData: true,
        },
        {
          id: "samples",
          metric: {
            namespace: "/aws/sagemaker/Endpoints",
            metricName: "CPUUtilization",
            dimensions: { EndpointName: endpointName, VariantName: VARIANT },
            period,
            stat: "SampleCount",
          },
          returnData: false,
        },
        {
          id: "backlog",
          metric: {
            namespace: SAGEMAKER_METRICS,
            metricName: "ApproximateBacklogSize",
            dimensions: { EndpointName: endpointName },
            period,
            stat: "Average",
          },
          returnData: false,
        },
      ],
      evaluationPeriods: growingPeriods,
      datapointsToAlarm: growingPeriods,
      comparisonOperator: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      treatMissingData: "notBreaching",
    },
  ];
}
