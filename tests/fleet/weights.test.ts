import assert from "node:assert/strict";
import fc from "fast-check";
import { measurements } from "../../fleet/measurements";
import { pricePerHour } from "../../fleet/prices";
import { costWeights, merit, type WeighedUnit } from "../../fleet/weights";

const published: readonly WeighedUnit[] = Object.entries(measurements).map(([name, row]) => ({
  name,
  throughput: row.throughput,
  latencySeconds: row.latencySeconds,
  pricePerHour: pricePerHour(row.instanceType, "us-west-2")!.usd,
}));

const positive = fc.double({ min: 0.01, max: 1000, noNaN: true });

/** Units that nobody published, with distinct names in any order. */
const others = fc.uniqueArray(
  fc.record({
    name: fc.stringMatching(/^[a-z]{1,6}$/),
    throughput: positive,
    pricePerHour: positive,
    latencySeconds: positive,
  }),
  { minLength: 1, maxLength: 12, selector: ({ name }) => name },
);

const byName = (units: readonly WeighedUnit[]) =>
  Object.fromEntries(costWeights(units).map(({ name, weight }) => [name, weight]));

describe("cost weights", () => {
  it("are 40/20/15/15/10 for the five units of Table 1", () => {
    assert.deepEqual(byName(published), {
      "sd21-inf2-neuron": 40,
      "sd21-trn1-neuron": 20,
      "sd21-g5-cuda": 15,
      "sd21-g5-triton": 15,
      "sd21-g6-triton": 10,
    });
    assert.ok(costWeights(published).every(({ source }) => source === "published"));
  });

  it("stay the published ones for some of the five", () => {
    assert.deepEqual(
      costWeights(published.slice(0, 2)).map(({ weight }) => weight),
      [40, 20],
    );
  });

  it("are derived for all units when one of them was never published", () => {
    const table = costWeights([
      ...published.slice(0, 2),
      { name: "sd21-g4dn-cuda", throughput: 20, pricePerHour: 0.526, latencySeconds: 3 },
    ]);
    assert.deepEqual(
      table.map(({ source }) => source),
      ["derived", "derived", "derived"],
    );
    assert.deepEqual(
      table.map(({ weight }) => weight),
      [51, 46, 3],
    );
  });

  it("are derived when a published unit was measured again, or on request", () => {
    const [first, ...rest] = published as [WeighedUnit, ...WeighedUnit[]];
    for (const table of [
      costWeights([{ ...first, throughput: 50 }, ...rest]),
      costWeights([{ ...first, latencySeconds: 1 }, ...rest]),
      costWeights(published, false),
    ]) {
      assert.ok(table.every(({ source }) => source === "derived"));
    }
  });

  it("let a configured weight replace one unit's and no other's", () => {
    const table = costWeights(published.map((u, i) => (i === 1 ? { ...u, weight: 0 } : u)));
    assert.deepEqual(
      table.map(({ weight, source }) => [weight, source]),
      [
        [40, "published"],
        [0, "configured"],
        [15, "published"],
        [10, "published"],
        [15, "published"],
      ],
    );
  });

  it("add up to 100 when derived, each a whole number of at least 1", () => {
    fc.assert(
      fc.property(others, (units) => {
        const weights = costWeights(units).map(({ weight }) => weight);
        assert.equal(
          weights.reduce((sum, weight) => sum + weight, 0),
          100,
        );
        assert.ok(weights.every((weight) => Number.isInteger(weight) && weight >= 1));
      }),
    );
  });

  it("never give less to a unit with more throughput per dollar and second", () => {
    fc.assert(
      fc.property(others, (units) => {
        const table = costWeights(units);
        const ranked = units
          .map((unit, index) => ({ merit: merit(unit), weight: table[index]!.weight }))
          .sort((a, b) => a.merit - b.merit);
        for (let index = 1; index < ranked.length; index += 1) {
          const [less, more] = [ranked[index - 1]!, ranked[index]!];
          if (more.merit / less.merit > 1 + 1e-9) assert.ok(more.weight >= less.weight);
        }
      }),
    );
  });

  it("are within one of a unit's exact share, wherever no unit had to be raised to 1", () => {
    fc.assert(
      fc.property(others, (units) => {
        const total = units.reduce((sum, unit) => sum + merit(unit), 0);
        const shares = units.map((unit) => (100 * merit(unit)) / total);
        fc.pre(shares.every((share) => share >= 1));
        costWeights(units).forEach(({ weight }, index) => {
          assert.ok(Math.abs(weight - shares[index]!) < 1 + 1e-6);
        });
      }),
    );
  });

  it("do not depend on the order of the config", () => {
    const shuffled = others.chain((units) =>
      fc.tuple(
        fc.constant(units),
        fc.shuffledSubarray(units, { minLength: units.length, maxLength: units.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([units, again]) => {
        assert.deepEqual(byName(again), byName(units));
      }),
    );
  });

  it("do not depend on the currency, or on the units of time and throughput", () => {
    fc.assert(
      fc.property(others, fc.constantFrom(0.25, 0.5, 2, 1024), (units, factor) => {
        for (const field of ["pricePerHour", "throughput", "latencySeconds"] as const) {
          const scaled = units.map((unit) => ({ ...unit, [field]: unit[field] * factor }));
          assert.deepEqual(byName(scaled), byName(units));
        }
      }),
    );
  });

  it("are as even as they can be for equal units", () => {
    const equal = ["c", "a", "b"].map((name) => ({
      name,
      throughput: 60,
      pricePerHour: 1,
      latencySeconds: 1,
    }));
    assert.deepEqual(byName(equal), { a: 34, b: 33, c: 33 });
  });

  it("refuse what no load balancer could carry out", () => {
    const [unit] = published as [WeighedUnit];
    const refused: readonly (readonly WeighedUnit[])[] = [
      [unit, unit],
      [{ ...unit, weight: 0 }],
      [{ ...unit, weight: 1000 }],
      [{ ...unit, weight: -1 }],
      [{ ...unit, weight: 1.5 }],
      [{ ...unit, pricePerHour: 0 }],
      [{ ...unit, pricePerHour: Number.POSITIVE_INFINITY }],
      [{ ...unit, latencySeconds: Number.NaN }],
    ];
    for (const units of refused) assert.throws(() => costWeights(units), RangeError);
    assert.deepEqual(costWeights([]), []);
  });
});
