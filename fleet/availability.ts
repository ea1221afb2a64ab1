import { apportion } from "./apportion";
import { targetGroupWeight } from "./quotas";
import { derivedWeightSum } from "./weights";

/** Weights that follow what a model's units have, rather than what they should have. */

/** A unit with its weight and the share of the replicas it wants that are ready, 0..1. */
export interface AvailableUnit {
  readonly name: string;
  readonly weight: number;
  readonly availability: number;
}

/**
 * The share of a unit's wanted replicas that are ready, 0..1: A_i = ready / desired.
 *
 * A unit that wants none has all it wants.
 */
export function availability(ready: number, desired: number): number {
  return desired <= 0 ? 1 : Math.min(1, Math.max(0, ready) / desired);
}

/**
 * Weights scaled by availability: w_i · A_i, renormalised.
 *
 * With all A_i = 1 the weights come out as they are. Otherwise they are integers that add up to the
 * old sum, but to 100 at least, so that a step is no more than a percent, and to 999 at most, an
 * ALB's largest weight; a unit that has anything keeps 1 at least.
 *
 * @returns a weight for each unit, in their order; all zero when nothing is available
 */
export function weightsByAvailability(units: readonly AvailableUnit[]): readonly number[] {
  const weights = units.map(({ weight }) => weight);
  if (units.every(({ weight, availability }) => weight === 0 || availability >= 1)) return weights;
  const scaled = units.map(({ weight, availability }) => weight * availability);
  const total = scaled.reduce((sum, value) => sum + value, 0);
  if (total === 0) return units.map(() => 0);
  const sum = Math.min(
    targetGroupWeight.max,
    Math.max(
      derivedWeightSum,
      weights.reduce((all, weight) => all + weight, 0),
    ),
  );
  const carrying = units
    .map(({ name }, index) => ({ name, index, share: scaled[index]! / total }))
    .filter(({ share }) => share > 0);
  const parts = apportion(carrying, sum);
  const result = units.map(() => 0);
  for (const [place, { index }] of carrying.entries()) result[index] = parts[place]!;
  return result;
}
