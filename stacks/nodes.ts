import { NodeClass } from "../components/nodeClass";
import { type NodeOwner, NodePool } from "../components/nodePool";
import { imageCacheSettings } from "../components/nodeVolumes";
import type { Scope } from "../components/scope";
import { hasProbes } from "./capacityProbes";
import type { Compilation } from "./compilations";
import type { FleetConfig } from "./config/schema";
import type { MachineConfig } from "./config/units";
import type { Machines } from "./machines";
import type { Platform } from "./platform";
import type { ResolvedModel } from "./resolve";
import type { ResolvedRuntime } from "./resolveRuntimes";

export interface NodesArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
  readonly models: readonly ResolvedModel[];
  readonly runtimes: readonly ResolvedRuntime[];
  readonly compilations: readonly Compilation[];
  readonly platform: Platform;
  readonly tags: Readonly<Record<string, string>>;
}

/** A unit, a runtime or a compilation, as far as its machines go. */
interface Owner extends Pick<Machines, "accelerator" | "instanceTypes"> {
  readonly kind: NodeOwner["kind"];
  readonly name: string;
  /** The model that a unit serves. */
  readonly model?: string;
  readonly config: MachineConfig;
  /** Replicas and placeholders at most. */
  readonly maxReplicas: number;
  /** How long a node stays when nothing is on it. */
  readonly consolidateAfter: string;
  /** How long a node that must go waits for its pods. */
  readonly terminationGracePeriod: string;
}

/** Seconds from the start of a drain until Karpenter looks at the pods that it may not evict. */
const drainStartSeconds = 10;

/** The machines of all units, runtimes and compilations: a node pool for each, by its name. */
export function nodePools(args: NodesArgs): ReadonlyMap<string, NodePool> {
  const owners = ownersOf(args);
  const nodeClasses = createNodeClasses(args, owners);
  return new Map(
    owners.map((owner) => [
      owner.name,
      createNodePool(args, owner, nodeClasses.get(nodeClassKey(owner))!),
    ]),
  );
}

/** A compilation ends once. */
const compiledConsolidateAfter = "1m";

function ownersOf({ config, models, runtimes, compilations }: NodesArgs): readonly Owner[] {
  const units = models.flatMap((model) => model.units);
  const { consolidateAfter, terminationGracePeriod } = config.nodes;
  return [
    ...units.map((unit) => ({
      ...unit,
      kind: "unit" as const,
      maxReplicas: unit.config.replicas.max + unit.config.headroom + (hasProbes(config) ? 1 : 0),
      consolidateAfter,
      terminationGracePeriod,
    })),
    ...runtimes.map((runtime) => ({
      ...runtime,
      kind: "runtime" as const,
      maxReplicas: runtime.config.replicas.max,
      consolidateAfter,
      // Pods that Karpenter may not evict are told to stop when what is left to the node is their
      // own grace. With no more than that, they hear of a spot interruption while there is time.
      terminationGracePeriod: `${runtime.times.podGraceSeconds + drainStartSeconds}s`,
    })),
    ...compilations.map((compilation) => ({
      ...compilation,
      kind: "compilation" as const,
      maxReplicas: 1,
      consolidateAfter: compiledConsolidateAfter,
      terminationGracePeriod,
    })),
  ];
}

/** One node class for each accelerator and machine image in use. */
function createNodeClasses(
  args: NodesArgs,
  owners: readonly Owner[],
): ReadonlyMap<string, NodeClass> {
  const { scope, config, platform, tags } = args;
  const groups = new Map<string, Owner[]>();
  for (const owner of owners) {
    const key = nodeClassKey(owner);
    groups.set(key, [...(groups.get(key) ?? []), owner]);
  }
  return new Map(
    [...groups].map(([key, group]) => {
      const { accelerator } = group[0]!;
      const { nodeImage } = group[0]!.config;
      const nodeClass = new NodeClass(
        key,
        {
          scope,
          accelerator,
          image: {
            family: nodeImage,
            version:
              nodeImage === "bottlerocket"
                ? config.nodes.bottlerocketVersion
                : config.nodes.al2023Version!,
          },
          volumes: imageCacheSettings({
            nodeImage,
            cache: config.images.cache,
            ...(config.images.snapshot.id === undefined
              ? {}
              : { snapshotId: config.images.snapshot.id }),
            initializationRateMiBps: config.images.snapshot.initializationRateMiBps,
            instanceStore: group.every((owner) =>
              owner.instanceTypes.every((type) => type.instanceStoreGiB > 0),
            ),
            dataVolumeGiB: config.nodes.dataVolumeGiB,
          }),
          nodeRoleName: platform.nodeRoleName,
          subnetTerms: platform.network.karpenterSubnetTerms,
          securityGroupId: platform.cluster.securityGroupId,
          capacityReservationIds: [
            ...new Set(group.flatMap((owner) => owner.config.capacityReservationIds)),
          ],
          tags,
        },
        { providers: platform.providers, dependsOn: platform.karpenter },
      );
      return [key, nodeClass] as const;
    }),
  );
}

/** Those with reservations of their own have a class of their own: a class offers all of its. */
function nodeClassKey({ name, accelerator, config }: Owner): string {
  return [
    accelerator.name,
    ...(config.nodeImage === "bottlerocket" ? [] : [config.nodeImage]),
    ...(config.capacityReservationIds.length === 0 ? [] : ["reserved", name]),
  ].join("-");
}

function createNodePool(
  { scope, config, platform }: NodesArgs,
  owner: Owner,
  nodeClass: NodeClass,
): NodePool {
  const { nodes } = config;
  return new NodePool(
    owner.name,
    {
      scope,
      owner: { kind: owner.kind, name: owner.name },
      model: owner.model,
      accelerator: owner.accelerator,
      instanceTypes: owner.instanceTypes,
      capacityTypes: owner.config.capacityTypes,
      nodeClass,
      maxReplicas: owner.maxReplicas,
      devicesPerReplica: owner.config.devices,
      nodeImage: owner.config.nodeImage,
      pricePerHour: owner.config.pricePerHour,
      disruption: {
        consolidateAfter: owner.consolidateAfter,
        expireAfter: nodes.expireAfter,
        terminationGracePeriod: owner.terminationGracePeriod,
        budget: nodes.disruptionBudget,
      },
    },
    { providers: platform.providers, dependsOn: platform.karpenter },
  );
}
