import type { ModelStatus, UnitStatus } from "../../contracts/failover";
import type { Decision } from "./decision";
import { isFailedOver, type ModelFacts, type ModelState } from "./modelState";
import type { UnitFacts, UnitState } from "./unitState";

/** A model's state as the status ConfigMap has it, and back. */

export function statusOf({ table, pin, units }: ModelFacts, { state }: Decision): ModelStatus {
  return {
    model: table.model,
    mode: state.mode,
    configuredMode: table.configuredMode,
    ...(isFailedOver(state) ? { failedOverSince: iso(state.failedOverSince!) } : {}),
    ...(pin === undefined
      ? {}
      : { pin: { mode: pin.mode, ...(pin.reason === undefined ? {} : { reason: pin.reason }) } }),
    reason: state.reason,
    since: iso(state.since),
    weights: Object.fromEntries(state.backends.map(({ service, weight }) => [service, weight])),
    units: Object.fromEntries(
      Object.entries(state.units).map(([name, unit]) => [name, unitStatus(units[name]!, unit)]),
    ),
    switches: state.switches.map(iso),
  };
}

/** What a controller goes on with after a restart. */
export function stateOf(status: ModelStatus): ModelState {
  return {
    mode: status.mode,
    backends: Object.entries(status.weights).map(([service, weight]) => ({ service, weight })),
    since: Date.parse(status.since),
    failedOverSince: millis(status.failedOverSince),
    reason: status.reason,
    switches: status.switches.map((at) => Date.parse(at)),
    units: Object.fromEntries(
      Object.entries(status.units).map(([name, unit]) => [name, unitState(unit)]),
    ),
  };
}

function unitStatus(facts: UnitFacts, unit: UnitState): UnitStatus {
  const { probe } = facts;
  return {
    state: unit.state,
    since: iso(unit.since),
    ready: facts.ready,
    desired: facts.desired,
    pending: facts.pending,
    ...optional("pendingSince", facts.pendingSince),
    ...(unit.evidence === undefined
      ? {}
      : {
          evidence: {
            ...unit.evidence,
            firstSeen: iso(unit.evidence.firstSeen),
            lastSeen: iso(unit.evidence.lastSeen),
          },
        }),
    ...optional("launchedAt", unit.launchedAt),
    ...(unit.wanted === undefined ? {} : { wanted: unit.wanted }),
    probe: probe === "absent" ? "off" : probe,
    ...optional("probeStartedAt", unit.probeStartedAt),
    ...optional("probeRestsUntil", unit.probeRestsUntil),
    ...(unit.leftovers === 0 ? {} : { leftovers: unit.leftovers }),
    affected: unit.affected,
  };
}

function unitState(status: UnitStatus): UnitState {
  const { evidence } = status;
  return {
    state: status.state,
    since: Date.parse(status.since),
    evidence: evidence && {
      cause: evidence.cause,
      source: evidence.source,
      message: evidence.message,
      firstSeen: Date.parse(evidence.firstSeen),
      lastSeen: Date.parse(evidence.lastSeen),
    },
    launchedAt: millis(status.launchedAt),
    wanted: status.wanted,
    probeStartedAt: millis(status.probeStartedAt),
    probeRestsUntil: millis(status.probeRestsUntil),
    leftovers: status.leftovers ?? 0,
    affected: status.affected,
  };
}

function optional<Key extends string>(key: Key, time: number | undefined) {
  return time === undefined ? {} : ({ [key]: iso(time) } as Record<Key, string>);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

function millis(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time);
}
