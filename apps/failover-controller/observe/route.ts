import { PIN_ANNOTATION, PIN_REASON_ANNOTATION } from "../../../contracts/failover";
import type { Backend, RouteRule } from "../../../contracts/routeTable";
import { type RoutingMode, routingModes } from "../../../fleet/targets";
import { annotation, count, list, text } from "./field";
import { isOurs } from "./trafficOwner";

/** A model's HTTPRoute. */
export interface Route {
  readonly name: string;
  readonly uid: string;
  /** Whether Pulumi has not taken it back: it does while this controller may still run. */
  readonly isOurs: boolean;
  /** `spec.rules` as they stand, for comparison only. */
  readonly rules: readonly RouteRule[];
  readonly generation: number;
  /** The generation that a controller of the gateway has taken up; 0: none yet. */
  readonly takenUp: number;
  readonly pin: Pin | undefined;
}

/** What a person wants a model's mode to be, whatever happens. */
export interface Pin {
  /** Undefined when the annotation names no mode. */
  readonly mode: RoutingMode | undefined;
  readonly text: string;
  readonly reason: string | undefined;
}

export function route(raw: unknown): Route | undefined {
  const name = text(raw, "metadata.name");
  const uid = text(raw, "metadata.uid");
  if (name === undefined || uid === undefined) return undefined;
  const pinned = annotation(raw, PIN_ANNOTATION);
  const accepted = list(raw, "status.parents").map((parent) => {
    const conditions = list(parent, "conditions");
    const found = conditions.find((each) => text(each, "type") === "Accepted");
    return count(found, "observedGeneration") ?? 0;
  });
  return {
    name,
    uid,
    isOurs: isOurs(raw),
    rules: list(raw, "spec.rules") as readonly RouteRule[],
    generation: count(raw, "metadata.generation") ?? 0,
    takenUp: accepted.length === 0 ? 0 : Math.min(...accepted),
    pin:
      pinned === undefined
        ? undefined
        : {
            mode: routingModes.find((mode) => mode === pinned),
            text: pinned,
            reason: annotation(raw, PIN_REASON_ANNOTATION),
          },
  };
}

/** Where a route's traffic goes now; undefined when that cannot be said. */
export function backendsOf(route: Route | undefined): readonly Backend[] | undefined {
  const traffic = route?.rules.find(
    (rule) => typeof rule === "object" && rule !== null && isWithoutHeaders(rule),
  );
  const refs: unknown = traffic?.backendRefs;
  if (!Array.isArray(refs)) return undefined;
  return refs.map((ref) => ({
    service: text(ref, "name") ?? "",
    weight: count(ref, "weight") ?? 1,
  }));
}

function isWithoutHeaders(rule: unknown): boolean {
  return list(rule, "matches").every((match) => list(match, "headers").length === 0);
}
