import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { ImageCache } from "../components/imageCache";
import type { Network } from "../components/network";
import type { Scope } from "../components/scope";
import { ServerImage } from "../components/serverImage";
import type { Framework } from "../fleet/accelerators";
import type { FleetConfig } from "./config/schema";

export interface ImagesArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
  readonly network: Network;
  /** Kubernetes version of the nodes. */
  readonly kubernetesVersion: pulumi.Input<string>;
  /** Who is told when a snapshot could not be made. */
  readonly alarmTopicArn: pulumi.Input<string>;
  readonly tags: Readonly<Record<string, string>>;
}

export type ServerImages = ReadonlyMap<Framework, ServerImage>;

export interface Images {
  readonly servers: ServerImages;
  /** URL of each of the program's own repositories, by framework. */
  readonly repositoryUrls: Readonly<Record<string, pulumi.Output<string>>>;
  /** Present with `images.cache: snapshot`. */
  readonly cache: ImageCache | undefined;
}

/** The server's image for each framework in use, and the snapshots that nodes start from. */
export function images(args: ImagesArgs, awsProvider: aws.Provider): Images {
  const { config } = args;
  const servers = new Map(
    frameworksOf(config).map((framework) => [
      framework,
      createServer(args, framework, awsProvider),
    ]),
  );
  return {
    servers,
    repositoryUrls: Object.fromEntries(
      [...servers].flatMap(([framework, { repository }]) =>
        repository === undefined ? [] : [[framework, repository.repositoryUrl]],
      ),
    ),
    cache: config.images.cache === "snapshot" ? createCache(args, servers, awsProvider) : undefined,
  };
}

/**
 * Frameworks that images are kept for: all, where they are in the program's own repositories, so
 * that the last unit of one can go without its images; otherwise those in use.
 */
function frameworksOf({ images: { server }, units }: FleetConfig): readonly Framework[] {
  if (server.source === "external" && server.repository === undefined)
    return ["neuron", "cuda", "triton"];
  return [...new Set(Object.values(units).map((unit) => unit.framework))];
}

function createServer(
  { scope, config }: ImagesArgs,
  framework: Framework,
  awsProvider: aws.Provider,
): ServerImage {
  const { server, keepUntaggedDays, keepTagged } = config.images;
  const digest = server.digests[framework];
  return new ServerImage(
    `inference-server-${framework}`,
    {
      scope,
      framework,
      image:
        server.source === "local"
          ? { source: "local", context: server.context }
          : {
              source: "external",
              tag: server.tag,
              ...(server.repository === undefined ? {} : { repository: server.repository }),
              ...(digest === undefined ? {} : { digest }),
            },
      keepUntaggedDays,
      keepTagged,
    },
    { providers: { aws: awsProvider } },
  );
}

function createCache(
  args: ImagesArgs,
  servers: ServerImages,
  awsProvider: aws.Provider,
): ImageCache {
  const { scope, config, network } = args;
  const { snapshot } = config.images;
  const all = [...servers.values()];
  return new ImageCache(
    "image-cache",
    {
      scope,
      kubernetesVersion: args.kubernetesVersion,
      bottlerocketVersion: config.nodes.bottlerocketVersion,
      builderInstanceType: snapshot.builderInstanceType,
      vpcId: network.vpcId,
      subnetId: network.privateSubnetIds.apply((ids) => ids[0]!),
      images: all.map((server) => server.reference),
      repositories: all.flatMap(({ repository }) =>
        repository === undefined
          ? []
          : [
              {
                name: repository.repositoryName,
                arn: repository.repositoryArn,
                url: repository.repositoryUrl,
              },
            ],
      ),
      pullFrom: all.flatMap(({ repositoryArn }) =>
        repositoryArn === undefined ? [] : [repositoryArn],
      ),
      dataVolumeGiB: config.nodes.dataVolumeGiB,
      schedule: snapshot.schedule,
      onPush: snapshot.onPush,
      keep: snapshot.keep,
      ...(snapshot.id === undefined ? {} : { inUseSnapshotId: snapshot.id }),
      alarmTopicArn: args.alarmTopicArn,
      tags: args.tags,
    },
    { providers: { aws: awsProvider } },
  );
}
