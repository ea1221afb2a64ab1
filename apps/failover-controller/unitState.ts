import type { FailoverSettings } from "../../contracts/failover";
import { type Evidence, latestEvidence, merged, type UnitEvidence } from "./evidence";

/** Whether a unit is in a shortage, as a pure function of what was seen, and time. */

/** What is seen of a unit now. Times: milliseconds since 1970. */
export interface UnitFacts {
  readonly evidence: UnitEvidence;
  /** Pods of the unit that wait for a machine, and since when there has been one. */
  readonly pending: number;
  readonly pendingSince: number | undefined;
  /** The last launch of a machine of the unit. */
  readonly launchedAt: number | undefined;
  readonly ready: number;
  /** Replicas that the autoscaler wants. */
  readonly desired: number;
  /** The capacity probe; `absent`: the unit has none. */
  readonly probe: "absent" | "off" | "waiting" | "running";
  /** Kinds of capacity that Karpenter asks for, one after the other. Absent: one. */
  readonly capacityTypes?: number;
  /** How long a machine stays when nothing is on it. Absent: nobody knows. */
  readonly emptyMachineSeconds?: number;
}

/** What has been made of it so far: kept over a restart. */
export interface UnitState {
  readonly state: "well" | "suspected" | "short" | "recovering";
  readonly since: number;
  /** What is known of missing machines, acted on or not. */
  readonly evidence: Evidence | undefined;
  /** The last launch, which proves that older evidence is over. */
  readonly launchedAt: number | undefined;
  /** The most replicas wanted in this shortage, which falls with the traffic that has left. */
  readonly wanted: number | undefined;
  /** When a probe was first on a machine that was launched for it. */
  readonly probeStartedAt: number | undefined;
  /** Until when there shall be no probe: it found a machine that was left over, which is no proof. */
  readonly probeRestsUntil: number | undefined;
  /** Times that a probe has found such a machine, in this shortage. */
  readonly leftovers: number;
  /** Whether it was short since the model was last as configured. */
  readonly affected: boolean;
}

const second = 1000;

/**
 * What Karpenter takes to ask for the next kind of capacity after a refusal: it waits up to 10 s for
 * more pods (its `BATCH_MAX_DURATION`), and EC2 answers in some seconds.
 */
const retrySeconds = 15;

/** An empty machine stays for ten minutes unless it is known better, and takes two to go. */
const emptyMachineSecondsByDefault = 600;
const goingSeconds = 120;

/**
 * The state that follows.
 *
 * A shortage begins when evidence of a cause that is acted on and a waiting pod of the unit have
 * been there together for `confirmSeconds`. A unit that is new or scaled from zero has waiting pods
 * but no evidence; evidence without a waiting pod harms nobody.
 *
 * It ends when a machine was launched after the last evidence. While its traffic is away
 * (`trafficIsAway`) nothing else will do: the autoscaler has then taken the waiting pods away, and
 * silence means nothing. Where nothing was moved, or no probe can ask, silence has to do. So it has
 * where probes find room on the machines that there are, twice.
 */
export function nextUnitState(
  settings: FailoverSettings,
  facts: UnitFacts,
  before: UnitState | undefined,
  now: number,
  trafficIsAway: boolean,
): UnitState {
  const launchedAt = latest(facts.launchedAt, before?.launchedAt);
  const known = knownEvidence(settings, facts, before, launchedAt);
  const evidence = latestEvidence(known, settings.actOn);
  const state = stateOf(settings, facts, before, { evidence, launchedAt }, now, trafficIsAway);
  const affected = state === "short" || (before?.affected ?? false);
  return {
    state,
    since: before?.state === state && !hasRelapsed(before, evidence) ? before.since : now,
    // Of a unit that is well, the last that was seen, whatever the cause.
    evidence: state === "well" ? latestEvidence(known) : evidence,
    launchedAt,
    wanted: affected ? Math.max(before?.wanted ?? 0, facts.desired) : undefined,
    ...probeTimes(settings, facts, before, state, now),
    leftovers: affected ? leftoversOf(facts, before, state, now) : 0,
    affected,
  };
}

/** Evidence and a launch that came together: still recovering, but anew. */
function hasRelapsed({ state, since }: UnitState, evidence: Evidence | undefined): boolean {
  return state === "recovering" && evidence !== undefined && evidence.lastSeen > since;
}

/**
 * A probe that runs while the unit is still short has landed on a machine that the autoscaler left
 * behind. It leaves for so long that the machine can go and the next probe has to be launched.
 */
function probeTimes(
  settings: FailoverSettings,
  facts: UnitFacts,
  before: UnitState | undefined,
  state: UnitState["state"],
  now: number,
): Pick<UnitState, "probeStartedAt" | "probeRestsUntil"> {
  if (state === "short")
    return {
      probeStartedAt: undefined,
      probeRestsUntil: hasLanded(facts, before, now)
        ? now + probeRestMs(settings, facts)
        : before?.probeRestsUntil,
    };
  const started = before?.probeStartedAt ?? (facts.probe === "running" ? now : undefined);
  return { probeStartedAt: started, probeRestsUntil: undefined };
}

function leftoversOf(
  facts: UnitFacts,
  before: UnitState | undefined,
  state: UnitState["state"],
  now: number,
): number {
  const isOneMore = state === "short" && hasLanded(facts, before, now);
  return (before?.leftovers ?? 0) + (isOneMore ? 1 : 0);
}

/** Whether a probe is on a machine although it is not resting; while short, nobody launched it. */
function hasLanded({ probe }: UnitFacts, before: UnitState | undefined, now: number): boolean {
  return probe === "running" && now >= (before?.probeRestsUntil ?? 0);
}

/** How long a probe rests after it has found a machine that was left over, milliseconds. */
export function probeRestMs(
  { holdSeconds }: FailoverSettings,
  { emptyMachineSeconds = emptyMachineSecondsByDefault }: UnitFacts,
): number {
  return Math.max(holdSeconds, emptyMachineSeconds + goingSeconds) * second;
}

/** When the state may change by itself, as time goes by; undefined: never. */
export function nextChangeAt(
  settings: FailoverSettings,
  facts: UnitFacts,
  state: UnitState,
): number | undefined {
  switch (state.state) {
    case "suspected":
      return (
        beganAt(state.evidence!, state.launchedAt, facts.pendingSince!) + confirmMs(settings, facts)
      );
    case "recovering":
      return state.since + settings.recoverSeconds * second;
    case "short":
      return state.evidence === undefined
        ? undefined
        : state.evidence.lastSeen + settings.holdSeconds * second + 1;
    case "well":
      return undefined;
  }
}

/** Since when the evidence of a unit that is short and a waiting pod have been there together. */
export function shortageBeganAt(
  facts: UnitFacts,
  { evidence, launchedAt, since }: UnitState,
): number {
  return Math.min(since, beganAt(evidence!, launchedAt, facts.pendingSince ?? since));
}

interface Known {
  readonly evidence: Evidence | undefined;
  readonly launchedAt: number | undefined;
}

function stateOf(
  settings: FailoverSettings,
  facts: UnitFacts,
  before: UnitState | undefined,
  { evidence, launchedAt }: Known,
  now: number,
  trafficIsAway: boolean,
): UnitState["state"] {
  if (evidence === undefined) return "well";
  const isProven = launchedAt !== undefined && launchedAt > evidence.lastSeen;
  const isSilent =
    facts.pendingSince === undefined && now - evidence.lastSeen > settings.holdSeconds * second;
  switch (before?.state) {
    case "short":
      if (!isProven && !isSilent) return "short";
      if (!isProven && !trafficIsAway) return "well";
      if (!isProven && canProbe(settings, facts) && !hasRoom(facts, before, now)) return "short";
      return recoveringSince(settings, now, now);
    case "recovering": {
      const isNews = evidence.lastSeen > before.since;
      if (isNews && !isProven) return "short";
      return recoveringSince(settings, isNews ? now : before.since, now);
    }
    default: {
      if (isProven) return "well";
      // Its traffic is still away, and no pod of it need wait: the probe asks, or did.
      const isNews = before?.affected && evidence.lastSeen > before.since;
      if (isNews) return "short";
      if (facts.pendingSince === undefined) return "well";
      // Old evidence is none of a pod that came long after it.
      const isFresh = facts.pendingSince - evidence.lastSeen <= settings.holdSeconds * second;
      if (!isFresh) return "well";
      const began = beganAt(evidence, launchedAt, facts.pendingSince);
      return now - began >= confirmMs(settings, facts) ? "short" : "suspected";
    }
  }
}

/**
 * Whether machines that are there have room for a replica, and keep it: a probe has found it again
 * after a rest. Then the return is tried, for no probe would ever have to be launched.
 */
function hasRoom(facts: UnitFacts, before: UnitState, now: number): boolean {
  return before.leftovers > 0 && hasLanded(facts, before, now);
}

function recoveringSince(
  { recoverSeconds }: FailoverSettings,
  since: number,
  now: number,
): "recovering" | "well" {
  return now - since >= recoverSeconds * second ? "well" : "recovering";
}

/** Since when the evidence that holds and a waiting pod have been there together. */
function beganAt(evidence: Evidence, launchedAt: number | undefined, pendingSince: number): number {
  return Math.max(evidence.firstSeen, launchedAt ?? 0, pendingSince);
}

/** What is seen, and what was known before a restart. */
function knownEvidence(
  { holdSeconds }: FailoverSettings,
  facts: UnitFacts,
  before: UnitState | undefined,
  launchedAt: number | undefined,
): UnitEvidence {
  const kept = before?.evidence;
  const known = kept === undefined ? {} : { [kept.cause]: kept };
  return merged(known, facts.evidence, holdSeconds * second, launchedAt);
}

function canProbe({ probeMinutes }: FailoverSettings, { probe }: UnitFacts): boolean {
  return probeMinutes > 0 && probe !== "absent";
}

/** One refusal of several kinds of capacity is none: the next kind may be had. */
function confirmMs({ confirmSeconds }: FailoverSettings, facts: UnitFacts): number {
  return confirmSeconds * second + retriesMs(facts);
}

/** What confirming takes beyond the configured time, milliseconds. */
export function retriesMs({ capacityTypes = 1 }: UnitFacts): number {
  return (capacityTypes - 1) * retrySeconds * second;
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}
