import { type Backend, carriesTraffic, type RouteRule } from "../../contracts/routeTable";
import type { UnitFacts } from "./unitState";

/** Where a route's traffic goes. */

/** Whether a ready pod gets any traffic. */
export function serves(
  backends: readonly Backend[],
  units: Readonly<Record<string, UnitFacts>>,
): boolean {
  const anyReady = Object.values(units).some(({ ready }) => ready > 0);
  return backends.some(
    ({ service, weight }) =>
      weight > 0 && (units[service] === undefined ? anyReady : units[service].ready > 0),
  );
}

/** The rules with other weights in the one that carries traffic. */
export function withWeights(
  rules: readonly RouteRule[],
  backends: readonly Backend[],
): readonly RouteRule[] {
  const weights = new Map(backends.map(({ service, weight }) => [service, weight]));
  return rules.map((rule) =>
    carriesTraffic(rule)
      ? {
          ...rule,
          backendRefs: rule.backendRefs.map((backend) => ({
            ...backend,
            weight: weights.get(backend.name) ?? backend.weight,
          })),
        }
      : rule,
  );
}

export function sameServices(a: readonly Backend[], b: readonly Backend[]): boolean {
  const names = (backends: readonly Backend[]) => backends.map(({ service }) => service).sort();
  return names(a).join() === names(b).join();
}

export function sameBackends(a: readonly Backend[], b: readonly Backend[]): boolean {
  const text = (backends: readonly Backend[]) =>
    backends
      .map(({ service, weight }) => `${service} ${weight}`)
      .sort()
      .join();
  return text(a) === text(b);
}
