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

/** The newer of what two have seen, for each cause. */
export function merged(a: UnitEvidence, b: UnitEvidence): UnitEvidence {
  const result: Partial<Record<ShortageCause, Evidence>> = { ...a };
  for (const evidence of Object.values(b)) {
    const other = result[evidence.cause];
    if (other === undefined || other.lastSeen < evidence.lastSeen)
      result[evidence.cause] = evidence;
  }
  return result;
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
  const isOver = before !== undefined && before.lastSeen < launchedAt && launchedAt <= at;
  if (before === undefined || isOver || at - before.lastSeen > holdMs)
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
