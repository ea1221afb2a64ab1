import type * as aws from "@pulumi/aws";

/** One alarm of an environment, before it has its topic and its full name. */
export type Alarm = readonly [part: string, description: string, rest: AlarmRest];

/** What is watched, and that somebody has thought about missing data. */
export type AlarmRest = Omit<aws.cloudwatch.MetricAlarmArgs, "name" | "alarmDescription"> & {
  readonly treatMissingData: "missing" | "notBreaching" | "breaching";
};

/** Seconds of the period that metrics of the fleet are looked at in. */
export const minute = 60;
