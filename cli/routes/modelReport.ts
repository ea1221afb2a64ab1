import type { FailoverSettings, ModelStatus, UnitStatus } from "../../contracts/failover";
import type { Backend, ModelRouteTable, RoutingMode } from "../../contracts/routeTable";
import { routingModes } from "../../fleet/targets";
import type { FailoverReport } from "./failoverReport";
import type { LiveDeployment, LiveRoute } from "./liveObjects";

/** Where a model's traffic goes, and why. Times are ISO 8601, UTC; null: not known, or none. */
export interface ModelReport {
  readonly model: string;
  /** By the live route's backends; `other`: they are neither mode's. */
  readonly mode: RoutingMode | "other" | null;
  readonly configuredMode: RoutingMode | null;
  /** What a person wrote on the route; without `mode` where that names none. */
  readonly pin: {
    readonly mode: RoutingMode | null;
    readonly text: string;
    readonly reason: string | null;
  } | null;
  readonly failedOverSince: string | null;
  /** Why the route is as it is, in the controller's words, and since when. */
  readonly reason: string | null;
  readonly since: string | null;
  readonly switchesLastHour: number | null;
  /** Of the live rule that carries traffic. */
  readonly backends: readonly Backend[];
  readonly units: readonly UnitReport[];
  /** Where what is live differs from what the controller, or the config, says. */
  readonly drift: readonly string[];
  readonly problems: readonly string[];
}

/** A unit, live and as the controller sees it. */
export interface UnitReport {
  readonly unit: string;
  /** In the live route; null: it has none of its own, as in capacity mode. */
  readonly weight: number | null;
  /** Share of the model's requests, 0..1. */
  readonly share: number | null;
  /** Live counter target, images per minute per replica. */
  readonly target: number | null;
  readonly ready: number | null;
  readonly desired: number | null;
  readonly status: UnitStatus | null;
  /** Whether the cause that its evidence names moves traffic. */
  readonly actedOn: boolean | null;
}

/** What is known of one model. */
export interface ModelFacts {
  readonly model: string;
  readonly route: LiveRoute | undefined;
  readonly table: ModelRouteTable | undefined;
  readonly status: ModelStatus | undefined;
  readonly failover: FailoverReport;
  readonly targets: ReadonlyMap<string, number>;
  readonly deployments: ReadonlyMap<string, LiveDeployment>;
  /** What could not be read. */
  readonly mistakes: readonly string[];
}

export function modelReport(facts: ModelFacts): ModelReport {
  const { model, route, table, status, failover } = facts;
  const mode = modeOf(facts);
  const units = unitReports(facts);
  return {
    model,
    mode,
    configuredMode: table?.configuredMode ?? status?.configuredMode ?? null,
    pin: pinOf(route),
    failedOverSince: status?.failedOverSince ?? null,
    reason: status?.reason ?? null,
    since: status?.since ?? null,
    switchesLastHour: status === undefined ? null : status.switches.length,
    backends: route?.backends ?? [],
    units,
    drift: [...routeDrift(facts, mode), ...targetDrift(facts, mode)],
    problems: [
      ...facts.mistakes,
      ...(route === undefined ? ["There is no HTTPRoute of it: nothing reaches it."] : []),
      ...pinProblems(facts),
      ...(status?.error === undefined ? [] : [`The controller says: ${status.error}`]),
      ...(failover.state === "running" && status === undefined && facts.mistakes.length === 0
        ? ["The controller has not said anything about it yet."]
        : []),
      ...takeUpProblems(route),
      ...unservedProblems(route, units),
    ],
  };
}

/** The mode whose Services the live route names. */
function modeOf({ route, table }: ModelFacts): ModelReport["mode"] {
  if (route === undefined || route.backends.length === 0) return null;
  const services = servicesIn(route.backends);
  const found = routingModes.find(
    (mode) => table !== undefined && servicesIn(table.modes[mode].backends) === services,
  );
  return found ?? "other";
}

function servicesIn(backends: readonly Backend[]): string {
  return backends
    .map(({ service }) => service)
    .sort()
    .join();
}

function pinOf(route: LiveRoute | undefined): ModelReport["pin"] {
  if (route?.pin === undefined) return null;
  const { text, reason } = route.pin;
  const mode = routingModes.find((each) => each === text) ?? null;
  return { mode, text, reason: reason ?? null };
}

function unitReports(facts: ModelFacts): readonly UnitReport[] {
  const { table, status, route, targets, deployments, failover } = facts;
  const known = [...Object.keys(table?.units ?? {}), ...Object.keys(status?.units ?? {})];
  const backends = route?.backends ?? [];
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  return [...new Set(known)].map((unit) => {
    const weight = backends.find(({ service }) => service === unit)?.weight ?? null;
    const unitStatus = status?.units[unit] ?? null;
    return {
      unit,
      weight,
      share: weight === null || total === 0 ? null : weight / total,
      target: targets.get(unit) ?? null,
      ready: deployments.get(unit)?.ready ?? null,
      desired: deployments.get(unit)?.desired ?? null,
      status: unitStatus,
      actedOn: isActedOn(failover.settings, unitStatus),
    };
  });
}

function isActedOn(settings: FailoverSettings | null, status: UnitStatus | null): boolean | null {
  if (settings === null || status?.evidence === undefined) return null;
  return settings.actOn.includes(status.evidence.cause);
}

/** The live route against the controller's status, or without fail-over against the config. */
function routeDrift(facts: ModelFacts, mode: ModelReport["mode"]): readonly string[] {
  const { route, status, table, failover } = facts;
  if (route === undefined) return [];
  const isOff = failover.state === "off";
  const wanted = isOff
    ? table && {
        mode: table.configuredMode,
        weights: weightsOf(table.modes[table.configuredMode].backends),
      }
    : status;
  if (wanted === undefined) return [];
  const says = isOff ? "the config" : "the controller's status";
  if (mode !== wanted.mode)
    return [`The live route is ${inMode(mode)}, ${says} says ${wanted.mode} mode.`];
  const live = weightsOf(route.backends);
  const differing = [...new Set([...Object.keys(live), ...Object.keys(wanted.weights)])]
    .filter((service) => live[service] !== wanted.weights[service])
    .map(
      (service) =>
        `${service} ${live[service] ?? "none"} (there ${wanted.weights[service] ?? "none"})`,
    );
  return differing.length === 0
    ? []
    : [`The live route has other weights than ${says}: ${differing.join(", ")}.`];
}

function weightsOf(backends: readonly Backend[]): Readonly<Record<string, number>> {
  return Object.fromEntries(backends.map(({ service, weight }) => [service, weight]));
}

function inMode(mode: ModelReport["mode"]): string {
  if (mode === null) return "without backends";
  return mode === "other" ? "in neither mode" : `in ${mode} mode`;
}

/** The autoscalers' live targets against those of the mode that the live route is in. */
function targetDrift({ table, targets }: ModelFacts, mode: ModelReport["mode"]): readonly string[] {
  if (table === undefined || mode === null || mode === "other") return [];
  const differing = Object.entries(table.modes[mode].counterTargets)
    .filter(([unit, target]) => targets.has(unit) && targets.get(unit) !== target)
    .map(([unit, target]) => `${unit} ${targets.get(unit)} (there ${target})`);
  return differing.length === 0
    ? []
    : [`The live scaling targets are not those of ${mode} mode: ${differing.join(", ")}.`];
}

function pinProblems(facts: ModelFacts): readonly string[] {
  const pin = pinOf(facts.route);
  const { status, failover } = facts;
  if (pin !== null && failover.state === "off")
    return ["It is pinned, which has no effect: fail-over is off."];
  if (pin !== null && pin.mode === null)
    // The controller says so, too, if there is one.
    return status?.error?.includes(`"${pin.text}"`)
      ? []
      : [`The pin "${pin.text}" is ignored: a mode is ${routingModes.join(" or ")}.`];
  if (status === undefined || pin?.mode === status.pin?.mode) return [];
  if (pin?.mode) return [`The controller has not taken up the pin to ${pin.mode} mode yet.`];
  return [`The pin to ${status.pin!.mode} mode is gone; the controller has not taken that up yet.`];
}

/** What the load balancer controller has not made of the route, or will not. */
function takeUpProblems(route: LiveRoute | undefined): readonly string[] {
  if (route === undefined) return [];
  if (route.parents.length === 0)
    return ["No load balancer controller has taken up the route yet."];
  const refused = route.parents.find(({ accepted }) => !accepted);
  if (refused !== undefined)
    return [`The load balancer controller refuses the route: ${refused.message}`];
  const oldest = Math.min(...route.parents.map(({ generation }) => generation));
  return oldest >= route.generation
    ? []
    : [
        "The load balancer controller has not taken up the route's last change " +
          `(${oldest} of ${route.generation}).`,
      ];
}

/** Requests that nobody answers. */
function unservedProblems(
  route: LiveRoute | undefined,
  units: readonly UnitReport[],
): readonly string[] {
  const known = units.filter(({ ready }) => ready !== null);
  if (route !== undefined && known.length > 0 && known.every(({ ready }) => ready === 0))
    return ["No unit has a ready replica: all requests fail."];
  return known
    .filter(({ share, ready }) => ready === 0 && share !== null && share > 0)
    .map(
      ({ unit, share }) =>
        `${unit} has ${Math.round(share! * 100)} % of the requests and no ready replica: they fail.`,
    );
}
