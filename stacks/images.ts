import { join } from "node:path";
import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { ContainerImage } from "../components/containerImage";
import { ImageCache } from "../components/imageCache";
import type { Network } from "../components/network";
import type { Scope } from "../components/scope";
import { FAILOVER_CONTROLLER } from "../contracts/failover";
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

export type ServerImages = ReadonlyMap<Framework, ContainerImage>;

export interface Images {
  readonly servers: ServerImages;
  readonly failoverController: ContainerImage | undefined;
  /** URL of each of the program's own repositories, by framework or app. */
  readonly repositoryUrls: Readonly<Record<string, pulumi.Output<string>>>;
  /** Present with `images.cache: snapshot`. */
  readonly cache: ImageCache | undefined;
}

/** The images of the server and of the apps, and the snapshots that nodes start from. */
export function images(args: ImagesArgs, awsProvider: aws.Provider): Images {
  const { config } = args;
  const servers = new Map(
    frameworksOf(config).map((framework) => [
      framework,
      createServer(args, framework, awsProvider),
    ]),
  );
  const failoverController = createFailoverController(args, awsProvider);
  const all: (readonly [string, ContainerImage | undefined])[] = [
    ...servers,
    [FAILOVER_CONTROLLER, failoverController],
  ];
  return {
    servers,
    failoverController,
    repositoryUrls: Object.fromEntries(
      all.flatMap(([name, image]) =>
        image?.repository === undefined ? [] : [[name, image.repository.repositoryUrl]],
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
): ContainerImage {
  const { server, keepUntaggedDays, keepTagged } = config.images;
  const digest = server.digests[framework];
  return new ContainerImage(
    `inference-server-${framework}`,
    {
      scope,
      image:
        server.source === "local"
          ? {
              source: "local",
              context: server.context,
              dockerfile: join(server.context, `Dockerfile.${framework}`),
              configKey: "images.server.context",
            }
          : {
              source: "external",
              tag: server.tag,
              ...(server.repository === undefined
                ? {}
                : { repository: `${server.repository}-${framework}` }),
              ...(digest === undefined ? {} : { digest }),
            },
      keepUntaggedDays,
      keepTagged,
    },
    { providers: { aws: awsProvider } },
  );
}

/** What the fail-over controller's image is made of. */
export const failoverControllerBuild = {
  context: ".",
  dockerfile: "apps/failover-controller/Dockerfile",
  parts: [
    ".npmrc",
    "apps/bundle.mjs",
    "apps/failover-controller",
    "apps/service",
    "contracts",
    "fleet",
    "package.json",
    "package-lock.json",
  ],
  configKey: "failover.controller.source",
} as const;

/**
 * The controller's image. The program's own repository is there without fail-over too: an image has
 * to be pushed before fail-over is turned on, and stays when it is turned off.
 */
function createFailoverController(
  { scope, config }: ImagesArgs,
  awsProvider: aws.Provider,
): ContainerImage | undefined {
  const { enabled, controller } = config.failover;
  const { source, repository, tag, digest } = controller;
  if (!enabled && repository !== undefined) return undefined;
  const { keepUntaggedDays, keepTagged } = config.images;
  return new ContainerImage(
    FAILOVER_CONTROLLER,
    {
      scope,
      image:
        enabled && source === "local"
          ? { source, ...failoverControllerBuild }
          : {
              source: "external",
              tag,
              ...(repository === undefined ? {} : { repository }),
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
