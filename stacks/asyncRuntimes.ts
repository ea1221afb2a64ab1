import type { ContainerImage } from "../components/containerImage";
import type { NodePool } from "../components/nodePool";
import { type AgentSettings, QueueRuntime } from "../components/queueRuntime";
import { RuntimeScaling } from "../components/runtimeScaling";
import type { Scope } from "../components/scope";
import { METRIC_NAMESPACE } from "../contracts/metrics";
import { AGENT_PORT } from "../contracts/tasks/settings";
import { agentResources } from "../fleet/agentResources";
import { artefactOf } from "./artefacts";
import type { FleetConfig } from "./config/schema";
import type { FleetNamespace } from "./fleetNamespace";
import type { Images } from "./images";
import type { Platform } from "./platform";
import type { ResolvedRuntime } from "./resolveRuntimes";
import type { TaskPipeline } from "./taskPipeline";

export interface AsyncRuntimesArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
  readonly runtimes: readonly ResolvedRuntime[];
  readonly pipeline: TaskPipeline;
  readonly platform: Platform;
  readonly namespace: FleetNamespace;
  /** By runtime. */
  readonly nodePools: ReadonlyMap<string, NodePool>;
  readonly images: Images;
  /** Something in `async` is encrypted: the runtimes' settings are kept as secrets. */
  readonly secretSettings: boolean;
}

/** What works off the queues: a Deployment for each runtime, and how its queue scales it. */
export function asyncRuntimes(args: AsyncRuntimesArgs): void {
  for (const runtime of args.runtimes)
    createScaling(args, runtime, createRuntime(args, runtime).deployment);
}

function createRuntime(args: AsyncRuntimesArgs, runtime: ResolvedRuntime): QueueRuntime {
  const { scope, config, pipeline, platform, images } = args;
  const { name, config: wanted } = runtime;
  const queue = pipeline.queues.get(name)!;
  const image: ContainerImage = images.runtimes.get(name)!;
  return new QueueRuntime(
    name,
    {
      scope,
      namespace: args.namespace.name,
      cluster: platform.cluster,
      runtime: {
        adapter: wanted.adapter,
        image: image.reference,
        command: wanted.command,
        port: runtime.port,
        framework: wanted.framework,
        model: modelOf(config, runtime),
        modelsPath: wanted.modelMountPath,
        env: args.secretSettings ? {} : wanted.env,
        secretEnv: args.secretSettings ? wanted.env : {},
      },
      agent: {
        image: images.queueAgent!.reference,
        resources: agentResources(config.async.inputs.maxMiB),
        settings: agentSettings(args, runtime),
        access: {
          queueArn: queue.queueArn,
          deadLetterQueueArn: queue.deadLetterQueueArn,
          tableArn: pipeline.table.arn,
          resultsBucketArn: pipeline.results.bucketArn,
          resultsKeyArn: config.async.results.kmsKeyArn,
          inputsBucketArn: pipeline.inputs.bucketArn,
          inputBuckets: config.async.inputs.buckets,
          resultTopicArn: pipeline.resultTopicArn,
          topicKeyArn: pipeline.topicKeyArn,
        },
      },
      accelerator: runtime.accelerator,
      devices: wanted.devices,
      podResources: runtime.podResources,
      modelClaimName: args.namespace.models.claim.metadata.name,
      times: runtime.times,
    },
    {
      providers: platform.providers,
      dependsOn: [
        args.nodePools.get(name)!.resource,
        args.namespace.models.claim,
        ...pipeline.ready,
        ...platform.karpenter,
        ...platform.devicePlugins,
        ...platform.modelMounts,
      ],
    },
  );
}

function modelOf({ models }: FleetConfig, { config, accelerator }: ResolvedRuntime) {
  const { model, framework } = config;
  if (model === undefined) return undefined;
  // A rule of the config has it that the model is there.
  const { safetyChecker } = models[model]!;
  const { path } = artefactOf(models, model, framework, accelerator.name);
  return { name: model, artefactPath: path, safetyChecker };
}

const MiB = 2 ** 20;

function agentSettings(
  { scope, config, pipeline }: AsyncRuntimesArgs,
  { name, config: wanted, port, times }: ResolvedRuntime,
): AgentSettings {
  const { inputs, notifyRunning, agent } = config.async;
  const queue = pipeline.queues.get(name)!;
  return {
    STACK: scope.stack,
    RUNTIME: name,
    ADAPTER: wanted.adapter,
    RUNTIME_URL: `http://127.0.0.1:${port}`,
    QUEUE_URL: queue.queueUrl,
    DEAD_LETTER_QUEUE_URL: queue.deadLetterQueueUrl,
    TABLE_NAME: pipeline.table.name,
    RESULTS_BUCKET: pipeline.results.bucketName,
    INPUTS_BUCKET: pipeline.inputs.bucketName,
    RESULT_TOPIC_ARN: pipeline.resultTopicArn,
    INPUT_HOSTS: inputs.hosts.join(),
    INPUT_BUCKETS: inputs.buckets.join(),
    INPUT_BYTES: String(inputs.maxMiB * MiB),
    NOTIFY_RUNNING: String(notifyRunning),
    DYNAMIC_MODEL: String(wanted.dynamicModel),
    VISIBILITY_SECONDS: String(times.visibilitySeconds),
    HEARTBEAT_SECONDS: String(times.heartbeatSeconds),
    MAX_ATTEMPTS: String(wanted.maxAttempts),
    MAX_RECEIVE_COUNT: String(times.maxReceiveCount),
    LONGEST_TASK_SECONDS: String(wanted.longestTaskSeconds),
    DRAIN_SECONDS: String(times.drainSeconds),
    TASK_TTL_SECONDS: String(times.recordSeconds),
    METRIC_NAMESPACE,
    PORT: String(AGENT_PORT),
    AWS_REGION: scope.region,
    ...(agent.traceEndpoint === undefined
      ? {}
      : { OTEL_EXPORTER_OTLP_ENDPOINT: agent.traceEndpoint }),
  };
}

function createScaling(
  { scope, config, pipeline, platform, namespace }: AsyncRuntimesArgs,
  { name, config: { replicas, scaling } }: ResolvedRuntime,
  deployment: QueueRuntime["deployment"],
): RuntimeScaling {
  const pace = config.scaling;
  return new RuntimeScaling(
    name,
    {
      namespace: namespace.name,
      deployment,
      region: scope.region,
      queueUrl: pipeline.queues.get(name)!.queueUrl,
      authentication: platform.kedaAuthentication,
      minReplicas: replicas.min,
      maxReplicas: replicas.max,
      tasksPerReplica: scaling.tasksPerReplica,
      activationTasks: scaling.activationTasks,
      idleSeconds: scaling.idleMinutes * 60,
      schedules: scaling.schedules,
      pollingIntervalSeconds: pace.pollingIntervalSeconds,
      scaleInStabilizationSeconds: pace.scaleInStabilizationSeconds,
      scaleInPodsPerMinute: pace.scaleInPodsPerMinute,
      fallbackAfterFailures: pace.fallbackAfterFailures,
    },
    { providers: platform.providers, dependsOn: platform.keda },
  );
}
