import type { ModelRouteTable, RoutingMode } from "../contracts/routeTable";
import type { ResolvedModel } from "./resolve";

/** Both tables of a model: the units by weight, and the one Service over all of them. */
export function routeTable({ name, mode, units }: ResolvedModel): ModelRouteTable {
  const targets = (of: RoutingMode) =>
    Object.fromEntries(units.map((unit) => [unit.name, unit.counterTargets[of]]));
  return {
    model: name,
    configuredMode: mode,
    modes: {
      cost: {
        backends: units.map((unit) => ({ service: unit.name, weight: unit.weight })),
        counterTargets: targets("cost"),
      },
      capacity: {
        backends: [{ service: name, weight: 1 }],
        counterTargets: targets("capacity"),
      },
    },
  };
}
