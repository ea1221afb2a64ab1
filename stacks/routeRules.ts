import {
  type Backend,
  type BackendRef,
  type RouteRule,
  SERVICE_PORT,
  STANDBY_HEADER,
} from "../contracts/routeTable";

/**
 * `spec.rules` of a model's HTTPRoute.
 *
 * The rule without a header match carries the traffic; the other names the backends of the other
 * mode, so that their target groups stay registered and healthy and a switch, which swaps the two,
 * waits for nothing.
 *
 * @param filter for both rules: sign-in and stickiness, where they are wanted
 */
export function routeRules(
  pathPrefix: string,
  carrying: readonly Backend[],
  standby: readonly Backend[],
  filter: Readonly<Record<string, unknown>> | undefined,
): readonly RouteRule[] {
  const path = { type: "PathPrefix", value: pathPrefix };
  const filters = filter === undefined ? {} : { filters: [filter] };
  return [
    { matches: [{ path }], ...filters, backendRefs: carrying.map(backendRef) },
    {
      matches: [{ path, headers: [{ type: "Exact", ...STANDBY_HEADER }] }],
      ...filters,
      backendRefs: standby.map(backendRef),
    },
  ];
}

function backendRef({ service, weight }: Backend): BackendRef {
  return { group: "", kind: "Service", name: service, port: SERVICE_PORT, weight };
}
