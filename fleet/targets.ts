import type { Measurement } from "./measurements";

/**
 * What one replica of a unit is scaled to: the targets of the two triggers of its ScaledObject, and
 * the breaking point that they come from.
 */

/**
 * `cost`: traffic split over the units by weight. `capacity`: one Service over all, round robin.
 */
export type RoutingMode = (typeof routingModes)[number];

/** All routing modes, in the order the docs name them. */
export const routingModes = ["cost", "capacity"] as const;

/**
 * The load at which a replica counts as full: throughput stops rising and latency passes the
 * objective, or the device is busier than `utilisation`.
 *
 * Source: seed 001, "when latency exceeds the set thresholds … or when the compute usage reaches
 * over 80%", "the breaking point occurs when throughput plateaus and latency exceeds 900
 * milliseconds".
 */
export const breakingPoint = { latencySeconds: 0.9, utilisation: 0.8 } as const;

/**
 * The mean of the units' throughputs at their breaking points, images per minute per replica.
 *
 * Source: seed 001, "Target Throughput = ∑(Max Throughput) / Number of Deployment Units".
 *
 * @throws RangeError when there is no unit, or a throughput is not a positive finite number.
 */
export function targetThroughput(units: readonly Pick<Measurement, "throughput">[]): number {
  if (units.length === 0) throw new RangeError("A mean throughput needs at least one unit.");
  let sum = 0;
  for (const { throughput } of units) sum += positive("throughput", throughput);
  return sum / units.length;
}

/**
 * The target of a unit's counter trigger: images per minute that one replica should serve.
 *
 * In cost mode a replica runs up to its own breaking point (Table 1). In capacity mode round robin
 * gives every replica the same load, so a fast unit is held to the mean of all the model's units
 * and a slow one to its own breaking point (Table 2's adjusted throughput). Rounded to one decimal,
 * as Table 2 prints it, and never above the unit's own throughput.
 *
 * @param unit the unit, with its throughput at the breaking point in images per minute per replica
 * @param mode the model's routing mode
 * @param units all units of the same model, `unit` among them
 * @throws RangeError for a throughput that is not a positive finite number, or no units.
 */
export function counterTarget(
  unit: Pick<Measurement, "throughput">,
  mode: RoutingMode,
  units: readonly Pick<Measurement, "throughput">[],
): number {
  const own = positive("throughput", unit.throughput);
  if (mode === "cost") return own;
  const mean = targetThroughput(units);
  if (own <= mean) return own;
  // A mean below 0.05 images a minute would round to a target of zero, which KEDA refuses.
  return Math.min(own, Math.max(0.1, Math.round(mean * 10) / 10));
}

/**
 * The target of a unit's in-flight trigger: requests in flight per replica, on average, at the
 * breaking point.
 *
 * Little's law: the mean number of requests in a system is their arrival rate times the mean time
 * each spends in it, L = λW (J. D. C. Little, "A Proof for the Queuing Formula L = λW", 1961), here
 * throughput / 60 × latencySeconds. Never below 1: an accelerator serves one request at a time, so
 * with fewer than one in flight it is partly idle and there is nothing to scale out for; above it,
 * requests queue. Rounded to two decimals.
 *
 * @param unit throughput in images per minute per replica, latency in seconds
 * @throws RangeError for a throughput or latency that is not a positive finite number.
 */
export function inFlightTarget(unit: Pick<Measurement, "throughput" | "latencySeconds">): number {
  const perSecond = positive("throughput", unit.throughput) / 60;
  const inFlight = perSecond * positive("latencySeconds", unit.latencySeconds);
  return Math.max(1, Math.round(inFlight * 100) / 100);
}

function positive(what: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new RangeError(`${what} must be a positive number, not ${value}.`);
}
