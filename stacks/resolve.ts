import { costPerThousandImages } from "../fleet/cost";
import { measurement } from "../fleet/measurements";
import { counterTarget, inFlightTarget } from "../fleet/targets";
import { costWeights, type WeightSource } from "../fleet/weights";
import type { FleetConfig, ModelConfig, RoutingMode, UnitConfig } from "./config/schema";
import { type Machines, machinesOf } from "./machines";

/** A deployment unit with everything that its config, the catalogue and the arithmetic say of it. */
export interface ResolvedUnit extends Machines {
  readonly name: string;
  readonly model: string;
  readonly config: UnitConfig;
  /** Images per minute per replica at the breaking point, and seconds per image there. */
  readonly throughput: number;
  readonly latencySeconds: number;
  readonly costPerThousandImages: number;
  readonly weight: number;
  readonly weightSource: WeightSource;
  /** Counter targets by mode, images per minute per replica. */
  readonly counterTargets: Readonly<Record<RoutingMode, number>>;
  /** Requests in flight per replica. */
  readonly inFlightTarget: number;
}

/** A model with its units and the routing mode that holds for it. */
export interface ResolvedModel {
  readonly name: string;
  readonly config: ModelConfig;
  readonly mode: RoutingMode;
  readonly units: readonly ResolvedUnit[];
}

/** The fleet that a valid config describes: its models with units. */
export function resolveFleet(config: FleetConfig, region: string): readonly ResolvedModel[] {
  return Object.entries(config.models)
    .map(([name, model]) => ({
      name,
      config: model,
      mode: model.mode ?? config.mode,
      units: resolveUnits(
        Object.entries(config.units).filter(([, unit]) => unit.model === name),
        region,
      ),
    }))
    .filter(({ units }) => units.length > 0);
}

function resolveUnits(
  entries: readonly (readonly [string, UnitConfig])[],
  region: string,
): readonly ResolvedUnit[] {
  const measured = entries.map(([name, unit]) => {
    const figures = unit.measurement ?? measurement(name);
    if (figures === undefined) throw new RangeError(`${name} has no measurement.`);
    const machines = machinesOf(unit, region);
    return {
      name,
      machines,
      throughput: figures.throughput,
      latencySeconds: figures.latencySeconds,
      pricePerHour: machines.pricePerHour,
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
      ...figures.machines,
      throughput: figures.throughput,
      latencySeconds: figures.latencySeconds,
      costPerThousandImages: costPerThousandImages(figures.pricePerHour, figures.throughput),
      weight: weights[index]!.weight,
      weightSource: weights[index]!.source,
      counterTargets: {
        cost: counterTarget(figures, "cost", measured),
        capacity: counterTarget(figures, "capacity", measured),
      },
      inFlightTarget: inFlightTarget(figures),
    };
  });
}
