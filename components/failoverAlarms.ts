import {
  FAILOVER_HEARTBEAT_METRIC,
  failoverSwitchesMetric,
  METRIC_NAMESPACE,
  STACK_DIMENSION,
} from "../contracts/metrics";
import { type Alarm, minute } from "./alarm";

/** Minutes without a word of the controller until an alarm: a change of leader takes less than one. */
const silentMinutes = 5;

/** Fail-over has moved a model's traffic, away from what is configured or back. */
export function switchAlarm(model: string, stack: string): Alarm {
  return [
    `model-${model}-failover`,
    `Fail-over has moved the traffic of ${model}; \`fleet routes\` and the route's events say why.`,
    {
      namespace: METRIC_NAMESPACE,
      metricName: failoverSwitchesMetric(model),
      dimensions: { [STACK_DIMENSION]: stack },
      statistic: "Sum",
      period: minute,
      evaluationPeriods: 1,
      comparisonOperator: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      treatMissingData: "notBreaching",
      // A message, not a state: that the minute is over is no news.
      okActions: [],
    },
  ];
}

/** Nobody watches: traffic stays where it is, whatever is sold out. */
export function silentControllerAlarm(stack: string): Alarm {
  return [
    "failover-silent",
    `The fail-over controller has not reported for ${silentMinutes} minutes: traffic stays where it is.`,
    {
      namespace: METRIC_NAMESPACE,
      metricName: FAILOVER_HEARTBEAT_METRIC,
      dimensions: { [STACK_DIMENSION]: stack },
      statistic: "SampleCount",
      period: minute,
      evaluationPeriods: silentMinutes,
      datapointsToAlarm: silentMinutes,
      comparisonOperator: "LessThanThreshold",
      threshold: 1,
      treatMissingData: "breaching",
    },
  ];
}
