import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labels, RUNTIME_LABEL } from "../contracts/labels";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import type { TriggerAuthentication } from "./keda";
import { holdingFallback, type ScalingPace, scalingBehaviour } from "./scalingBehaviour";

/** Replicas for a planned event. */
export interface ScalingSchedule {
  /** Five-field cron expressions. */
  readonly start: string;
  readonly end: string;
  /** IANA time zone. */
  readonly timezone: string;
  readonly replicas: number;
}

export interface RuntimeScalingArgs extends ScalingPace {
  readonly namespace: pulumi.Input<string>;
  readonly deployment: kubernetes.apps.v1.Deployment;
  readonly region: string;
  readonly queueUrl: pulumi.Input<string>;
  readonly authentication: TriggerAuthentication;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Tasks in the queue, those in work included, per replica. */
  readonly tasksPerReplica: number;
  /** With no replica, tasks beyond which the first one is started. */
  readonly activationTasks: number;
  /** Seconds that the queue is empty before the last replica goes. */
  readonly idleSeconds: number;
  readonly schedules: readonly ScalingSchedule[];
  readonly pollingIntervalSeconds: number;
  readonly fallbackAfterFailures: number;
}

/** How KEDA scales one runtime: from zero, by the tasks in its queue and by planned events. */
export class RuntimeScaling extends pulumi.ComponentResource {
  constructor(name: string, args: RuntimeScalingArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:RuntimeScaling", name, {}, pulumiOptions(opts));
    new kubernetes.apiextensions.CustomResource(
      name,
      {
        apiVersion: "keda.sh/v1alpha1",
        kind: "ScaledObject",
        metadata: {
          name,
          namespace: args.namespace,
          labels: labels(name, { [RUNTIME_LABEL]: name }),
        },
        spec: scaledObjectSpec(name, args),
      },
      childOptions(this, opts, [args.deployment]),
    );
    this.registerOutputs({});
  }
}

function scaledObjectSpec(name: string, args: RuntimeScalingArgs) {
  return {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
    minReplicaCount: args.minReplicas,
    maxReplicaCount: args.maxReplicas,
    pollingInterval: args.pollingIntervalSeconds,
    // On the way from one replica to none, and there alone.
    cooldownPeriod: args.idleSeconds,
    fallback: holdingFallback(args.fallbackAfterFailures, args.minReplicas),
    advanced: scalingBehaviour(args),
    triggers: [queueTrigger(args), ...args.schedules.map(scheduleTrigger)],
  };
}

/**
 * Tasks in work count: while the last one runs, the queue is not empty. Delayed ones do not, since
 * nothing is sent with a delay.
 */
function queueTrigger(args: RuntimeScalingArgs) {
  return {
    type: "aws-sqs-queue",
    name: "tasks",
    metricType: "AverageValue",
    useCachedMetrics: true,
    metadata: {
      queueURL: args.queueUrl,
      queueLength: String(args.tasksPerReplica),
      activationQueueLength: String(args.activationTasks),
      scaleOnInFlight: "true",
      scaleOnDelayed: "false",
      awsRegion: args.region,
    },
    authenticationRef: { ...args.authentication },
  };
}

function scheduleTrigger({ start, end, timezone, replicas }: ScalingSchedule, index: number) {
  return {
    type: "cron",
    name: `schedule-${index + 1}`,
    metadata: { start, end, timezone, desiredReplicas: String(replicas) },
  };
}
