import type { FailoverSettings } from "../../contracts/failover";
import {
  type Backend,
  carriesTraffic,
  type ModelRouteTable,
  type RouteRule,
  type RoutingMode,
  type Trigger,
} from "../../contracts/routeTable";
import { availability, weightsByAvailability } from "../../fleet/availability";
import {
  nextChangeAt,
  nextUnitState,
  shortageBeganAt,
  type UnitFacts,
  type UnitState,
} from "./unitState";

/**
 * What to do with a model's traffic: a pure function of the settings, what is seen, what has been
 * decided so far, and time. Times: milliseconds since 1970.
 */

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
   * With `over`: since when the evidence and the pods that it is about have been there; undefined
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
  const before = previous === undefined ? undefined : notAfter(previous, now, settings);
  const start = before ?? initialState(facts, now);
  const units = Object.fromEntries(
    Object.entries(facts.units).map(([name, unit]) => [
      name,
      nextUnitState(settings, unit, start.units[name], now, isFailedOver(start)),
    ]),
  );
  const switches = start.switches.filter((at) => now - at < hour);
  const seen: Seen = { settings, facts, start, units, switches, now };
  const wish = facts.pin === undefined ? wishOf(seen) : pinned(facts);

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

/** Whether fail-over has moved a model's traffic away from what is configured. */
export function isFailedOver({ failedOverSince }: ModelState): boolean {
  return failedOverSince !== undefined;
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

function pinned({ table, pin }: ModelFacts): Wish {
  const { mode, reason } = pin!;
  return {
    mode,
    backends: table.modes[mode].backends,
    failedOver: false,
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
  const weights = weightsByAvailability(
    table.map(({ service, weight }) => {
      const ready = facts.units[service]?.ready ?? 0;
      const share = availability(ready, units[service]?.wanted ?? 0);
      return { name: service, weight, availability: share };
    }),
  );
  const next = table.map(({ service }, index) => ({ service, weight: weights[index]! }));
  const isEmpty = next.every(({ weight }) => weight === 0);
  return isEmpty || (!serves(next, facts) && serves(present, facts)) ? present : next;
}

/** Whether a ready pod gets any traffic. */
function serves(backends: readonly Backend[], { table, units }: ModelFacts): boolean {
  const anyReady = Object.values(units).some(({ ready }) => ready > 0);
  return backends.some(
    ({ service, weight }) =>
      weight > 0 && (service in table.units ? (units[service]?.ready ?? 0) > 0 : anyReady),
  );
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
  if (!serves(backends, facts) && serves(start.backends, facts))
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
    .map((name) => shortageBeganAt(facts.units[name]!, units[name]!));
  return began.length === 0 ? undefined : Math.min(...began);
}

/** Only what evidence decides is a switch of fail-over: pins and config are a person's. */
function switchOf(start: ModelState, wish: Wish, facts: ModelFacts): Decision["switched"] {
  if (facts.pin !== undefined || facts.table.configuredMode === "capacity") return undefined;
  if (wish.failedOver === isFailedOver(start)) return undefined;
  return wish.failedOver ? "over" : "back";
}

const nothingBehind = {
  affected: false,
  wanted: undefined,
  probeStartedAt: undefined,
  probeRestsUntil: undefined,
};

/** A model that is as configured has no shortage behind it that a return would have to wait for. */
function forgotten(units: Readonly<Record<string, UnitState>>): Record<string, UnitState> {
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
function initialState({ table, current }: ModelFacts, now: number): ModelState {
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
function notAfter(state: ModelState, now: number, { holdSeconds }: FailoverSettings): ModelState {
  const longestRest = now + holdSeconds * second;
  const past = (time: number) => Math.min(time, now);
  const maybe = (time: number | undefined) => (time === undefined ? undefined : past(time));
  return {
    ...state,
    since: past(state.since),
    failedOverSince: maybe(state.failedOverSince),
    switches: state.switches.map(past),
    units: Object.fromEntries(
      Object.entries(state.units).map(([name, unit]) => [
        name,
        {
          ...unit,
          since: past(unit.since),
          launchedAt: maybe(unit.launchedAt),
          probeStartedAt: maybe(unit.probeStartedAt),
          probeRestsUntil: unit.probeRestsUntil && Math.min(unit.probeRestsUntil, longestRest),
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

/** The rules with other weights in the one that carries traffic. */
function withWeights(
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

function sameServices(a: readonly Backend[], b: readonly Backend[]): boolean {
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

function earliest(now: number, times: readonly (number | undefined)[]): number | undefined {
  const later = times.filter((time): time is number => time !== undefined && time > now);
  return later.length === 0 ? undefined : Math.min(...later);
}
