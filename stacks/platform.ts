import type * as aws from "@pulumi/aws";
import type * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Placement } from "../charts/placement";
import type { DeadLetters } from "../components/alarms";
import { Cluster } from "../components/cluster";
import { ClusterAddons } from "../components/clusterAddons";
import type { ClusterFacts } from "../components/clusterFacts";
import { DevicePlugins } from "../components/devicePlugins";
import { ExistingCluster } from "../components/existingCluster";
import { Karpenter } from "../components/karpenter";
import { Keda, type TriggerAuthentication } from "../components/keda";
import { LoadBalancerController } from "../components/loadBalancerController";
import { MountpointS3Csi } from "../components/mountpointS3Csi";
import type { Network } from "../components/network";
import { NodeAddons } from "../components/nodeAddons";
import type { Scope } from "../components/scope";
import { SystemNodes, systemPlacement } from "../components/systemNodes";
import { QUEUE_AGENT } from "../contracts/tasks/settings";
import type { InstallableComponent } from "./config/cluster";
import type { FleetConfig } from "./config/schema";
import type { Storage } from "./storage";

export interface PlatformArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
  readonly network: Network;
  readonly storage: Storage;
  /** Queues that KEDA scales on. */
  readonly queueArns: readonly pulumi.Input<string>[];
  readonly tags: Readonly<Record<string, string>>;
}

/** The cluster and its controllers; each list is what the objects of that controller wait for. */
export interface Platform {
  readonly network: Network;
  readonly cluster: ClusterFacts;
  readonly providers: {
    readonly aws: aws.Provider;
    readonly kubernetes: kubernetes.Provider;
  };
  /** Where controllers run, and what they wait for. */
  readonly placement: Placement;
  readonly controllersReady: readonly pulumi.Resource[];
  readonly nodeRoleName: pulumi.Output<string>;
  readonly karpenter: readonly pulumi.Resource[];
  /** Dead-letter queues that somebody has to be told of. */
  readonly deadLetters: readonly DeadLetters[];
  readonly devicePlugins: readonly pulumi.Resource[];
  readonly modelMounts: readonly pulumi.Resource[];
  readonly loadBalancerController: readonly pulumi.Resource[];
  readonly keda: readonly pulumi.Resource[];
  readonly kedaAuthentication: TriggerAuthentication;
}

/** A cluster with everything on it that a serving path needs: made here, or the user's own. */
export function platform(args: PlatformArgs, awsProvider: aws.Provider): Platform {
  const { scope, config, network, storage } = args;
  const base = createCluster(args, awsProvider);
  const { cluster, placement, has } = base;
  const providers = { aws: awsProvider, kubernetes: cluster.provider };
  const opts = { providers, dependsOn: base.ready };

  const karpenter = new Karpenter(
    "karpenter",
    {
      scope,
      cluster,
      placement,
      installed: has("karpenter")
        ? { nodeRoleName: config.cluster.existing!.karpenterNodeRoleName! }
        : undefined,
      nodesCarryCni: config.cluster.existing !== undefined,
    },
    opts,
  );
  const loadBalancerController = new LoadBalancerController(
    "load-balancer-controller",
    {
      scope,
      cluster,
      vpcId: network.vpcId,
      placement,
      webAclArn: config.gateway.webAclArn,
      userPoolArn: config.gateway.authentication?.userPoolArn,
      installed: {
        gatewayApi: has("gateway-api"),
        controller: has("aws-load-balancer-controller"),
      },
    },
    opts,
  );
  const keda = new Keda(
    "keda",
    { scope, cluster, placement, queueArns: args.queueArns, installed: has("keda") },
    opts,
  );
  const mountpoint = new MountpointS3Csi(
    "mountpoint-s3-csi",
    {
      scope,
      cluster,
      placement,
      bucketArn: storage.models.bucketArn,
      prefix: storage.models.prefix,
      kmsKeyArn: storage.models.kmsKeyArn,
      installed: has("mountpoint-s3-csi-driver"),
    },
    opts,
  );
  const devicePlugins = new DevicePlugins(
    "device-plugins",
    { installed: { neuron: has("neuron-device-plugin"), nvidia: has("nvidia-device-plugin") } },
    opts,
  );
  return {
    network,
    cluster,
    providers,
    placement,
    controllersReady: base.ready,
    nodeRoleName: karpenter.nodeRoleName,
    karpenter: karpenter.ready,
    deadLetters: karpenter.deadLetters,
    devicePlugins: devicePlugins.ready,
    modelMounts: mountpoint.ready,
    loadBalancerController: loadBalancerController.ready,
    keda: keda.ready,
    kedaAuthentication: keda.authentication,
  };
}

interface BaseCluster {
  readonly cluster: ClusterFacts;
  /** Where controllers run. */
  readonly placement: Placement;
  /** What controllers wait for: nodes, and names that resolve. */
  readonly ready: readonly pulumi.Resource[];
  readonly has: (component: InstallableComponent) => boolean;
}

function createCluster(args: PlatformArgs, awsProvider: aws.Provider): BaseCluster {
  return args.config.cluster.existing === undefined
    ? ownCluster(args, awsProvider)
    : existingCluster(args, args.config.cluster.existing, awsProvider);
}

function ownCluster(
  { scope, config, network, tags }: PlatformArgs,
  awsProvider: aws.Provider,
): BaseCluster {
  const { version, addons, systemNodes } = config.cluster;
  const cluster = new Cluster(
    "cluster",
    {
      scope,
      version,
      vpcId: network.vpcId,
      privateSubnetIds: network.privateSubnetIds,
      publicSubnetIds: network.publicSubnetIds,
      publicAccessCidrs: config.cluster.publicAccessCidrs,
      logs: config.cluster.logs,
      accessEntries: config.cluster.accessEntries,
    },
    { providers: { aws: awsProvider } },
  );
  const providers = { aws: awsProvider, kubernetes: cluster.provider };
  const nodeAddons = new NodeAddons(
    "node-addons",
    {
      scope,
      cluster,
      vpcId: network.vpcId,
      versions: {
        vpcCni: addons.vpcCni,
        kubeProxy: addons.kubeProxy,
        podIdentityAgent: addons.podIdentityAgent,
      },
    },
    { providers },
  );
  const nodes = new SystemNodes(
    "system",
    {
      scope,
      clusterName: cluster.name,
      kubernetesVersion: version,
      bottlerocketVersion: config.nodes.bottlerocketVersion,
      subnetIds: network.privateSubnetIds,
      instanceTypes: systemNodes.instanceTypes,
      count: systemNodes.count,
      volumeGiB: systemNodes.volumeGiB,
      tags,
    },
    { providers, dependsOn: nodeAddons.ready },
  );
  const clusterAddons = new ClusterAddons(
    "cluster-addons",
    {
      scope,
      cluster,
      placement: systemPlacement,
      logRetentionDays: config.observability.logRetentionDays,
      metricWriters: config.async.enabled
        ? [{ namespace: config.namespace, container: QUEUE_AGENT }]
        : [],
      versions: {
        coredns: addons.coredns,
        cloudwatchObservability: addons.cloudwatchObservability,
      },
    },
    { providers, dependsOn: nodes.ready },
  );
  return {
    cluster,
    placement: systemPlacement,
    ready: [...nodes.ready, ...clusterAddons.ready],
    has: () => false,
  };
}

function existingCluster(
  { scope, config, network }: PlatformArgs,
  existing: NonNullable<FleetConfig["cluster"]["existing"]>,
  awsProvider: aws.Provider,
): BaseCluster {
  const cluster = new ExistingCluster("cluster", { scope }, { providers: { aws: awsProvider } });
  const has = (component: InstallableComponent) => existing.installed.includes(component);
  const nodeAddons = new NodeAddons(
    "node-addons",
    {
      scope,
      cluster,
      vpcId: network.vpcId,
      versions: {
        podIdentityAgent: has("pod-identity-agent")
          ? undefined
          : config.cluster.addons.podIdentityAgent,
      },
    },
    { providers: { aws: awsProvider, kubernetes: cluster.provider } },
  );
  return {
    cluster,
    placement: {
      nodeSelector: existing.controllerNodeSelector,
      tolerations: existing.controllerTolerations.map(({ key, value }) =>
        value === undefined
          ? { key, operator: "Exists" as const }
          : { key, operator: "Equal" as const, value },
      ),
    },
    ready: nodeAddons.ready,
    has,
  };
}
