import { apportion } from "./apportion";
import { measurement } from "./measurements";
import { targetGroupWeight } from "./quotas";

/** The weights of a model's units in cost mode: how much of the traffic each one gets. */

/** A unit with what its weight follows from. */
export interface WeighedUnit {
  /** The deployment unit, `sd21-inf2-neuron`. */
  readonly name: string;
  /** Images per minute per replica at the breaking point. */
  readonly throughput: number;
  /** What one replica costs in dollars an hour. */
  readonly pricePerHour: number;
  /** Mean time per image at the breaking point, in seconds. */
  readonly latencySeconds: number;
  /** What the user's config says, 0..999; replaces the published or derived weight. */
  readonly weight?: number;
}

/** Where a weight comes from: seed 001, the formula, or the user's config. */
export type WeightSource = "published" | "derived" | "configured";

/** One unit's weight. */
export interface Weight {
  readonly name: string;
  /** An integer in 0..999, an ALB's range. */
  readonly weight: number;
  readonly source: WeightSource;
}

/** A weight for each unit, in the order the units were given. */
export type WeightTable = readonly Weight[];

/** What the derived weights of a model's units add up to, as the published ones do. */
export const derivedWeightSum = 100;

/**
 * The weights of one model's units in cost mode.
 *
 * Published: when every unit of the model is one of Table 1's, with Table 1's throughput and
 * latency, each has the weight that seed 001 prints (40/20/15/15/10), also when only some of the
 * five are there; an ALB divides by the sum, so a subset keeps its proportions. No formula in the
 * seed or its repository yields those numbers: they are data of those five units and mean nothing
 * beside others.
 *
 * Derived: with one unit that is not Table 1's or was measured again, or with `published` false,
 * each has a share in proportion to T/(C·L), throughput over price times latency, so that fast,
 * cheap and responsive units get more. This is this project's choice and not the seed's. Shares are
 * rounded to integers that add up to 100, by largest remainder (ties: the name that sorts first, so
 * that the order of the config changes nothing), each at least 1, so that every unit keeps showing
 * whether it works.
 *
 * Configured: a unit's own `weight` replaces its value and leaves the others' as they are. Weights
 * are relative, so a person who sets one sees the others' in the plan and sets as many as they mean
 * to. A configured 0 takes the unit out of the route without removing it.
 *
 * @param units the units of one model, at most 100
 * @param published whether the published weights may be used
 * @throws RangeError for a throughput, price or latency that is not a positive finite number, a
 *   configured weight outside 0..999 or not an integer, two units of one name, more than 100 units,
 *   or weights that are all zero. No units give an empty table.
 */
export function costWeights(units: readonly WeighedUnit[], published = true): WeightTable {
  const names = new Set<string>();
  for (const unit of units) {
    if (names.has(unit.name)) throw new RangeError(`Two units are called ${unit.name}.`);
    names.add(unit.name);
    check(unit);
  }
  if (units.length > derivedWeightSum) {
    throw new RangeError(`A model can have ${derivedWeightSum} units, not ${units.length}.`);
  }

  const fromSeed = published ? publishedWeights(units) : undefined;
  const base = fromSeed ?? derivedWeights(units);
  const source: WeightSource = fromSeed === undefined ? "derived" : "published";
  const table = units.map((unit, index): Weight => {
    if (unit.weight !== undefined) {
      return { name: unit.name, weight: unit.weight, source: "configured" };
    }
    return { name: unit.name, weight: base[index]!, source };
  });

  if (table.length > 0 && table.every(({ weight }) => weight === 0)) {
    throw new RangeError("All units have weight 0: nothing would serve the model.");
  }
  return table;
}

function publishedWeights(units: readonly WeighedUnit[]): number[] | undefined {
  const weights: number[] = [];
  for (const unit of units) {
    const seed = measurement(unit.name);
    if (seed?.publishedWeight === undefined) return undefined;
    if (seed.throughput !== unit.throughput) return undefined;
    if (seed.latencySeconds !== unit.latencySeconds) return undefined;
    weights.push(seed.publishedWeight);
  }
  return weights;
}

function derivedWeights(units: readonly WeighedUnit[]): number[] {
  const merits = units.map(merit);
  // Added up smallest first, or the order of the config would show in the last bit.
  const total = [...merits].sort((a, b) => a - b).reduce((sum, value) => sum + value, 0);
  return apportion(
    units.map(({ name }, index) => ({ name, share: merits[index]! / total })),
    derivedWeightSum,
  );
}

/**
 * T/(C·L): images per minute for a dollar an hour and a second's wait. Only ratios of it mean
 * anything.
 */
export function merit(unit: Omit<WeighedUnit, "name" | "weight">): number {
  return unit.throughput / (unit.pricePerHour * unit.latencySeconds);
}

function check(unit: WeighedUnit): void {
  for (const field of ["throughput", "pricePerHour", "latencySeconds"] as const) {
    const value = unit[field];
    if (!Number.isFinite(value) || value <= 0) {
      throw new RangeError(`${unit.name}: ${field} must be a positive number, not ${value}.`);
    }
  }
  const { weight } = unit;
  const { min, max } = targetGroupWeight;
  if (weight !== undefined && !(Number.isInteger(weight) && weight >= min && weight <= max)) {
    throw new RangeError(
      `${unit.name}: weight must be an integer in ${min}..${max}, not ${weight}.`,
    );
  }
}
