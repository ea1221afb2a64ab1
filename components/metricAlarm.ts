import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { cloudWatchAlarm } from "../fleet/names";
import type { Alarm } from "./alarm";
import { nameIn, type Scope } from "./scope";

/** Physical name of an alarm, known before it exists. */
export function alarmNameIn(scope: Pick<Scope, "project" | "stack">, part: string): string {
  return nameIn(scope, part, cloudWatchAlarm);
}

/**
 * An alarm that tells `topicArn` of its beginning and its end.
 *
 * @param name of the resource
 */
export function createMetricAlarm(
  scope: Scope,
  topicArn: pulumi.Input<string>,
  alarm: Alarm,
  opts: pulumi.ResourceOptions,
  name = alarm[0],
): aws.cloudwatch.MetricAlarm {
  return create(name, scope, alarm, { alarmActions: [topicArn], okActions: [topicArn] }, opts);
}

/** An alarm that a scaling policy acts on, and that nobody is told of. */
export function createScalingAlarm(
  scope: Scope,
  policy: aws.appautoscaling.Policy,
  alarm: Alarm,
  opts: pulumi.ResourceOptions,
): aws.cloudwatch.MetricAlarm {
  return create(alarm[0], scope, alarm, { alarmActions: [policy.arn] }, opts);
}

function create(
  name: string,
  scope: Scope,
  [part, description, rest]: Alarm,
  actions: Pick<aws.cloudwatch.MetricAlarmArgs, "alarmActions" | "okActions">,
  opts: pulumi.ResourceOptions,
): aws.cloudwatch.MetricAlarm {
  return new aws.cloudwatch.MetricAlarm(
    name,
    {
      name: alarmNameIn(scope, part),
      alarmDescription: `${scope.project} ${scope.stack}: ${description}`,
      ...actions,
      ...rest,
    },
    opts,
  );
}
