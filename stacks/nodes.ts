import { NodeClass } from "../components/nodeClass";
import { NodePool } from "../components/nodePool";
import { imageCacheSettings } from "../components/nodeVolumes";
import type { Scope } from "../components/scope";
import { hasProbes } from "./capacityProbes";
import type { FleetConfig } from "./config/schema";
import type { Platform } from "./platform";
import type { ResolvedModel, ResolvedUnit } from "./resolve";

export interface NodesArgs {
  readonly scope: Scope;
  readonly config: FleetConfig;
  readonly models: readonly ResolvedModel[];
  readonly platform: Platform;
  readonly tags: Readonly<Record<string, string>>;
}

/** The machines of all units: a node pool for each, by the unit's name. */
export function unitNodes(args: NodesArgs): ReadonlyMap<string, NodePool> {
  const nodeClasses = createNodeClasses(args);
  return new Map(
    args.models
      .flatMap((model) => model.units)
      .map((unit) => [unit.name, createNodePool(args, unit, nodeClasses.get(nodeClassKey(unit))!)]),
  );
}

/** One node class for each accelerator and machine image in use. */
function createNodeClasses(args: NodesArgs): ReadonlyMap<string, NodeClass> {
  const { scope, config, models, platform, tags } = args;
  const groups = new Map<string, ResolvedUnit[]>();
  for (const unit of models.flatMap((model) => model.units)) {
    const key = nodeClassKey(unit);
    groups.set(key, [...(groups.get(key) ?? []), unit]);
  }
  return new Map(
    [...groups].map(([key, units]) => {
      const { accelerator } = units[0]!;
      const { nodeImage } = units[0]!.config;
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
            instanceStore: units.every((unit) =>
              unit.instanceTypes.every((type) => type.instanceStoreGiB > 0),
            ),
            dataVolumeGiB: config.nodes.dataVolumeGiB,
          }),
          nodeRoleName: platform.nodeRoleName,
          subnetTerms: platform.network.karpenterSubnetTerms,
          securityGroupId: platform.cluster.securityGroupId,
          capacityReservationIds: [
            ...new Set(units.flatMap((unit) => unit.config.capacityReservationIds)),
          ],
          tags,
        },
        { providers: platform.providers, dependsOn: platform.karpenter },
      );
      return [key, nodeClass] as const;
    }),
  );
}

/** Units with reservations of their own have a class of their own: a class offers all of its. */
function nodeClassKey({ name, accelerator, config }: ResolvedUnit): string {
  return [
    accelerator.name,
    ...(config.nodeImage === "bottlerocket" ? [] : [config.nodeImage]),
    ...(config.capacityReservationIds.length === 0 ? [] : ["reserved", name]),
  ].join("-");
}

function createNodePool(
  { scope, config, platform }: NodesArgs,
  unit: ResolvedUnit,
  nodeClass: NodeClass,
): NodePool {
  const { nodes } = config;
  return new NodePool(
    unit.name,
    {
      scope,
      unit: unit.name,
      model: unit.model,
      accelerator: unit.accelerator,
      instanceTypes: unit.instanceTypes,
      capacityTypes: unit.config.capacityTypes,
      nodeClass,
      maxReplicas: unit.config.replicas.max + unit.config.headroom + (hasProbes(config) ? 1 : 0),
      devicesPerReplica: unit.config.devices,
      nodeImage: unit.config.nodeImage,
      pricePerHour: unit.config.pricePerHour,
      disruption: {
        consolidateAfter: nodes.consolidateAfter,
        expireAfter: nodes.expireAfter,
        terminationGracePeriod: nodes.terminationGracePeriod,
        budget: nodes.disruptionBudget,
      },
    },
    { providers: platform.providers, dependsOn: platform.karpenter },
  );
}
