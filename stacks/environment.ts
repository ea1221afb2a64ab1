import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { DeadLetters } from "../components/alarms";
import { environmentTags } from "../components/environmentTags";
import { Network } from "../components/network";
import { partitionOf, type Scope } from "../components/scope";
import { eksClusterName, physicalName } from "../fleet/names";
import { compilationsOf } from "./compilations";
import type { AwsConfig } from "./config/read";
import type { FleetConfig } from "./config/schema";
import { images } from "./images";
import { type ManagedEndpoints, managedEndpoints } from "./managedEndpoints";
import { type ManagedTasksArgs, managedTasks } from "./managedTasks";
import { alarmTopic, observability } from "./observability";
import { onCluster } from "./onCluster";
import { type Platform, type PlatformArgs, platform } from "./platform";
import { resolveFleet } from "./resolve";
import { type ResolvedEndpoints, resolveEndpoints } from "./resolveEndpoints";
import { resolveRuntimes } from "./resolveRuntimes";
import { needsCluster, needsNetwork } from "./servingPaths";
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
  const compilations = compilationsOf(config, models, runtimes, region);

  const stores = storage(scope, config, awsProvider);
  const network = needsNetwork(config) ? createNetwork(scope, config, awsProvider) : undefined;
  const pipeline = config.async.enabled ? taskPipeline({ scope, config }, awsProvider) : undefined;
  const topic = alarmTopic(scope, config, awsProvider);
  const built = needsCluster(config)
    ? createPlatform(
        args,
        { scope, network: network!, storage: stores, pipeline, tags },
        awsProvider,
      )
    : undefined;
  const podImages = images(
    {
      scope,
      config,
      runtimes,
      nodes: built && { network: built.network, kubernetesVersion: built.cluster.version },
      alarmTopicArn: topic.arn,
      tags,
    },
    awsProvider,
  );
  const { loadBalancerName } =
    built === undefined
      ? { loadBalancerName: undefined }
      : onCluster({
          scope,
          config,
          models,
          runtimes,
          compilations,
          platform: built,
          storage: stores,
          images: podImages,
          pipeline,
          topic,
          secretKeys: args.secretKeys,
          tags,
        });
  const endpoints = resolveEndpoints(config, region);
  const managed = config.sagemaker.enabled
    ? managedEndpoints(
        {
          scope,
          config,
          endpoints,
          network,
          storage: stores,
          images: podImages.servers,
          alarmTopicArn: topic.arn,
          secretSettings: args.secretKeys.has("sagemaker"),
          allowedAccountIds: args.aws.allowedAccountIds,
          tags,
        },
        awsProvider,
      )
    : undefined;
  const tasks =
    pipeline === undefined
      ? undefined
      : createTasks(args, { scope, network, pipeline, managed, endpoints }, awsProvider);
  const { dashboard } = observability(
    {
      scope,
      config,
      models,
      runtimes,
      topic,
      deadLetters: [...(built?.deadLetters ?? []), ...(tasks?.deadLetters ?? [])],
      taskApi: tasks?.api.alarmed,
      resultsFunctionName: tasks?.resultsFunctionName,
      alarmedTopics: [...(tasks?.pipeline.alarmedTopics ?? []), ...(managed?.alarmedTopics ?? [])],
      endpoints: managed?.dashboard ?? [],
      loadBalancerName,
      costTags: Object.keys(tags),
    },
    awsProvider,
  );

  return {
    ...(built === undefined ? {} : clusterOutputs(args, scope, built)),
    ...(loadBalancerName === undefined ? {} : { mode: config.mode, loadBalancerName }),
    modelStore: pulumi.interpolate`s3://${stores.models.bucketName}/${stores.models.prefix}`,
    repositories: podImages.repositoryUrls,
    ...(podImages.cache === undefined
      ? {}
      : {
          snapshotParameter: podImages.cache.parameterName,
          snapshotDocument: podImages.cache.documentName,
        }),
    ...(tasks === undefined ? {} : taskOutputs(tasks, region)),
    ...(managed === undefined
      ? {}
      : {
          endpoints: managed.names,
          endpointData: pulumi.interpolate`s3://${managed.bucket.bucketName}`,
        }),
    alarmTopic: topic.arn,
    ...(dashboard === undefined ? {} : { dashboard }),
  };
}

/** What a person needs to get at the cluster. */
function clusterOutputs(
  { aws: { region }, config }: EnvironmentArgs,
  scope: Scope,
  { cluster }: Platform,
): Record<string, unknown> {
  return {
    clusterName: cluster.name,
    updateKubeconfig: `aws eks update-kubeconfig --region ${region} --name ${scope.clusterName}`,
    namespace: config.namespace,
  };
}

interface Grounds extends Pick<PlatformArgs, "scope" | "network" | "storage" | "tags"> {
  readonly pipeline: TaskPipeline | undefined;
}

function createPlatform(
  { config }: EnvironmentArgs,
  { pipeline, ...grounds }: Grounds,
  provider: aws.Provider,
): Platform {
  const queueArns = [...(pipeline?.queues.values() ?? [])].map((queue) => queue.queueArn);
  return platform({ ...grounds, config, queueArns }, provider);
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

interface TaskGrounds extends Omit<ManagedTasksArgs, "config" | "managed" | "endpoints"> {
  readonly network: Network | undefined;
  readonly managed: ManagedEndpoints | undefined;
  readonly endpoints: ResolvedEndpoints;
}

/** The API of tasks, and what brings results of managed endpoints back. */
function createTasks(
  { config }: EnvironmentArgs,
  { managed, endpoints, ...grounds }: TaskGrounds,
  provider: aws.Provider,
): Tasks {
  const { pipeline } = grounds;
  const hosted =
    managed &&
    managedTasks({ ...grounds, config, managed, endpoints: endpoints.asynchronous }, provider);
  return {
    pipeline,
    api: taskApi({ ...grounds, config, managed: hosted }, provider),
    deadLetters: [...pipeline.deadLetters, ...(hosted === undefined ? [] : [hosted.deadLetters])],
    resultsFunctionName: hosted?.functionName,
  };
}

interface Tasks {
  readonly pipeline: TaskPipeline;
  readonly api: ReturnType<typeof taskApi>;
  readonly deadLetters: readonly DeadLetters[];
  readonly resultsFunctionName: pulumi.Input<string> | undefined;
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
