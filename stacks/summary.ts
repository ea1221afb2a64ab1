import type { AdapterName } from "../contracts/tasks/runtimes";
import { type FleetCost, fleetCostPerHour } from "../fleet/cost";
import { hasProbes } from "./capacityProbes";
import type { FleetConfig } from "./config/schema";
import { endpointWarnings } from "./endpointNotes";
import { type EndpointSummary, endpointSummaries } from "./endpointSummaries";
import { failoverNote } from "./failoverNotes";
import { type ResolvedModel, resolveFleet } from "./resolve";
import { type ResolvedEndpoints, resolveEndpoints } from "./resolveEndpoints";
import { type ResolvedRuntime, resolveRuntimes } from "./resolveRuntimes";
import { needsCluster, needsNetwork, ownsApiEndpoint, servesRealtime } from "./servingPaths";
import { warningsOf } from "./warnings";

/** One unit, as a person wants to see it before anything is built. */
export interface UnitSummary {
  readonly unit: string;
  readonly model: string;
  readonly accelerator: string;
  readonly framework: string;
  readonly instanceTypes: readonly string[];
  readonly weight: number;
  readonly weightSource: "published" | "derived" | "configured";
  /** Images per minute per replica, in the model's mode. */
  readonly counterTarget: number;
  readonly inFlightTarget: number;
  /** US dollars an hour for one replica. */
  readonly pricePerHour: number;
  /** US dollars at the breaking point. */
  readonly costPerThousandImages: number;
  readonly minReplicas: number;
  readonly maxReplicas: number;
}

/** One runtime of the asynchronous path, likewise. */
export interface RuntimeSummary {
  readonly runtime: string;
  readonly adapter: AdapterName;
  readonly accelerator: string;
  readonly instanceTypes: readonly string[];
  readonly capacityTypes: readonly string[];
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Tasks in the queue, those in work included, per replica. */
  readonly tasksPerReplica: number;
  readonly longestTaskSeconds: number;
  /** US dollars an hour for one replica, on demand. */
  readonly pricePerHour: number;
}

/** What an environment is and costs, from its config alone. */
export interface PlanSummary {
  readonly mode: "cost" | "capacity";
  readonly region: string;
  readonly units: readonly UnitSummary[];
  /** Empty where the asynchronous path is off. */
  readonly runtimes: readonly RuntimeSummary[];
  /** Empty where that path is off. */
  readonly endpoints: readonly EndpointSummary[];
  readonly cost: FleetCost;
  /** What fail-over does and may cost, in a sentence; absent: it is off. */
  readonly failover?: string;
  readonly warnings: readonly string[];
}

/** Sums an environment up, of each model the cheapest images first; pure. */
export function summarise(config: FleetConfig, region: string): PlanSummary {
  const models = resolveFleet(config, region).map((model) => ({
    ...model,
    units: [...model.units].sort((a, b) => a.costPerThousandImages - b.costPerThousandImages),
  }));
  const units = models.flatMap((model) =>
    model.units.map((unit) => ({
      unit: unit.name,
      model: model.name,
      accelerator: unit.accelerator.name,
      framework: unit.config.framework,
      instanceTypes: unit.instanceTypes.map((type) => type.name),
      weight: unit.weight,
      weightSource: unit.weightSource,
      counterTarget: unit.counterTargets[model.mode],
      inFlightTarget: unit.inFlightTarget,
      pricePerHour: unit.pricePerHour,
      costPerThousandImages: unit.costPerThousandImages,
      minReplicas: unit.config.replicas.min,
      maxReplicas: unit.config.replicas.max,
    })),
  );
  const runtimes = resolveRuntimes(config, region);
  const endpoints = resolveEndpoints(config, region);
  const cost = costOf(config, { models, runtimes, endpoints }, region);
  const failover = failoverNote(config, cost);
  return {
    mode: config.mode,
    region,
    units,
    runtimes: runtimes.map(runtimeSummary),
    endpoints: endpointSummaries(endpoints),
    cost,
    ...(failover === undefined ? {} : { failover }),
    warnings: [...warningsOf(config, models, cost), ...endpointWarnings(config, endpoints, region)],
  };
}

function runtimeSummary({ name, config, ...machines }: ResolvedRuntime): RuntimeSummary {
  return {
    runtime: name,
    adapter: config.adapter,
    accelerator: machines.accelerator.name,
    instanceTypes: machines.instanceTypes.map((type) => type.name),
    capacityTypes: config.capacityTypes,
    minReplicas: config.replicas.min,
    maxReplicas: config.replicas.max,
    tasksPerReplica: config.scaling.tasksPerReplica,
    longestTaskSeconds: config.longestTaskSeconds,
    pricePerHour: machines.pricePerHour,
  };
}

interface Paid {
  readonly models: readonly ResolvedModel[];
  readonly runtimes: readonly ResolvedRuntime[];
  readonly endpoints: ResolvedEndpoints;
}

function costOf(
  config: FleetConfig,
  { models, runtimes, endpoints }: Paid,
  region: string,
): FleetCost {
  const { network, cluster } = config;
  const ownVpc = network.existing === undefined && needsNetwork(config);
  const ownCluster = cluster.existing === undefined && needsCluster(config);
  const zones = network.availabilityZones?.length ?? network.zones;
  const { systemNodes } = cluster;
  return fleetCostPerHour({
    region,
    units: models.flatMap((model) =>
      model.units.map(({ name, config: unit, instanceTypes }) => ({
        name,
        instanceType: instanceTypes[0]!.name,
        devicesPerReplica: unit.devices,
        replicas: unit.replicas,
        headroom: unit.headroom,
        probes: hasProbes(config) ? 1 : 0,
        ...(unit.pricePerHour === undefined ? {} : { pricePerHour: unit.pricePerHour }),
      })),
    ),
    runtimes: runtimes.map(({ name, config: runtime, instanceTypes }) => ({
      name,
      instanceType: instanceTypes[0]!.name,
      devicesPerReplica: runtime.devices,
      replicas: runtime.replicas,
      ...(runtime.pricePerHour === undefined ? {} : { pricePerHour: runtime.pricePerHour }),
    })),
    endpoints: Object.values(endpoints)
      .flat()
      .map(({ name, config: { instances, pricePerHour }, machines }) => ({
        name,
        instanceType: machines.type.name,
        instances,
        ...(pricePerHour === undefined ? {} : { pricePerHour }),
      })),
    ...(ownCluster
      ? {
          systemNodes: {
            instanceType: systemNodes.instanceTypes[0]!,
            min: systemNodes.count,
            max: systemNodes.count,
          },
        }
      : {}),
    controlPlanes: ownCluster ? 1 : 0,
    natGateways: ownVpc ? (network.natGateways === "single" ? 1 : zones) : 0,
    loadBalancers: servesRealtime(config) ? 1 : 0,
    interfaceEndpoints: ownVpc
      ? (network.interfaceEndpoints.length + (ownsApiEndpoint(config) ? 1 : 0)) * zones
      : 0,
  });
}
