import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { Alarms, type DeadLetters } from "../components/alarms";
import { AlarmTopic } from "../components/alarmTopic";
import { Budget, CostAllocationTags } from "../components/budget";
import { Dashboard } from "../components/dashboard";
import type { DashboardEndpoint } from "../components/endpointRow";
import { deadLetterQueueName, runtimeQueueName } from "../components/runtimeQueueName";
import type { Scope } from "../components/scope";
import type { AlarmedApi } from "../components/taskApiAlarms";
import type { AlarmedTopic } from "../components/topicAlarm";
import type { FleetConfig } from "./config/schema";
import type { ResolvedModel } from "./resolve";
import type { ResolvedRuntime } from "./resolveRuntimes";
import { needsCluster } from "./servingPaths";

export interface ObservabilityArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
  readonly models: readonly ResolvedModel[];
  readonly runtimes: readonly ResolvedRuntime[];
  readonly topic: AlarmTopic;
  readonly deadLetters: readonly DeadLetters[];
  /** Absent: the asynchronous path is off. */
  readonly taskApi: AlarmedApi | undefined;
  /** Absent: there are no managed runtimes. */
  readonly resultsFunctionName: pulumi.Input<string> | undefined;
  readonly alarmedTopics: readonly AlarmedTopic[];
  readonly endpoints: readonly DashboardEndpoint[];
  /** Absent: there is none. */
  readonly loadBalancerName: string | undefined;
  /** Keys of the tags that tell this environment's costs from another's. */
  readonly costTags: readonly string[];
}

/** Whom alarms and failed runs are reported to. */
export function alarmTopic(
  scope: Scope,
  { observability }: FleetConfig,
  awsProvider: aws.Provider,
): AlarmTopic {
  return new AlarmTopic(
    "alarms",
    { scope, emails: observability.alarmEmails },
    { providers: { aws: awsProvider } },
  );
}

/** What shows an environment's state and cost, and tells when something is wrong with either. */
export function observability(
  args: ObservabilityArgs,
  awsProvider: aws.Provider,
): { readonly dashboard: string | undefined } {
  const { scope, config, models, topic } = args;
  const { observability: wanted, scaling, namespace } = config;
  const opts = { providers: { aws: awsProvider } };
  const units = models.flatMap((model) => model.units);
  const failoverModels = config.failover.enabled ? models.map(({ name }) => name) : [];
  const containerInsights =
    needsCluster(config) &&
    config.cluster.existing === undefined &&
    config.cluster.addons.cloudwatchObservability !== undefined;

  new Alarms(
    "alarms",
    {
      scope,
      topicArn: topic.arn,
      units: units.map(({ name, latencySeconds, config: unit }) => ({
        name,
        latencySeconds,
        minReplicas: unit.replicas.min,
      })),
      runtimes: args.runtimes.map(({ name, config: runtime }) => ({
        name,
        queueName: runtimeQueueName(scope, name),
        waitMinutes: wanted.taskWaitMinutes,
        longestTaskSeconds: runtime.longestTaskSeconds,
      })),
      namespace,
      latencyObjectiveMs: scaling.latencyObjectiveMs,
      pendingMinutes: wanted.pendingMinutes,
      deadLetters: args.deadLetters,
      taskApi: args.taskApi,
      resultsFunctionName: args.resultsFunctionName,
      topics: args.alarmedTopics,
      containerInsights,
      loadBalancer: args.loadBalancerName !== undefined,
      failoverModels,
    },
    opts,
  );
  if (wanted.budget !== undefined) new Budget("budget", { scope, ...wanted.budget }, opts);
  if (wanted.activateCostTags) new CostAllocationTags("cost-tags", args.costTags, opts);
  const dashboard = wanted.dashboard
    ? new Dashboard(
        "dashboard",
        {
          scope,
          units: units.map((unit) => ({
            name: unit.name,
            model: unit.model,
            family: unit.accelerator.family,
            weight: unit.weight,
            targets: unit.counterTargets,
            pricePerHour: unit.pricePerHour,
          })),
          runtimes: args.runtimes.map(({ name }) => ({
            name,
            queueName: runtimeQueueName(scope, name),
            deadLetterQueueName: deadLetterQueueName(scope, name),
          })),
          endpoints: args.endpoints,
          namespace,
          ...(args.loadBalancerName === undefined
            ? {}
            : { loadBalancerName: args.loadBalancerName }),
          latencyObjectiveSeconds: scaling.latencyObjectiveMs / 1000,
          containerInsights,
          failoverModels,
        },
        opts,
      )
    : undefined;
  return { dashboard: dashboard?.name };
}
