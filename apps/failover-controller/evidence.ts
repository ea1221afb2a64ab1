import type { ShortageCause } from "../../contracts/failover";

/** What is known of one cause of a unit's missing machines. Times: milliseconds since 1970. */
export interface Evidence {
  readonly cause: ShortageCause;
  /** What it was seen on, e.g. `NodeClaim dev-sd21-inf2-neuron-x7k2p`. */
  readonly source: string;
  readonly message: string;
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** Evidence of a unit, each cause apart, so that a quota does not hide that EC2 has nothing. */
export type UnitEvidence = Readonly<Partial<Record<ShortageCause, Evidence>>>;

/** Something that Karpenter said or shows, once. */
export interface Sighting {
  /**
   * `echo`: nothing can be launched, as before, but not why. Karpenter hides an offering for three
   * minutes after an error of whatever kind, and then only says that nothing is left.
   */
  readonly cause: ShortageCause | "echo";
  readonly source: string;
  readonly message: string;
  readonly at: number;
}

/** Causes that hide no offering, so that no echo comes of them. */
const silentCauses: readonly ShortageCause[] = ["unknown", "limit", "node-class"];

/**
 * The evidence after a sighting. An echo is news of the latest evidence, if that is not older than
 * `holdMs`; otherwise nobody knows the cause.
 *
 * @param launchedAt the last launch of a machine: what was seen before is over, and what is seen
 *   after it begins anew
 */
export function withSighting(
  known: UnitEvidence,
  seen: Sighting,
  holdMs: number,
  launchedAt = Number.NEGATIVE_INFINITY,
): UnitEvidence {
  const { cause, at } = seen;
  if (cause !== "echo") return noted(known, { ...seen, cause }, holdMs, launchedAt);
  const latest = latestOf(
    Object.values(known).filter((each) => !silentCauses.includes(each.cause)),
  );
  if (latest === undefined || at - latest.lastSeen > holdMs)
    return noted(known, { ...seen, cause: "unknown" }, holdMs, launchedAt);
  const { source, message } = latest;
  return noted(known, { cause: latest.cause, source, message, at }, holdMs, launchedAt);
}

/**
 * What is known when some was kept over a restart: the newer of each cause, which goes on from what
 * was kept unless there is a break of more than `holdMs`, or a launch, between the two. What is kept
 * is to the millisecond, and what is told again to the second.
 */
export function merged(
  kept: UnitEvidence,
  seen: UnitEvidence,
  holdMs: number,
  launchedAt = Number.NEGATIVE_INFINITY,
): UnitEvidence {
  const result: Partial<Record<ShortageCause, Evidence>> = { ...kept };
  for (const one of Object.values(seen)) {
    const before = kept[one.cause];
    result[one.cause] = before === undefined ? one : continued(before, one, holdMs, launchedAt);
  }
  return result;
}

function continued(kept: Evidence, seen: Evidence, holdMs: number, launchedAt: number): Evidence {
  if (kept.lastSeen >= seen.lastSeen) return kept;
  // A list that told of both to the second need not have shown that the launch came between.
  if (isOver(kept, seen.lastSeen, launchedAt) && seen.firstSeen < launchedAt)
    return { ...seen, firstSeen: seen.lastSeen };
  const isBroken =
    seen.firstSeen - kept.lastSeen > holdMs || isOver(kept, seen.firstSeen, launchedAt);
  return isBroken ? seen : { ...seen, firstSeen: kept.firstSeen };
}

/** Whether a machine was launched between evidence and a later sighting. */
function isOver({ lastSeen }: Evidence, at: number, launchedAt: number): boolean {
  return lastSeen < launchedAt && launchedAt <= at;
}

/** The evidence that was seen last, of the causes that count. */
export function latestEvidence(
  known: UnitEvidence,
  causes?: readonly ShortageCause[],
): Evidence | undefined {
  return latestOf(
    Object.values(known).filter(({ cause }) => causes === undefined || causes.includes(cause)),
  );
}

function noted(
  known: UnitEvidence,
  { cause, source, message, at }: Sighting & { readonly cause: ShortageCause },
  holdMs: number,
  launchedAt: number,
): UnitEvidence {
  const before = known[cause];
  if (before === undefined || isOver(before, at, launchedAt) || at - before.lastSeen > holdMs)
    return { ...known, [cause]: { cause, source, message, firstSeen: at, lastSeen: at } };
  // An older one, told again after the server was away.
  if (at <= before.lastSeen) return known;
  return { ...known, [cause]: { ...before, source, message, lastSeen: at } };
}

function latestOf(evidence: readonly Evidence[]): Evidence | undefined {
  return evidence.reduce<Evidence | undefined>(
    (latest, each) => (latest === undefined || each.lastSeen > latest.lastSeen ? each : latest),
    undefined,
  );
}
