import { type Accelerator, accelerator, type InstanceType } from "../fleet/accelerators";
import { costPerThousandImages } from "../fleet/cost";
import { measurement } from "../fleet/measurements";
import { type PodResources, podResources } from "../fleet/podResources";
import { pricePerHour } from "../fleet/prices";
import { counterTarget, inFlightTarget } from "../fleet/targets";
import { costWeights, type WeightSource } from "../fleet/weights";
import type { FleetConfig, ModelConfig, RoutingMode, UnitConfig } from "./config/schema";

/** A deployment unit with everything that its config, the catalogue and the arithmetic say of it. */
export interface ResolvedUnit {
  readonly name: string;
  readonly model: string;
  readonly config: UnitConfig;
  readonly accelerator: Accelerator;
  /** Sizes that may be launched, the cheapest first. */
  readonly instanceTypes: readonly InstanceType[];
  /** Images per minute per replica at the breaking point, and seconds per image there. */
  readonly throughput: number;
  readonly latencySeconds: number;
  /** US dollars an hour for one replica: the machine's price times its share of the devices. */
  readonly pricePerHour: number;
  /** US dollars an hour for one machine of the cheapest size. */
  readonly machinePricePerHour: number;
  readonly costPerThousandImages: number;
  readonly weight: number;
  readonly weightSource: WeightSource;
  /** Counter targets by mode, images per minute per replica. */
  readonly counterTargets: Readonly<Record<RoutingMode, number>>;
  /** Requests in flight per replica. */
  readonly inFlightTarget: number;
  /** What a replica's pod requests beside its devices. */
  readonly podResources: PodResources;
}

/** A model with its units and the routing mode that holds for it. */
export interface ResolvedModel {
  readonly name: string;
  readonly config: ModelConfig;
  readonly mode: RoutingMode;
  readonly units: readonly ResolvedUnit[];
}

/** The fleet that a valid config describes. */
export function resolveFleet(config: FleetConfig, region: string): readonly ResolvedModel[] {
  return Object.entries(config.models).map(([name, model]) => ({
    name,
    config: model,
    mode: model.mode ?? config.mode,
    units: resolveUnits(
      Object.entries(config.units).filter(([, unit]) => unit.model === name),
      region,
    ),
  }));
}

function resolveUnits(
  entries: readonly (readonly [string, UnitConfig])[],
  region: string,
): readonly ResolvedUnit[] {
  const measured = entries.map(([name, unit]) => {
    const figures = unit.measurement ?? measurement(name);
    if (figures === undefined) throw new RangeError(`${name} has no measurement.`);
    return {
      name,
      throughput: figures.throughput,
      latencySeconds: figures.latencySeconds,
      pricePerHour: replicaPrice(unit, region),
      ...(unit.weight === undefined ? {} : { weight: unit.weight }),
    };
  });
  const weights = costWeights(measured);
  return entries.map(([name, unit], index) => {
    const figures = measured[index]!;
    return {
      name,
      model: unit.model,
      config: unit,
      accelerator: accelerator(unit.accelerator),
      instanceTypes: instanceTypesOf(unit, region),
      throughput: figures.throughput,
      latencySeconds: figures.latencySeconds,
      pricePerHour: figures.pricePerHour,
      machinePricePerHour: priceOf(instanceTypesOf(unit, region)[0]!, unit, region),
      costPerThousandImages: costPerThousandImages(figures.pricePerHour, figures.throughput),
      weight: weights[index]!.weight,
      weightSource: weights[index]!.source,
      counterTargets: {
        cost: counterTarget(figures, "cost", measured),
        capacity: counterTarget(figures, "capacity", measured),
      },
      inFlightTarget: inFlightTarget(figures),
      podResources: podResources(
        instanceTypesOf(unit, region).map((type) => type.name),
        unit.devices,
      ),
    };
  });
}

/** The unit's sizes, the cheapest first, so that the first one gives its price. */
function instanceTypesOf(unit: UnitConfig, region: string): readonly InstanceType[] {
  const { instanceTypes, defaultInstanceType } = accelerator(unit.accelerator);
  return (unit.instanceTypes ?? [defaultInstanceType])
    .map((name) => instanceTypes[name]!)
    .sort((a, b) => priceOf(a, unit, region) - priceOf(b, unit, region));
}

function replicaPrice(unit: UnitConfig, region: string): number {
  const cheapest = instanceTypesOf(unit, region)[0]!;
  return (priceOf(cheapest, unit, region) * unit.devices) / cheapest.devices;
}

/** A machine's price: what the config says, else on demand; unknown ones sort last. */
function priceOf(type: InstanceType, unit: UnitConfig, region: string): number {
  return unit.pricePerHour ?? pricePerHour(type.name, region)?.usd ?? Number.POSITIVE_INFINITY;
}
