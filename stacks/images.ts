import { join } from "node:path";
import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { type BuildContext, contextTag } from "../components/buildContext";
import { ContainerImage, type ContainerImageSource } from "../components/containerImage";
import type { BuilderSettings } from "../components/imageBuilder";
import { ImageCache } from "../components/imageCache";
import type { Network } from "../components/network";
import { PrivateBucket } from "../components/privateBucket";
import type { Scope } from "../components/scope";
import { FAILOVER_CONTROLLER } from "../contracts/failover";
import { QUEUE_AGENT } from "../contracts/tasks/settings";
import type { Framework } from "../fleet/accelerators";
import type { FleetConfig } from "./config/schema";
import { hostedModels } from "./managedModels";
import type { ResolvedRuntime } from "./resolveRuntimes";

export interface ImagesArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
  readonly runtimes: readonly ResolvedRuntime[];
  /** Where nodes are, and their version of Kubernetes; absent: there is no cluster. */
  readonly nodes:
    | { readonly network: Network; readonly kubernetesVersion: pulumi.Input<string> }
    | undefined;
  /** Who is told when a snapshot could not be made. */
  readonly alarmTopicArn: pulumi.Input<string>;
  readonly tags: Readonly<Record<string, string>>;
}

export type ServerImages = ReadonlyMap<Framework, ContainerImage>;

export interface Images {
  readonly servers: ServerImages;
  /** By runtime. */
  readonly runtimes: ReadonlyMap<string, ContainerImage>;
  readonly failoverController: ContainerImage | undefined;
  readonly queueAgent: ContainerImage | undefined;
  /** URL of each of the program's own repositories, by framework or app. */
  readonly repositoryUrls: Readonly<Record<string, pulumi.Output<string>>>;
  /** Present with `images.cache: snapshot`. */
  readonly cache: ImageCache | undefined;
}

/** The images of the server and of the apps, and the snapshots that nodes start from. */
export function images(args: ImagesArgs, awsProvider: aws.Provider): Images {
  const { config } = args;
  const builder =
    config.images.server.source === "codebuild" ? builderSettings(args, awsProvider) : undefined;
  const servers = createServers(args, builder, awsProvider);
  const { failover, async: path } = config;
  const failoverController = createApp(
    args,
    FAILOVER_CONTROLLER,
    failover.enabled,
    failover.controller,
    awsProvider,
  );
  const queueAgent = createApp(args, QUEUE_AGENT, path.enabled, path.agent, awsProvider);
  const runtimes = createRuntimes(args, servers, awsProvider);
  const all: (readonly [string, ContainerImage | undefined])[] = [
    ...servers,
    [FAILOVER_CONTROLLER, failoverController],
    [QUEUE_AGENT, queueAgent],
  ];
  const onNodes = new Set([
    ...servers.values(),
    ...runtimes.values(),
    ...(path.enabled && queueAgent !== undefined ? [queueAgent] : []),
  ]);
  return {
    servers,
    runtimes,
    failoverController,
    queueAgent,
    repositoryUrls: Object.fromEntries(
      all.flatMap(([name, image]) =>
        image?.repository === undefined ? [] : [[name, image.repository.repositoryUrl]],
      ),
    ),
    cache:
      config.images.cache === "snapshot" && args.nodes !== undefined
        ? createCache(args, args.nodes, [...onNodes], awsProvider)
        : undefined,
  };
}

/** Frameworks that pods and managed endpoints run. */
function frameworksInUse({ config, runtimes }: ImagesArgs): ReadonlySet<Framework> {
  const served = runtimes.filter((runtime) => runtime.config.image === undefined);
  const hosted = hostedModels(config).filter(({ container }) => container === undefined);
  return new Set([
    ...Object.values(config.units).map(({ framework }) => framework),
    ...served.map((runtime) => runtime.config.framework),
    ...hosted.map(({ framework }) => framework),
  ]);
}

/** Days that replaced sources of builds are kept. */
const replacedSourcesDays = 7;

/** What all builds of servers share. */
function builderSettings(
  { scope, config }: ImagesArgs,
  awsProvider: aws.Provider,
): BuilderSettings {
  const sources = new PrivateBucket(
    "image-sources",
    {
      scope,
      noncurrentDays: replacedSourcesDays,
      protect: scope.protectData,
      forceDestroy: !scope.protectData,
    },
    { providers: { aws: awsProvider } },
  );
  const { logRetentionDays } = config.observability;
  return { sources, ...config.images.server.codebuild, logRetentionDays };
}

/**
 * The images of all frameworks, where they are in the program's own repositories, so that the last
 * unit of one can go without its images; otherwise of those in use. What no pod runs is not built.
 */
function createServers(
  args: ImagesArgs,
  builder: BuilderSettings | undefined,
  awsProvider: aws.Provider,
): ServerImages {
  const { scope, config } = args;
  const { server, keepUntaggedDays, keepTagged } = config.images;
  const used = frameworksInUse(args);
  const all: readonly Framework[] = ["neuron", "cuda", "triton"];
  const kept = server.repository === undefined ? all : all.filter((each) => used.has(each));
  return new Map(
    kept.map((framework) => [
      framework,
      new ContainerImage(
        `inference-server-${framework}`,
        {
          scope,
          image: serverSource(config, framework, used.has(framework), builder),
          keepUntaggedDays,
          keepTagged,
        },
        { providers: { aws: awsProvider } },
      ),
    ]),
  );
}

function serverSource(
  { images: { server } }: FleetConfig,
  framework: Framework,
  isUsed: boolean,
  builder: BuilderSettings | undefined,
): ContainerImageSource {
  if (server.source !== "external" && isUsed) {
    const build: BuildContext = {
      context: server.context,
      dockerfile: join(server.context, `Dockerfile.${framework}`),
      configKey: "images.server.context",
    };
    return builder === undefined
      ? { source: "local", ...build }
      : { source: "codebuild", builder, ...build };
  }
  const digest = server.digests[framework];
  return {
    source: "external",
    tag: server.tag,
    ...(server.repository === undefined ? {} : { repository: `${server.repository}-${framework}` }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/**
 * Tells one image of the server from another, before it is built. One that is pushed under the same
 * tag is not told from the one before.
 *
 * @throws UserError when what it is built from is not there
 */
export function serverRevision(config: FleetConfig, framework: Framework): string {
  const image = serverSource(config, framework, true, undefined);
  if (image.source !== "external") return contextTag(image);
  const { repository = "own", tag, digest } = image;
  return digest === undefined ? `${repository}:${tag}` : `${repository}@${digest}`;
}

/** What the images of our apps are built from, by the app. */
export const appBuilds = {
  [FAILOVER_CONTROLLER]: appBuild(FAILOVER_CONTROLLER, "failover.controller.source"),
  [QUEUE_AGENT]: appBuild(QUEUE_AGENT, "async.agent.source"),
} as const;

function appBuild(app: string, configKey: string): BuildContext {
  return {
    context: ".",
    dockerfile: `apps/${app}/Dockerfile`,
    parts: [
      ".npmrc",
      "apps/bundle.mjs",
      `apps/${app}`,
      "apps/service",
      "contracts",
      "fleet",
      "package.json",
      "package-lock.json",
    ],
    configKey,
  };
}

/**
 * The image of an app of ours on the cluster. The program's own repository is there without the app too: an image
 * has to be pushed before what wants it is turned on, and stays when it is turned off.
 */
function createApp(
  { scope, config, nodes }: ImagesArgs,
  app: keyof typeof appBuilds,
  enabled: boolean,
  { source, repository, tag, digest }: FleetConfig["failover"]["controller"],
  awsProvider: aws.Provider,
): ContainerImage | undefined {
  if (nodes === undefined || (!enabled && repository !== undefined)) return undefined;
  const { keepUntaggedDays, keepTagged } = config.images;
  return new ContainerImage(
    app,
    {
      scope,
      image:
        enabled && source === "local"
          ? { source, ...appBuilds[app] }
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

/** What the runtimes run: the server of their framework, or an image of the user's. */
function createRuntimes(
  { scope, config, runtimes }: ImagesArgs,
  servers: ServerImages,
  awsProvider: aws.Provider,
): ReadonlyMap<string, ContainerImage> {
  const { keepUntaggedDays, keepTagged } = config.images;
  return new Map(
    runtimes.map(({ name, config: { image, framework } }) => {
      if (image === undefined) return [name, servers.get(framework)!];
      const { repository, tag = "", digest } = image;
      const source = {
        source: "external" as const,
        repository,
        tag,
        ...(digest === undefined ? {} : { digest }),
      };
      return [
        name,
        new ContainerImage(
          `runtime-${name}`,
          { scope, image: source, keepUntaggedDays, keepTagged },
          { providers: { aws: awsProvider } },
        ),
      ];
    }),
  );
}

function createCache(
  args: ImagesArgs,
  { network, kubernetesVersion }: NonNullable<ImagesArgs["nodes"]>,
  images: readonly ContainerImage[],
  awsProvider: aws.Provider,
): ImageCache {
  const { scope, config } = args;
  const { snapshot } = config.images;
  // One that is built in the same `up` has no digest yet that a snapshot could be made of.
  const all = images.filter(({ pinnedBy }) => pinnedBy !== "build");
  return new ImageCache(
    "image-cache",
    {
      scope,
      kubernetesVersion,
      bottlerocketVersion: config.nodes.bottlerocketVersion,
      builderInstanceType: snapshot.builderInstanceType,
      vpcId: network.vpcId,
      subnetId: network.privateSubnetIds.apply((ids) => ids[0]!),
      images: all.map((image) => image.reference),
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
