import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { environmentTags } from "../components/environmentTags";
import { Network } from "../components/network";
import { partitionOf, type Scope } from "../components/scope";
import { eksClusterName, physicalName } from "../fleet/names";
import type { AwsConfig } from "./config/read";
import type { FleetConfig } from "./config/schema";
import { failover } from "./failover";
import { images } from "./images";
import { alarmTopic, observability } from "./observability";
import { platform } from "./platform";
import { realtime } from "./realtime";
import { resolveFleet } from "./resolve";
import { storage } from "./storage";

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

  const stores = storage(scope, config, awsProvider);
  const network = createNetwork(scope, config, awsProvider);
  const built = platform({ scope, config, network, storage: stores, tags }, awsProvider);
  const topic = alarmTopic(scope, config, awsProvider);
  const serverImages = images(
    {
      scope,
      config,
      network,
      kubernetesVersion: built.cluster.version,
      alarmTopicArn: topic.arn,
      tags,
    },
    awsProvider,
  );
  const serving = realtime({
    scope,
    config,
    models,
    platform: built,
    storage: stores,
    images: serverImages.servers,
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
      image: serverImages.failoverController!,
      topic,
    });
  const { gateway } = serving;
  const { dashboard } = observability(
    {
      scope,
      config,
      models,
      topic,
      deadLetters: built.deadLetters,
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
    repositories: serverImages.repositoryUrls,
    ...(serverImages.cache === undefined
      ? {}
      : {
          snapshotParameter: serverImages.cache.parameterName,
          snapshotDocument: serverImages.cache.documentName,
        }),
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

function createNetwork(scope: Scope, { network }: FleetConfig, provider: aws.Provider): Network {
  return new Network("network", { scope, ...network }, { providers: { aws: provider } });
}
