import type * as aws from "@pulumi/aws";

/** One alarm of an environment, before it has its topic and its full name. */
export type Alarm = readonly [part: string, description: string, rest: AlarmRest];

/** What is watched, and that somebody has thought about missing data. */
export type AlarmRest = Omit<aws.cloudwatch.MetricAlarmArgs, "name" | "alarmDescription"> & {
  readonly treatMissingData: "missing" | "notBreaching" | "breaching";
};

/** Seconds of the period that metrics of the fleet are looked at in. */
export const minute = 60;

/** One metric of a resource, and what of a period's values counts. */
type Watched = Required<
  Pick<aws.cloudwatch.MetricAlarmArgs, "namespace" | "metricName" | "dimensions" | "statistic">
>;

/** More than `threshold` in five minutes. No data is nothing that could be too much. */
export function aboveInFiveMinutes(threshold: number, watched: Watched): AlarmRest {
  return {
    ...watched,
    period: 5 * minute,
    evaluationPeriods: 1,
    comparisonOperator: "GreaterThanThreshold",
    threshold,
    treatMissingData: "notBreaching",
  };
}
