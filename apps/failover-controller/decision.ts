import type { FailoverSettings } from "../../contracts/failover";
import type {
  Backend,
  ModelRouteTable,
  RouteRule,
  RoutingMode,
  Trigger,
} from "../../contracts/routeTable";
import { availability, weightsByAvailability } from "../../fleet/availability";
import { sameBackends, sameServices, serves, withWeights } from "./backends";
import {
  forgotten,
  initialState,
  isFailedOver,
  type ModelFacts,
  type ModelState,
  notAfter,
} from "./modelState";
import {
  nextChangeAt,
  nextUnitState,
  retriesMs,
  shortageBeganAt,
  type UnitState,
} from "./unitState";

/**
 * What to do with a model's traffic: a pure function of the settings, what is seen, what has been
 * decided so far, and time. Times: milliseconds since 1970.
 */

export interface Decision {
  readonly state: ModelState;
  /** `spec.rules` of the HTTPRoute. */
  readonly rules: readonly RouteRule[];
  /** `spec.triggers` of each unit's ScaledObject. */
  readonly triggers: Readonly<Record<string, readonly Trigger[]>>;
  /** Units whose probe is to ask for a machine. */
  readonly probes: readonly string[];
  /** Set when fail-over has just moved traffic. */
  readonly switched: "over" | "back" | undefined;
  /**
   * With `over`: since when the evidence and the pods that it is about have been there, or since
   * Karpenter must have tried all that the unit may have; undefined
   * when they were there before and a pin or the config kept traffic where it was.
   */
  readonly evidenceAt: number | undefined;
  /** When to decide again although nothing is seen; undefined: no need. */
  readonly again: number | undefined;
}

/** How often weights follow the replicas while a model is failed over by `reweight`, seconds. */
export const adjustSeconds = 60;

const second = 1000;
const hour = 3600 * second;

export function decide(
  settings: FailoverSettings,
  facts: ModelFacts,
  previous: ModelState | undefined,
  now: number,
): Decision {
  const before = previous === undefined ? undefined : notAfter(previous, now, settings, facts);
  const start = before ?? initialState(facts, now);
  // Also under a pin: the autoscaler takes waiting pods away wherever the traffic has gone.
  const isAway = isFailedOver(start) || start.mode !== facts.table.configuredMode;
  const units = Object.fromEntries(
    Object.entries(facts.units).map(([name, unit]) => [
      name,
      nextUnitState(settings, unit, start.units[name], now, isAway),
    ]),
  );
  const switches = start.switches.filter((at) => now - at < hour);
  const seen: Seen = { settings, facts, start, units, switches, now };
  const wish = facts.pin === undefined ? wishOf(seen) : pinned(seen);

  const switched = switchOf(start, wish, facts);
  const moved = wish.mode !== start.mode || !sameBackends(wish.backends, start.backends);
  const state: ModelState = {
    mode: wish.mode,
    backends: wish.backends,
    since: moved || wish.failedOver !== isFailedOver(start) ? now : start.since,
    failedOverSince: wish.failedOver ? (start.failedOverSince ?? now) : undefined,
    reason: wish.reason,
    switches: switched === undefined ? switches : [...switches, now],
    units: wish.failedOver ? units : forgotten(units),
  };
  const table = facts.table.modes[wish.mode];
  return {
    state,
    rules: withWeights(table.rules, wish.backends),
    triggers: table.triggers,
    probes: wish.failedOver ? probesOf(seen) : [],
    switched,
    evidenceAt: switched === "over" ? evidenceTime(seen) : undefined,
    again: earliest(now, [
      ...Object.entries(units).map(([name, unit]) =>
        nextChangeAt(settings, facts.units[name]!, unit),
      ),
      ...(wish.failedOver ? returnTimes(seen, state) : []),
    ]),
  };
}

interface Seen {
  readonly settings: FailoverSettings;
  readonly facts: ModelFacts;
  readonly start: ModelState;
  readonly units: Readonly<Record<string, UnitState>>;
  readonly switches: readonly number[];
  readonly now: number;
}

/** What the route shall be. */
interface Wish {
  readonly mode: RoutingMode;
  readonly backends: readonly Backend[];
  readonly failedOver: boolean;
  readonly reason: string;
}

/** A pin to where fail-over has moved traffic anyway does not end the shortage that it goes on from. */
function pinned({ facts: { table, pin }, start }: Seen): Wish {
  const { mode, reason } = pin!;
  return {
    mode,
    backends: table.modes[mode].backends,
    failedOver: isFailedOver(start) && mode !== table.configuredMode,
    reason: `pinned to ${mode}${reason === undefined ? "" : `: ${reason}`}`,
  };
}

function wishOf(seen: Seen): Wish {
  const { settings, facts, start, units } = seen;
  const { table } = facts;
  // In capacity mode every ready pod has the same share already: there is nothing to move.
  if (table.configuredMode === "capacity") return configured(seen, "as configured");
  const short = carrying(seen).filter((name) => units[name]!.state === "short");
  if (isFailedOver(start)) {
    const hindrance = hindranceToReturn(seen);
    if (hindrance === undefined) return configured(seen, returned(seen));
    return settings.strategy === "switch"
      ? toCapacity(table, short.length > 0 ? soldOut(seen, short) : hindrance)
      : reweighted(seen, short.length > 0 ? soldOut(seen, short) : hindrance);
  }
  if (short.length === 0) return configured(seen, waiting(seen));
  const reason = soldOut(seen, short);
  return settings.strategy === "switch" ? toCapacity(table, reason) : reweighted(seen, reason);
}

function configured({ facts: { table }, start }: Seen, reason: string): Wish {
  const mode = table.configuredMode;
  const { backends } = table.modes[mode];
  const isNews = isFailedOver(start) || start.mode !== mode || reason.startsWith("waiting");
  const keeps = !isNews && start.reason.startsWith("back to");
  return { mode, backends, failedOver: false, reason: keeps ? start.reason : reason };
}

function toCapacity({ modes }: ModelRouteTable, reason: string): Wish {
  return { mode: "capacity", backends: modes.capacity.backends, failedOver: true, reason };
}

function reweighted(seen: Seen, reason: string): Wish {
  const { facts, start, units, now } = seen;
  const mode = facts.table.configuredMode;
  const table = facts.table.modes[mode].backends;
  const isNewlyShort = Object.entries(units).some(
    ([name, { state }]) => state === "short" && start.units[name]?.state !== "short",
  );
  const goesOn = isFailedOver(start) && start.mode === mode && sameServices(start.backends, table);
  const rests = goesOn && !isNewlyShort && now - start.since < adjustSeconds * second;
  const present = goesOn ? start.backends : table;
  const backends = rests ? present : backendsByAvailability(seen, table, present);
  return { mode, backends, failedOver: true, reason };
}

/** The table's weights by what the units have; the present ones where that would help nobody. */
function backendsByAvailability(
  { facts, units }: Seen,
  table: readonly Backend[],
  present: readonly Backend[],
): readonly Backend[] {
  const isAnyReady = table.some(({ service }) => (facts.units[service]?.ready ?? 0) > 0);
  const weights = weightsByAvailability(
    table.map(({ service, weight }) => {
      const ready = facts.units[service]?.ready ?? 0;
      // What others give up is not for a unit that has nothing, for whatever reason.
      const isEmpty = ready === 0 && isAnyReady;
      const share = isEmpty ? 0 : availability(ready, units[service]?.wanted ?? 0);
      return { name: service, weight, availability: share };
    }),
  );
  const next = table.map(({ service }, index) => ({ service, weight: weights[index]! }));
  const isNothing = next.every(({ weight }) => weight === 0);
  return isNothing || (!serves(next, facts.units) && serves(present, facts.units)) ? present : next;
}

/** Units that carry traffic in the configured mode. */
function carrying({ facts: { table } }: Seen): readonly string[] {
  const weights = new Map(
    table.modes.cost.backends.map(({ service, weight }) => [service, weight]),
  );
  return Object.keys(table.units).filter((name) => (weights.get(name) ?? 0) > 0);
}

/** Why traffic stays away; undefined: it may come back. */
function hindranceToReturn(seen: Seen): string | undefined {
  const { settings, facts, start, units, switches, now } = seen;
  const traffic = carrying(seen);
  // Also one that is only suspected: it would take traffic away again at once.
  const unwell = traffic.find((name) => units[name]!.state !== "well");
  if (unwell !== undefined) return whyUnwell(seen, unwell);
  // A return that leads to requests without a server would be no recovery.
  const affected = traffic.filter((name) => units[name]!.affected);
  const empty = affected.find(
    (name) => facts.units[name]!.ready === 0 && facts.units[name]!.desired > 0,
  );
  if (empty !== undefined) return `${empty} has a machine, but no ready replica yet`;
  const { backends } = facts.table.modes[facts.table.configuredMode];
  if (!serves(backends, facts.units) && serves(start.backends, facts.units))
    return "no unit that carries traffic as configured has a ready replica";
  if (now - start.failedOverSince! < settings.dwellSeconds * second)
    return `recovered; failed over for ${settings.dwellSeconds} s at least`;
  if (switches.length > settings.maxSwitchesPerHour - 2)
    return `recovered; ${switches.length} of ${settings.maxSwitchesPerHour} switches in the last hour are used, and one has to be left`;
  return undefined;
}

function whyUnwell(seen: Seen, name: string): string {
  switch (seen.units[name]!.state) {
    case "short":
      return soldOut(seen, [name]);
    case "suspected":
      return waiting(seen);
    default:
      return `${name} has got a machine; no new shortage for ${seen.settings.recoverSeconds} s ends it`;
  }
}

/** When a model that is failed over may return, or its weights may follow, as time goes by. */
function returnTimes(
  { settings, units }: Seen,
  { failedOverSince, since, switches }: ModelState,
): number[] {
  const { dwellSeconds, probeMinutes } = settings;
  return [
    failedOverSince! + dwellSeconds * second,
    since + adjustSeconds * second,
    ...switches.map((at) => at + hour),
    ...Object.values(units).flatMap(({ probeStartedAt, probeRestsUntil }) => [
      ...(probeStartedAt === undefined ? [] : [probeStartedAt + probeMinutes * 60 * second]),
      ...(probeRestsUntil === undefined ? [] : [probeRestsUntil]),
    ]),
  ];
}

/** A unit that was in the shortage asks for a machine, unless pods of its own do. */
function probesOf(seen: Seen): readonly string[] {
  const { settings, facts, units, now } = seen;
  const longestMs = settings.probeMinutes * 60 * second;
  return carrying(seen).filter((name) => {
    const { affected, probeStartedAt, probeRestsUntil } = units[name]!;
    const { probe, pending } = facts.units[name]!;
    return (
      affected &&
      probe !== "absent" &&
      pending === 0 &&
      now >= (probeRestsUntil ?? 0) &&
      now - (probeStartedAt ?? now) < longestMs
    );
  });
}

function soldOut({ units }: Seen, short: readonly string[]): string {
  return short
    .map((name) => {
      const { cause, source } = units[name]!.evidence!;
      return `${name} is short of machines (${cause}, ${source})`;
    })
    .join("; ");
}

function waiting({ units }: Seen): string {
  const suspected = Object.keys(units).filter((name) => units[name]!.state === "suspected");
  return suspected.length === 0
    ? "as configured"
    : `waiting for confirmation that ${suspected.join(", ")} is short of machines`;
}

function returned({ units }: Seen): string {
  const names = Object.keys(units).filter((name) => units[name]!.affected);
  return names.length === 0
    ? "back to what is configured: no unit of it is known to be short"
    : `back to what is configured: ${names.join(", ")} gets machines again`;
}

/** Undefined where a shortage that was there before may move traffic only now, by a pin's end. */
function evidenceTime(seen: Seen): number | undefined {
  const { facts, start, units } = seen;
  const short = carrying(seen).filter((name) => units[name]!.state === "short");
  const began = short
    .filter((name) => start.units[name]?.state !== "short")
    .map((name) => {
      const unit = facts.units[name]!;
      return shortageBeganAt(unit, units[name]!) + retriesMs(unit);
    });
  return began.length === 0 ? undefined : Math.min(...began);
}

/** Only what evidence decides is a switch of fail-over: pins and config are a person's. */
function switchOf(start: ModelState, wish: Wish, facts: ModelFacts): Decision["switched"] {
  if (facts.pin !== undefined || facts.table.configuredMode === "capacity") return undefined;
  if (wish.failedOver === isFailedOver(start)) return undefined;
  return wish.failedOver ? "over" : "back";
}

function earliest(now: number, times: readonly (number | undefined)[]): number | undefined {
  const later = times.filter((time): time is number => time !== undefined && time > now);
  return later.length === 0 ? undefined : Math.min(...later);
}
