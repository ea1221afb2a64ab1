import { nodePoolName } from "../components/nodePool";
import type { Scope } from "../components/scope";
import type {
  Backend,
  ModelRouteTable,
  ModeTable,
  RoutedUnit,
  RoutingMode,
} from "../contracts/routeTable";
import { otherMode } from "../contracts/routeTable";
import { probeName } from "./capacityProbes";
import { secondsOf } from "./config/scalars";
import type { ResolvedModel, ResolvedUnit } from "./resolve";
import { routeRules } from "./routeRules";
import { unitTriggers } from "./unitTriggers";

/** What a table holds beside what is known of the model. */
export interface RouteTableArgs {
  readonly scope: Pick<Scope, "project" | "stack" | "region">;
  /** Filter for every rule of every route, where one is wanted. */
  readonly ruleFilter: Readonly<Record<string, unknown>> | undefined;
  /** ClusterTriggerAuthentication with KEDA's own identity. */
  readonly authenticationName: string;
  /** Whether each unit has a capacity probe. */
  readonly probes: boolean;
  /** How long a machine stays when nothing is on it, e.g. `10m`, or `Never`. */
  readonly consolidateAfter: string;
}

/** Both tables of a model: the units by weight, and the one Service over all of them. */
export function routeTable(model: ResolvedModel, args: RouteTableArgs): ModelRouteTable {
  return {
    model: model.name,
    configuredMode: model.mode,
    units: byUnit(model, (unit) => routedUnit(unit, args)),
    modes: {
      cost: modeTable(model, "cost", args),
      capacity: modeTable(model, "capacity", args),
    },
  };
}

function modeTable(model: ResolvedModel, mode: RoutingMode, args: RouteTableArgs): ModeTable {
  return {
    backends: backendsOf(model, mode),
    counterTargets: byUnit(model, (unit) => unit.counterTargets[mode]),
    rules: routeRules(
      model.config.pathPrefix,
      backendsOf(model, mode),
      backendsOf(model, otherMode(mode)),
      args.ruleFilter,
    ),
    triggers: byUnit(model, (unit) =>
      unitTriggers({
        unit: unit.name,
        stack: args.scope.stack,
        region: args.scope.region,
        counterTarget: unit.counterTargets[mode],
        inFlightTarget: unit.inFlightTarget,
        authenticationName: args.authenticationName,
      }),
    ),
  };
}

function backendsOf({ name, units }: ResolvedModel, mode: RoutingMode): readonly Backend[] {
  return mode === "cost"
    ? units.map((unit) => ({ service: unit.name, weight: unit.weight }))
    : [{ service: name, weight: 1 }];
}

function routedUnit(unit: ResolvedUnit, args: RouteTableArgs): RoutedUnit {
  const { scope, probes, consolidateAfter } = args;
  return {
    nodePool: nodePoolName(scope, unit.name),
    device: unit.accelerator.device,
    machinePricePerHour: unit.machinePricePerHour,
    ...(probes ? { probe: probeName(unit.name) } : {}),
    capacityTypes: new Set(unit.config.capacityTypes).size,
    ...(consolidateAfter === "Never" ? {} : { emptyMachineSeconds: secondsOf(consolidateAfter) }),
  };
}

function byUnit<T>({ units }: ResolvedModel, of: (unit: ResolvedUnit) => T) {
  return Object.fromEntries(units.map((unit) => [unit.name, of(unit)]));
}
