import type { Evidence } from "../../../apps/failover-controller/evidence";
import type { ModelFacts } from "../../../apps/failover-controller/modelState";
import type { UnitFacts } from "../../../apps/failover-controller/unitState";
import {
  type FailoverSettings,
  failoverSettingsSchema,
  type ShortageCause,
} from "../../../contracts/failover";
import type { ModelRouteTable, RoutingMode } from "../../../contracts/routeTable";
import { accelerators } from "../../../fleet/accelerators";
import { measurements } from "../../../fleet/measurements";
import { pricePerHour } from "../../../fleet/prices";
import { counterTarget, inFlightTarget } from "../../../fleet/targets";
import { probeName } from "../../../stacks/capacityProbes";
import { routeRules } from "../../../stacks/routeRules";
import { unitTriggers } from "../../../stacks/unitTriggers";

/** A fleet for the tests of fail-over: seed 001's, or less of it. */

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;

/** An hour at which somebody is on call. */
export const midnight = Date.parse("2026-11-14T00:00:00Z");

/** The units of Table 1, with the published weights. */
export const seedWeights: Readonly<Record<string, number>> = {
  "sd21-inf2-neuron": 40,
  "sd21-trn1-neuron": 20,
  "sd21-g5-triton": 15,
  "sd21-g6-triton": 10,
  "sd21-g5-cuda": 15,
};

export const inf2 = "sd21-inf2-neuron";
export const trn1 = "sd21-trn1-neuron";
export const g5 = "sd21-g5-triton";
export const g6 = "sd21-g6-triton";
export const cuda = "sd21-g5-cuda";

export interface TableArgs {
  readonly model?: string;
  readonly configuredMode?: RoutingMode;
  /** Weight in cost mode by unit; units that are not Table 1's are like Inf2. */
  readonly weights?: Readonly<Record<string, number>>;
  /** Whether each unit has a capacity probe. */
  readonly probes?: boolean;
}

/** A whole route table, as `stacks/routeTables.ts` makes it; by default of the seed's five units. */
export function routeTable({
  model = "sd21",
  configuredMode = "cost",
  weights = seedWeights,
  probes = true,
}: TableArgs = {}): ModelRouteTable {
  const names = Object.keys(weights);
  const measured = new Map(names.map((name) => [name, measurements[name] ?? measurements[inf2]!]));
  const backends = {
    cost: names.map((service) => ({ service, weight: weights[service]! })),
    capacity: [{ service: model, weight: 1 }],
  };
  const mode = (name: RoutingMode) => {
    const targets = names.map((unit) => {
      const own = measured.get(unit)!;
      return [unit, counterTarget(own, name, [...measured.values()])] as const;
    });
    const other = name === "cost" ? "capacity" : "cost";
    return {
      backends: backends[name],
      counterTargets: Object.fromEntries(targets),
      rules: routeRules("/", backends[name], backends[other], undefined),
      triggers: Object.fromEntries(
        targets.map(([unit, target]) => [
          unit,
          unitTriggers({
            unit,
            stack: "dev",
            region: "us-west-2",
            counterTarget: target,
            inFlightTarget: inFlightTarget(measured.get(unit)!),
            authenticationName: "keda-aws",
          }),
        ]),
      ),
    };
  };
  return {
    model,
    configuredMode,
    units: Object.fromEntries(
      names.map((name) => {
        const { accelerator, instanceType } = measured.get(name)!;
        return [
          name,
          {
            nodePool: nodePoolOf(name),
            device: accelerators[accelerator]!.device,
            machinePricePerHour: pricePerHour(instanceType, "us-west-2")!.usd,
            ...(probes ? { probe: probeName(name) } : {}),
          },
        ];
      }),
    ),
    modes: { cost: mode("cost"), capacity: mode("capacity") },
  };
}

/** Name of a unit's NodePool in the stack `dev`. */
export function nodePoolOf(unit: string): string {
  return `diffusion-fleet-dev-${unit}`;
}

/** Fail-over's settings: the defaults, and what a test says. */
export function settings(some: Partial<FailoverSettings> = {}): FailoverSettings {
  return failoverSettingsSchema.parse(some);
}

/** A unit that has the two replicas that it wants. */
export function healthy(some: Partial<UnitFacts> = {}): UnitFacts {
  return {
    evidence: {},
    pending: 0,
    pendingSince: undefined,
    launchedAt: undefined,
    ready: 2,
    desired: 2,
    probe: "off",
    ...some,
  };
}

/** A unit that wants one more replica than it has machines, since a time. */
export function waiting(since: number, some: Partial<UnitFacts> = {}): UnitFacts {
  return healthy({ pending: 1, pendingSince: since, desired: 3, ...some });
}

/** What Karpenter said once, or until `lastSeen`. */
export function evidence(
  cause: ShortageCause,
  firstSeen: number,
  lastSeen = firstSeen,
): Partial<Record<ShortageCause, Evidence>> {
  return {
    [cause]: { cause, source: `NodeClaim of ${cause}`, message: cause, firstSeen, lastSeen },
  };
}

/** A unit that EC2 has no machine for: a pod waits, and Karpenter has said so. */
export function soldOut(at: number, some: Partial<UnitFacts> = {}): UnitFacts {
  return waiting(at, { evidence: evidence("capacity", at), ...some });
}

/** Facts about a model: every unit of its table healthy, but for what a test says. */
export function modelFacts(
  table: ModelRouteTable,
  units: Readonly<Record<string, UnitFacts>> = {},
  some: Partial<Omit<ModelFacts, "table" | "units">> = {},
): ModelFacts {
  return {
    table,
    pin: undefined,
    units: Object.fromEntries(
      Object.keys(table.units).map((name) => [name, units[name] ?? healthy()]),
    ),
    current: table.modes[table.configuredMode].backends,
    ...some,
  };
}
