import type { FailoverSettings } from "../../contracts/failover";
import type { Backend, ModelRouteTable, RoutingMode } from "../../contracts/routeTable";
import { sameBackends } from "./backends";
import { probeRestMs, type UnitFacts, type UnitState } from "./unitState";

/** What is seen of a model, and what has been decided of it. Times: milliseconds since 1970. */

/** What is seen of a model now. */
export interface ModelFacts {
  readonly table: ModelRouteTable;
  readonly pin: { readonly mode: RoutingMode; readonly reason: string | undefined } | undefined;
  /** By unit, for every unit of the table. */
  readonly units: Readonly<Record<string, UnitFacts>>;
  /** What the route sends traffic to now; undefined: it could not be read. */
  readonly current: readonly Backend[] | undefined;
}

/** What has been decided: kept over a restart. */
export interface ModelState {
  readonly mode: RoutingMode;
  readonly backends: readonly Backend[];
  /** Since when mode and backends are what they are. */
  readonly since: number;
  /** When traffic was moved away; undefined: it is not. */
  readonly failedOverSince: number | undefined;
  readonly reason: string;
  /** Fail-over's own switches in the last hour, the oldest first. */
  readonly switches: readonly number[];
  readonly units: Readonly<Record<string, UnitState>>;
}

/** Whether fail-over has moved a model's traffic away from what is configured. */
export function isFailedOver({ failedOverSince }: ModelState): boolean {
  return failedOverSince !== undefined;
}

const nothingBehind = {
  affected: false,
  wanted: undefined,
  probeStartedAt: undefined,
  probeRestsUntil: undefined,
  leftovers: 0,
};

/** A model that is as configured has no shortage behind it that a return would have to wait for. */
export function forgotten(units: Readonly<Record<string, UnitState>>): Record<string, UnitState> {
  return Object.fromEntries(
    Object.entries(units).map(([name, unit]) => [
      name,
      unit.state === "short" || unit.state === "recovering" ? unit : { ...unit, ...nothingBehind },
    ]),
  );
}

/**
 * Where nobody knows what was decided before: the route says it. One that is in capacity mode
 * against the config was failed over, and is brought back as one.
 */
export function initialState({ table, current }: ModelFacts, now: number): ModelState {
  const { configuredMode, modes } = table;
  const failedOver =
    configuredMode === "cost" &&
    current !== undefined &&
    sameBackends(current, modes.capacity.backends);
  const mode = failedOver ? "capacity" : configuredMode;
  return {
    mode,
    backends: modes[mode].backends,
    since: now,
    failedOverSince: failedOver ? now : undefined,
    reason: failedOver ? "found failed over" : "as configured",
    switches: [],
    units: {},
  };
}

/** Times that another machine's clock wrote are never in the future, and a rest ends in its time. */
export function notAfter(
  state: ModelState,
  now: number,
  settings: FailoverSettings,
  { units: facts }: ModelFacts,
): ModelState {
  const longestRest = (name: string) => now + probeRestMs(settings, facts[name]!);
  const past = (time: number) => Math.min(time, now);
  const maybe = (time: number | undefined) => (time === undefined ? undefined : past(time));
  return {
    ...state,
    since: past(state.since),
    failedOverSince: maybe(state.failedOverSince),
    switches: state.switches.map(past),
    units: Object.fromEntries(
      Object.entries(state.units)
        // A unit that is no more has no state.
        .filter(([name]) => name in facts)
        .map(([name, unit]) => [
          name,
          {
            ...unit,
            since: past(unit.since),
            launchedAt: maybe(unit.launchedAt),
            probeStartedAt: maybe(unit.probeStartedAt),
            probeRestsUntil:
              unit.probeRestsUntil && Math.min(unit.probeRestsUntil, longestRest(name)),
            evidence: unit.evidence && {
              ...unit.evidence,
              firstSeen: past(unit.evidence.firstSeen),
              lastSeen: past(unit.evidence.lastSeen),
            },
          },
        ]),
    ),
  };
}
