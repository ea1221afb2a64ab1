import { type Accelerator, accelerator, type InstanceType } from "../fleet/accelerators";
import { type PodResources, podResources } from "../fleet/podResources";
import { pricePerHour } from "../fleet/prices";
import type { MachineConfig } from "./config/units";

/** The machines of a unit or runtime, and what one replica has and costs on them. */
export interface Machines {
  readonly accelerator: Accelerator;
  /** Sizes that may be launched, the cheapest first. */
  readonly instanceTypes: readonly InstanceType[];
  /** US dollars an hour for one replica: the machine's price times its share of the devices. */
  readonly pricePerHour: number;
  /** US dollars an hour for one machine of the cheapest size. */
  readonly machinePricePerHour: number;
  /** What a replica's pod requests beside its devices. */
  readonly podResources: PodResources;
}

/** The machines that a valid config describes. */
export function machinesOf(config: MachineConfig, region: string): Machines {
  const instanceTypes = instanceTypesOf(config, region);
  const cheapest = instanceTypes[0]!;
  const machinePricePerHour = priceOf(cheapest, config, region);
  return {
    accelerator: accelerator(config.accelerator),
    instanceTypes,
    pricePerHour: (machinePricePerHour * config.devices) / cheapest.devices,
    machinePricePerHour,
    podResources: podResources(
      instanceTypes.map((type) => type.name),
      config.devices,
    ),
  };
}

/** The sizes, the cheapest first, so that the first one gives the price. */
function instanceTypesOf(config: MachineConfig, region: string): readonly InstanceType[] {
  const { instanceTypes, defaultInstanceType } = accelerator(config.accelerator);
  return (config.instanceTypes ?? [defaultInstanceType])
    .map((name) => instanceTypes[name]!)
    .sort((a, b) => priceOf(a, config, region) - priceOf(b, config, region));
}

/** A machine's price: what the config says, else on demand; unknown ones sort last. */
function priceOf(type: InstanceType, config: MachineConfig, region: string): number {
  return config.pricePerHour ?? pricePerHour(type.name, region)?.usd ?? Number.POSITIVE_INFINITY;
}
