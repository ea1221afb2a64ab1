import { instanceType } from "./accelerators";
import { managedPricePerHour } from "./managedPrices";
import { type HourlyService, type Price, pricePerHour, servicePricesPerHour } from "./prices";
import { machinesFor } from "./scaling";

/** What images cost, and what an environment costs an hour. US dollars, on demand, without tax. */

/**
 * US dollars for a thousand images from a replica that is never idle.
 *
 * @param replicaPricePerHour dollars an hour for one replica: its share of the machine
 * @param throughput images per minute per replica
 * @throws RangeError unless the price is 0 or more and the throughput more than 0.
 */
export function costPerThousandImages(replicaPricePerHour: number, throughput: number): number {
  return (derivedCostPerInferenceSecond(replicaPricePerHour, throughput) / 60) * 1000;
}

/**
 * Price over throughput, as Tables 1 and 2 of seed 001 come to their column "Cost of Inference /
 * Second" (five decimals there).
 *
 * Its unit is not dollars per second. Dollars an hour over images a minute is dollars · minute /
 * (hour · image): one sixtieth of it is dollars per image. Only its order and ratios mean anything,
 * and the seed uses no more than those.
 *
 * @param replicaPricePerHour dollars an hour for one replica
 * @param throughput images per minute per replica
 * @throws RangeError unless the price is 0 or more and the throughput more than 0.
 */
export function derivedCostPerInferenceSecond(
  replicaPricePerHour: number,
  throughput: number,
): number {
  if (!(replicaPricePerHour >= 0)) {
    throw new RangeError(`A price must be 0 or more, not ${replicaPricePerHour}.`);
  }
  if (!(throughput > 0)) {
    throw new RangeError(`A throughput must be more than 0, not ${throughput}.`);
  }
  return replicaPricePerHour / throughput;
}

/** A deployment unit, or a runtime of the asynchronous path, as its bill sees it. */
export interface PaidUnit {
  readonly name: string;
  /** The type that its replicas run on; of several, the one that the estimate is to assume. */
  readonly instanceType: string;
  readonly devicesPerReplica: number;
  readonly replicas: { readonly min: number; readonly max: number };
  /** Warm machines beside those of the replicas; 0 when absent. */
  readonly headroom?: number;
  /** Dollars an hour for one machine, instead of the on-demand price (a reservation, spot). */
  readonly pricePerHour?: number;
  /** Machines that capacity probes hold in a shortage, at most; 0 when absent. */
  readonly probes?: number;
}

/** An endpoint that SageMaker manages, as its bill sees it. */
export interface PaidEndpoint {
  readonly name: string;
  /** `ml.g5.xlarge`. */
  readonly instanceType: string;
  readonly instances: { readonly min: number; readonly max: number };
  /** Dollars an hour for one instance, instead of the list price. */
  readonly pricePerHour?: number;
}

/** What an environment has that is paid by the hour. */
export interface PaidFleet {
  /** AWS's name, `us-west-2`. */
  readonly region: string;
  readonly units: readonly PaidUnit[];
  /** Runtimes that work off queues; none when absent. */
  readonly runtimes?: readonly PaidUnit[];
  /** Managed endpoints; none when absent. */
  readonly endpoints?: readonly PaidEndpoint[];
  /** The nodes that carry the controllers; absent in a cluster of the user's own. */
  readonly systemNodes?: {
    readonly instanceType: string;
    readonly min: number;
    readonly max: number;
  };
  /** EKS control planes: 1, or 0 in a cluster of the user's own. */
  readonly controlPlanes: number;
  readonly natGateways: number;
  readonly loadBalancers: number;
  /** Interface endpoints, counted once per zone each is in. */
  readonly interfaceEndpoints: number;
}

/** One line of the bill. */
export interface CostLine {
  readonly kind: "unit" | "probe" | "runtime" | "endpoint" | "systemNodes" | HourlyService;
  /** The unit's, the runtime's, the endpoint's or the instance type's name, or the service in words. */
  readonly name: string;
  /** How many there are at the autoscaler's minimum and maximum: machines, gateways … */
  readonly count: { readonly min: number; readonly max: number };
  /** Dollars an hour for one, or undefined when no price of it is known. */
  readonly usdEach: number | undefined;
  /**
   * Dollars an hour for all of them; an unknown price counts as 0, see {@link FleetCost.unpriced}.
   */
  readonly usd: { readonly min: number; readonly max: number };
  /** Where the price comes from, with its region when that is another. */
  readonly source: string;
  /** Whether the price is that of the environment's region. */
  readonly exact: boolean;
}

/**
 * What an environment costs an hour, with every replica count at its minimum and at its maximum.
 */
export interface FleetCost {
  /** Dollars an hour. */
  readonly usd: { readonly min: number; readonly max: number };
  readonly lines: readonly CostLine[];
  /** Whether every price is known and is that of the environment's region. */
  readonly exact: boolean;
  /** Instance types without a known price, hence missing from the sums. */
  readonly unpriced: readonly string[];
}

/** Where the service prices hold as printed (prices.ts). */
const servicePriceRegions = ["us-west-2", "us-east-1", "us-east-2"];

const serviceNames: Readonly<Record<HourlyService, string>> = {
  controlPlane: "EKS control plane",
  natGateway: "NAT gateway",
  loadBalancer: "Application Load Balancer",
  interfaceEndpoint: "interface endpoint",
};

/**
 * What an environment costs an hour whether or not it serves anything (minimum), and with every
 * unit scaled out (maximum). Traffic, volumes, requests, logs and capacity units come on top.
 *
 * Lines without any (no NAT gateway, say) are left out.
 *
 * @throws RangeError for a unit on an instance type that is not accelerated or has too few devices,
 *   or a minimum above its maximum.
 */
export function fleetCostPerHour(fleet: PaidFleet): FleetCost {
  const lines: CostLine[] = fleet.units.map((unit) => replicasLine("unit", unit, fleet.region));
  lines.push(...fleet.units.map((unit) => probeLine(unit, fleet.region)));
  lines.push(
    ...(fleet.runtimes ?? []).map((runtime) => replicasLine("runtime", runtime, fleet.region)),
  );
  lines.push(...(fleet.endpoints ?? []).map((endpoint) => endpointLine(endpoint, fleet.region)));
  if (fleet.systemNodes !== undefined) {
    const { instanceType: type, min, max } = fleet.systemNodes;
    lines.push(machineLine("systemNodes", type, type, { min, max }, fleet.region));
  }
  lines.push(
    serviceLine("controlPlane", fleet.controlPlanes, fleet.region),
    serviceLine("natGateway", fleet.natGateways, fleet.region),
    serviceLine("loadBalancer", fleet.loadBalancers, fleet.region),
    serviceLine("interfaceEndpoint", fleet.interfaceEndpoints, fleet.region),
  );

  const billed = lines.filter(({ count }) => count.max > 0);
  return {
    usd: {
      min: billed.reduce((sum, { usd }) => sum + usd.min, 0),
      max: billed.reduce((sum, { usd }) => sum + usd.max, 0),
    },
    lines: billed,
    exact: billed.every(({ exact }) => exact),
    unpriced: [...new Set(unpricedTypes(fleet))].sort(),
  };
}

function replicasLine(kind: "unit" | "runtime", unit: PaidUnit, region: string): CostLine {
  const type = instanceType(unit.instanceType);
  if (type === undefined) {
    throw new RangeError(`${unit.name}: no accelerated instance type is ${unit.instanceType}.`);
  }
  const machines = (replicas: number) =>
    machinesFor(replicas, type.devices, unit.devicesPerReplica) + (unit.headroom ?? 0);
  const count = { min: machines(unit.replicas.min), max: machines(unit.replicas.max) };
  return machineLine(kind, unit.name, unit.instanceType, count, region, unit.pricePerHour);
}

/** A probe holds a machine in a shortage only. */
function probeLine(unit: PaidUnit, region: string): CostLine {
  const { name, instanceType: type, probes: max = 0, pricePerHour: configured } = unit;
  return machineLine("probe", `${name}-probe`, type, { min: 0, max }, region, configured);
}

function endpointLine(endpoint: PaidEndpoint, region: string): CostLine {
  const { name, instanceType: type, instances, pricePerHour: configured } = endpoint;
  return pricedLine("endpoint", name, instances, configured, managedPricePerHour(type, region));
}

function machineLine(
  kind: "unit" | "probe" | "runtime" | "systemNodes",
  name: string,
  type: string,
  count: { min: number; max: number },
  region: string,
  configured?: number,
): CostLine {
  return pricedLine(kind, name, count, configured, pricePerHour(type, region));
}

function pricedLine(
  kind: CostLine["kind"],
  name: string,
  count: { min: number; max: number },
  configured: number | undefined,
  price: Price | undefined,
): CostLine {
  if (count.min > count.max) {
    throw new RangeError(`${name}: the minimum of ${count.min} is above ${count.max}.`);
  }
  if (configured !== undefined) {
    return line({ kind, name, count, usdEach: configured, source: "configured", exact: true });
  }
  if (price === undefined) {
    return line({ kind, name, count, usdEach: undefined, source: "unknown", exact: false });
  }
  const { usd, exact } = price;
  const source = `${price.source}, ${price.region}, ${price.date}`;
  return line({ kind, name, count, usdEach: usd, source, exact });
}

function serviceLine(kind: HourlyService, howMany: number, region: string): CostLine {
  const { usd, source } = servicePricesPerHour[kind];
  const everywhere = kind === "controlPlane";
  return line({
    kind,
    name: serviceNames[kind],
    count: { min: howMany, max: howMany },
    usdEach: usd,
    source,
    exact: everywhere || servicePriceRegions.includes(region),
  });
}

function line(known: Omit<CostLine, "usd">): CostLine {
  const each = known.usdEach ?? 0;
  return { ...known, usd: { min: each * known.count.min, max: each * known.count.max } };
}

function unpricedTypes(fleet: PaidFleet): string[] {
  const { units, runtimes = [], endpoints = [], systemNodes, region } = fleet;
  const types = [...units, ...runtimes]
    .filter((unit) => unit.pricePerHour === undefined)
    .map((unit) => unit.instanceType);
  if (systemNodes !== undefined) types.push(systemNodes.instanceType);
  const hosts = endpoints
    .filter((endpoint) => endpoint.pricePerHour === undefined)
    .map((endpoint) => endpoint.instanceType);
  return [
    ...types.filter((type) => pricePerHour(type, region) === undefined),
    ...hosts.filter((type) => managedPricePerHour(type, region) === undefined),
  ];
}
