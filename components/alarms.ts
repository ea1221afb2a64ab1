import * as pulumi from "@pulumi/pulumi";
import {
  counterMetric,
  errorMetric,
  latencyMetric,
  METRIC_NAMESPACE,
  STACK_DIMENSION,
} from "../contracts/metrics";
import { STACK_TAG } from "../contracts/tags";
import { type Alarm, aboveInFiveMinutes, minute } from "./alarm";
import {
  CONTAINER_INSIGHTS,
  FAILED_NODES,
  REPLICAS_DESIRED,
  REPLICAS_READY,
  workloadDimensions,
} from "./containerInsights";
import { silentControllerAlarm, switchAlarm } from "./failoverAlarms";
import { createMetricAlarm } from "./metricAlarm";
import { type AlarmedRuntime, oldestTaskAlarm } from "./runtimeAlarms";
import type { Scope } from "./scope";
import { type AlarmedApi, apiErrorsAlarm, apiThrottledAlarm } from "./taskApiAlarms";
import { resultsErrorsAlarm } from "./taskResultsAlarm";
import { type AlarmedTopic, undeliveredAlarm } from "./topicAlarm";

export interface AlarmsArgs {
  readonly scope: Scope;
  /** Who is told, of an alarm and of its end. */
  readonly topicArn: pulumi.Input<string>;
  readonly units: readonly AlarmedUnit[];
  readonly runtimes: readonly AlarmedRuntime[];
  /** What takes the runtimes' tasks; absent: the asynchronous path is off. */
  readonly taskApi?: AlarmedApi | undefined;
  /** What brings the results of managed runtimes back; absent: there are none. */
  readonly resultsFunctionName?: pulumi.Input<string> | undefined;
  readonly topics: readonly AlarmedTopic[];
  /** Namespace of the units' Deployments. */
  readonly namespace: string;
  /** Milliseconds that an image may take. */
  readonly latencyObjectiveMs: number;
  /** Minutes of missing replicas until an alarm. */
  readonly pendingMinutes: number;
  readonly deadLetters: readonly DeadLetters[];
  /** Whether the cluster publishes Container Insights. */
  readonly containerInsights: boolean;
  /** Whether there is a load balancer, which carries the environment's tags. */
  readonly loadBalancer: boolean;
  /** Models whose traffic fail-over moves; empty: it is off. */
  readonly failoverModels: readonly string[];
}

/** A dead-letter queue, which is empty as long as all is well. */
export interface DeadLetters {
  /** Part of the alarm's name. */
  readonly name: string;
  /** What has happened when there is a message in it. */
  readonly of: string;
  readonly queueName: pulumi.Input<string>;
}

export interface AlarmedUnit {
  readonly name: string;
  /** Seconds per image at its breaking point. */
  readonly latencySeconds: number;
  /** Replicas at least: a unit that may have none is not missed. */
  readonly minReplicas: number;
}

/** Minutes beyond the objective, out of as many, until an alarm: one slow image is no alarm. */
const latencyMinutes = 5;

/** Percent of a unit's answers that may be 5xx, and minutes until more of them are an alarm. */
const errorShare = 5;
const errorMinutes = 5;

/** The load balancer's own answers 5xx in five minutes that are too many: a node that goes away costs a few. */
const errorsInFiveMinutes = 25;

/** The alarms of one environment. */
export class Alarms extends pulumi.ComponentResource {
  constructor(name: string, args: AlarmsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:Alarms", name, {}, opts);
    const alarm = (each: Alarm) =>
      createMetricAlarm(args.scope, args.topicArn, each, { parent: this }, `${name}-${each[0]}`);

    for (const unit of args.units) {
      alarm(latencyAlarm(unit, args));
      alarm(errorShareAlarm(unit, args));
      if (args.containerInsights) alarm(missingReplicasAlarm(unit, args));
      else if (unit.minReplicas > 0) alarm(silentUnitAlarm(unit, args));
    }
    for (const model of args.failoverModels) alarm(switchAlarm(model, args.scope.stack));
    if (args.failoverModels.length > 0) alarm(silentControllerAlarm(args.scope.stack));
    for (const runtime of args.runtimes) alarm(oldestTaskAlarm(runtime));
    if (args.taskApi !== undefined) {
      alarm(apiErrorsAlarm(args.taskApi));
      alarm(apiThrottledAlarm(args.taskApi));
    }
    if (args.resultsFunctionName !== undefined) alarm(resultsErrorsAlarm(args.resultsFunctionName));
    for (const topic of args.topics) alarm(undeliveredAlarm(topic));
    for (const queue of args.deadLetters) alarm(deadLettersAlarm(queue));
    if (args.loadBalancer) {
      alarm(gatewayErrorAlarm(args));
    }
    if (args.containerInsights) alarm(failedNodesAlarm(args));
    this.registerOutputs({});
  }
}

/**
 * Images take longer than the objective, or, on a unit that is measured to be slower than that at
 * its breaking point, a fifth longer than measured: otherwise its alarm would never end. No data is
 * no traffic, which is no alarm.
 */
function latencyAlarm(unit: AlarmedUnit, { scope, latencyObjectiveMs }: AlarmsArgs): Alarm {
  const limitMs = Math.max(latencyObjectiveMs, Math.round(unit.latencySeconds * 1200));
  return [
    `unit-${unit.name}-latency`,
    `90 % of ${unit.name}'s images shall take ${limitMs} ms at most.`,
    {
      namespace: METRIC_NAMESPACE,
      metricName: latencyMetric(unit.name),
      dimensions: { [STACK_DIMENSION]: scope.stack },
      extendedStatistic: "p90",
      evaluateLowSampleCountPercentiles: "ignore",
      period: minute,
      evaluationPeriods: latencyMinutes,
      datapointsToAlarm: latencyMinutes,
      comparisonOperator: "GreaterThanThreshold",
      threshold: limitMs / 1000,
      treatMissingData: "notBreaching",
    },
  ];
}

/**
 * A unit has fewer ready replicas than it wants: EC2 has no machine, or pods do not start. Without
 * data nobody knows, and the alarm says so (INSUFFICIENT_DATA) instead of all is well.
 */
function missingReplicasAlarm(unit: AlarmedUnit, args: AlarmsArgs): Alarm {
  const dimensions = workloadDimensions(args.scope.clusterName, args.namespace, unit.name);
  const replicas = (id: string, metricName: string, stat: string) => ({
    id,
    metric: { namespace: CONTAINER_INSIGHTS, metricName, dimensions, period: minute, stat },
    returnData: false,
  });
  return [
    `unit-${unit.name}-missing-replicas`,
    `${unit.name} has had fewer ready replicas than it wants for ${args.pendingMinutes} minutes: a shortage, or pods that do not start.`,
    {
      metricQueries: [
        {
          id: "missing",
          expression: "desired - ready",
          label: "replicas missing",
          returnData: true,
        },
        // The smallest demand and the most ready ones of a minute: a replica on its way is no miss.
        replicas("desired", REPLICAS_DESIRED, "Minimum"),
        replicas("ready", REPLICAS_READY, "Maximum"),
      ],
      evaluationPeriods: args.pendingMinutes,
      datapointsToAlarm: args.pendingMinutes,
      comparisonOperator: "GreaterThanThreshold",
      threshold: 0,
      treatMissingData: "missing",
    },
  ];
}

/**
 * A unit that shall have a replica publishes nothing. What remains without Container Insights:
 * every ready pod publishes its counter, zeros too, so no data is no pod.
 */
function silentUnitAlarm(unit: AlarmedUnit, { scope, pendingMinutes }: AlarmsArgs): Alarm {
  return [
    `unit-${unit.name}-silent`,
    `No replica of ${unit.name} has published a metric for ${pendingMinutes} minutes.`,
    {
      namespace: METRIC_NAMESPACE,
      metricName: counterMetric(unit.name),
      dimensions: { [STACK_DIMENSION]: scope.stack },
      statistic: "SampleCount",
      period: minute,
      evaluationPeriods: pendingMinutes,
      datapointsToAlarm: pendingMinutes,
      comparisonOperator: "LessThanThreshold",
      threshold: 1,
      treatMissingData: "breaching",
    },
  ];
}

/** Too large a share of a unit's answers are 5xx, by what its servers publish themselves. */
function errorShareAlarm(unit: AlarmedUnit, { scope }: AlarmsArgs): Alarm {
  const dimensions = { [STACK_DIMENSION]: scope.stack };
  const perMinute = (id: string, metricName: string) => ({
    id,
    metric: { namespace: METRIC_NAMESPACE, metricName, dimensions, period: minute, stat: "Sum" },
    returnData: false,
  });
  return [
    `unit-${unit.name}-errors`,
    `More than ${errorShare} % of ${unit.name}'s answers have been 5xx for ${errorMinutes} minutes.`,
    {
      metricQueries: [
        {
          id: "share",
          expression: "IF(errors + images > 0, 100 * errors / (errors + images), 0)",
          label: "errors, %",
          returnData: true,
        },
        perMinute("errors", errorMetric(unit.name)),
        perMinute("images", counterMetric(unit.name)),
      ],
      evaluationPeriods: errorMinutes,
      datapointsToAlarm: errorMinutes,
      comparisonOperator: "GreaterThanThreshold",
      threshold: errorShare,
      treatMissingData: "notBreaching",
    },
  ];
}

/**
 * The load balancer itself answers 5xx too often: no healthy target, or none that answers. Its id is
 * the controller's to know and an alarm cannot search, so a Metrics Insights query finds it by its
 * tag. That wants "resource tags on telemetry" switched on in the account, once; until then the
 * alarm finds nothing and stays quiet, which the description says, because no data is also what a
 * fleet without errors looks like.
 */
function gatewayErrorAlarm({ scope }: AlarmsArgs): Alarm {
  return [
    "gateway-errors",
    `The gateway answers 5xx more than ${errorsInFiveMinutes} times in five minutes. Wants resource tags on telemetry to be on in this account.`,
    {
      metricQueries: [
        {
          id: "errors",
          expression:
            'SELECT SUM("HTTPCode_ELB_5XX_Count") FROM SCHEMA("AWS/ApplicationELB", LoadBalancer) ' +
            `WHERE tag."${STACK_TAG}" = '${scope.stack}'`,
          period: 5 * minute,
          returnData: true,
        },
      ],
      evaluationPeriods: 1,
      comparisonOperator: "GreaterThanThreshold",
      threshold: errorsInFiveMinutes,
      // ELB publishes the metric only when there is an error.
      treatMissingData: "notBreaching",
    },
  ];
}

/** SQS says how many messages there are every minute while a queue is in use, and for six hours after. */
function deadLettersAlarm({ name, of, queueName }: DeadLetters): Alarm {
  return [
    `dead-letters-${name}`,
    `${of}: the message is in the dead-letter queue.`,
    aboveInFiveMinutes(0, {
      namespace: "AWS/SQS",
      metricName: "ApproximateNumberOfMessagesVisible",
      dimensions: { QueueName: queueName },
      statistic: "Maximum",
    }),
  ];
}

/** A node is there but not well. Without data nobody knows: the agent itself may be gone. */
function failedNodesAlarm({ scope }: AlarmsArgs): Alarm {
  return [
    "failed-nodes",
    "A node has had a condition that Kubernetes calls a problem for five minutes.",
    {
      namespace: CONTAINER_INSIGHTS,
      metricName: FAILED_NODES,
      dimensions: { ClusterName: scope.clusterName },
      statistic: "Maximum",
      period: minute,
      evaluationPeriods: 5,
      datapointsToAlarm: 5,
      comparisonOperator: "GreaterThanThreshold",
      threshold: 0,
      treatMissingData: "missing",
    },
  ];
}
