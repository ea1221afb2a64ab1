import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { environmentTags } from "../components/environmentTags";
import { Network } from "../components/network";
import { partitionOf, type Scope } from "../components/scope";
import { eksClusterName, physicalName } from "../fleet/names";
import { asyncRuntimes } from "./asyncRuntimes";
import type { AwsConfig } from "./config/read";
import type { FleetConfig } from "./config/schema";
import { failover } from "./failover";
import { fleetNamespace } from "./fleetNamespace";
import { images } from "./images";
import { nodePools } from "./nodes";
import { alarmTopic, observability } from "./observability";
import { platform } from "./platform";
import { realtime } from "./realtime";
import { resolveFleet } from "./resolve";
import { resolveRuntimes } from "./resolveRuntimes";
import { storage } from "./storage";
import { taskApi } from "./taskApi";
import { type TaskPipeline, taskPipeline } from "./taskPipeline";

export interface EnvironmentArgs {
  readonly project: string;
  readonly stack: string;
  readonly aws: AwsConfig;
  readonly config: FleetConfig;
  /** Keys of the config with something encrypted in them. */
  readonly secretKeys: ReadonlySet<string>;
}

/**
 * One environment: storage and images, the platform, the serving paths, and what watches them.
 *
 * @returns the stack's outputs
 */
export function environment(args: EnvironmentArgs): Record<string, unknown> {
  const { config } = args;
  const { region } = args.aws;
  const tags = environmentTags(args, config.tags);
  const awsProvider = createProvider(args, tags);
  const scope = createScope(args, awsProvider);
  const models = resolveFleet(config, region);
  const runtimes = resolveRuntimes(config, region);

  const stores = storage(scope, config, awsProvider);
  const network = createNetwork(scope, config, awsProvider);
  const tasks = createTasks(scope, config, network, awsProvider);
  const queueArns = [...(tasks?.pipeline.queues.values() ?? [])].map((queue) => queue.queueArn);
  const built = platform({ scope, config, network, storage: stores, queueArns, tags }, awsProvider);
  const topic = alarmTopic(scope, config, awsProvider);
  const podImages = images(
    {
      scope,
      config,
      runtimes,
      network,
      kubernetesVersion: built.cluster.version,
      alarmTopicArn: topic.arn,
      tags,
    },
    awsProvider,
  );
  const namespace = fleetNamespace({ scope, config, platform: built, storage: stores });
  const pools = nodePools({ scope, config, models, runtimes, platform: built, tags });
  const serving = realtime({
    scope,
    config,
    models,
    platform: built,
    storage: stores,
    images: podImages.servers,
    namespace,
    nodePools: pools,
    secretSettings: args.secretKeys.has("units"),
    tags,
  });
  if (config.failover.enabled)
    failover({
      scope,
      config,
      models,
      platform: built,
      realtime: serving,
      namespace,
      nodePools: pools,
      image: podImages.failoverController!,
      topic,
    });
  if (tasks !== undefined)
    asyncRuntimes({
      scope,
      config,
      runtimes,
      pipeline: tasks.pipeline,
      platform: built,
      namespace,
      nodePools: pools,
      images: podImages,
      secretSettings: args.secretKeys.has("async"),
    });
  const { gateway } = serving;
  const { dashboard } = observability(
    {
      scope,
      config,
      models,
      runtimes,
      topic,
      deadLetters: [...built.deadLetters, ...(tasks?.pipeline.deadLetters ?? [])],
      taskApi: tasks?.api.alarmed,
      alarmedTopics: tasks?.pipeline.alarmedTopics ?? [],
      loadBalancerName: gateway.loadBalancerName,
      costTags: Object.keys(tags),
    },
    awsProvider,
  );

  return {
    mode: config.mode,
    clusterName: built.cluster.name,
    updateKubeconfig: `aws eks update-kubeconfig --region ${region} --name ${scope.clusterName}`,
    namespace: config.namespace,
    loadBalancerName: gateway.loadBalancerName,
    modelStore: pulumi.interpolate`s3://${stores.models.bucketName}/${stores.models.prefix}`,
    repositories: podImages.repositoryUrls,
    ...(podImages.cache === undefined
      ? {}
      : {
          snapshotParameter: podImages.cache.parameterName,
          snapshotDocument: podImages.cache.documentName,
        }),
    ...(tasks === undefined ? {} : taskOutputs(tasks, region)),
    alarmTopic: topic.arn,
    ...(dashboard === undefined ? {} : { dashboard }),
  };
}

/** One provider for everything in AWS, so that nothing goes untagged or to another account. */
function createProvider(
  { aws: { region, profile, allowedAccountIds } }: EnvironmentArgs,
  tags: Readonly<Record<string, string>>,
): aws.Provider {
  return new aws.Provider("aws", {
    region: region as aws.Region,
    ...(profile === undefined ? {} : { profile }),
    ...(allowedAccountIds === undefined ? {} : { allowedAccountIds: [...allowedAccountIds] }),
    defaultTags: { tags: { ...tags } },
  });
}

function createScope(
  { project, stack, aws: { region, profile }, config }: EnvironmentArgs,
  provider: aws.Provider,
): Scope {
  return {
    project,
    stack,
    region,
    ...(profile === undefined ? {} : { profile }),
    partition: partitionOf(region),
    accountId: aws.getCallerIdentityOutput({}, { provider }).accountId,
    clusterName: config.cluster.existing?.name ?? physicalName([project, stack], eksClusterName),
    protectData: config.protectData,
  };
}

/** What tasks go through and the API in front of it; nothing where the asynchronous path is off. */
function createTasks(
  scope: Scope,
  config: FleetConfig,
  network: Network,
  provider: aws.Provider,
): Tasks | undefined {
  if (!config.async.enabled) return undefined;
  const pipeline = taskPipeline({ scope, config }, provider);
  return { pipeline, api: taskApi({ scope, config, network, pipeline }, provider) };
}

interface Tasks {
  readonly pipeline: TaskPipeline;
  readonly api: ReturnType<typeof taskApi>;
}

function taskOutputs({ pipeline, api }: Tasks, region: string): Record<string, unknown> {
  return {
    taskApi: api.url,
    taskApiKey: pulumi.interpolate`aws apigateway get-api-key --api-key ${api.apiKeyId} --include-value --query value --output text --region ${region}`,
    taskResults: pulumi.interpolate`s3://${pipeline.results.bucketName}`,
    taskResultTopic: pipeline.resultTopicArn,
  };
}

function createNetwork(scope: Scope, { network }: FleetConfig, provider: aws.Provider): Network {
  return new Network("network", { scope, ...network }, { providers: { aws: provider } });
}
