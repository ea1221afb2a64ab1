import assert from "node:assert/strict";
import fc from "fast-check";
import { type AvailableUnit, availability, weightsByAvailability } from "../../fleet/availability";
import { targetGroupWeight } from "../../fleet/quotas";

const seed = [40, 20, 15, 15, 10];

const units = (weights: readonly number[], shares: readonly number[]): AvailableUnit[] =>
  weights.map((weight, index) => ({ name: `u${index}`, weight, availability: shares[index]! }));

const anyUnits = fc
  .array(
    fc.record({
      weight: fc.oneof(fc.nat(999), fc.constant(0), fc.nat(5)),
      availability: fc.oneof(
        fc.constantFrom(0, 1),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1e-300, noNaN: true }),
      ),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((parts) => parts.map((part, index) => ({ name: `u${index}`, ...part })));

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);

describe("availability", () => {
  it("is the share of the replicas wanted that are ready", () => {
    assert.equal(availability(1, 2), 0.5);
    assert.equal(availability(0, 3), 0);
    assert.equal(availability(2, 2), 1);
  });

  it("is never more than all, and never less than nothing", () => {
    assert.equal(availability(5, 2), 1);
    assert.equal(availability(-1, 2), 0);
  });

  it("is all of it for a unit that wants none", () => {
    assert.equal(availability(0, 0), 1);
    assert.equal(availability(0, -1), 1);
  });
});

describe("weights by availability", () => {
  it("are the configured ones, exactly, when all units have what they want", () => {
    assert.deepEqual(weightsByAvailability(units(seed, [1, 1, 1, 1, 1])), seed);
    assert.deepEqual(weightsByAvailability(units([3, 1], [1, 1])), [3, 1]);
    fc.assert(
      fc.property(anyUnits, (all) => {
        const whole = all.map((unit) => ({ ...unit, availability: 1 }));
        assert.deepEqual(
          weightsByAvailability(whole),
          all.map(({ weight }) => weight),
        );
      }),
    );
  });

  it("leave out a unit that has nothing, and share its part among the others", () => {
    // 20, 15, 15 and 10 of 60, of a hundred.
    assert.deepEqual(weightsByAvailability(units(seed, [0, 1, 1, 1, 1])), [0, 33, 25, 25, 17]);
  });

  it("halve the part of a unit that has half", () => {
    // 20, 20, 15, 15 and 10 of 80.
    assert.deepEqual(weightsByAvailability(units(seed, [0.5, 1, 1, 1, 1])), [25, 25, 19, 19, 12]);
  });

  it("are fine enough where the configured ones are small", () => {
    assert.deepEqual(weightsByAvailability(units([1, 1], [0.5, 1])), [33, 67]);
  });

  it("are all zero when nothing is available, for the caller to see", () => {
    assert.deepEqual(weightsByAvailability(units(seed, [0, 0, 0, 0, 0])), [0, 0, 0, 0, 0]);
    assert.deepEqual(weightsByAvailability(units([0, 10], [1, 0])), [0, 0]);
  });

  it("keep a unit that has anything, whatever little", () => {
    assert.deepEqual(weightsByAvailability(units([999, 1], [1, 0.001])), [998, 1]);
  });

  it("are integers that a load balancer takes, none for who has none, for any units", () => {
    fc.assert(
      fc.property(anyUnits, (all) => {
        const weights = weightsByAvailability(all);
        assert.equal(weights.length, all.length);
        for (const [index, weight] of weights.entries()) {
          assert.ok(Number.isInteger(weight));
          assert.ok(weight >= targetGroupWeight.min && weight <= targetGroupWeight.max);
          const scaled = all[index]!.weight * all[index]!.availability;
          if (all[index]!.weight === 0 || all[index]!.availability === 0) assert.equal(weight, 0);
          else if (scaled / sum(all.map((u) => u.weight * u.availability)) > 0)
            assert.ok(weight >= 1);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("add up to the configured sum, which is taken as a hundred at least and 999 at most", () => {
    fc.assert(
      fc.property(anyUnits, (all) => {
        const configured = all.map(({ weight }) => weight);
        const weights = weightsByAvailability(all);
        if (sum(weights) === 0 || weights.every((w, i) => w === configured[i])) return;
        assert.equal(sum(weights), Math.min(999, Math.max(100, sum(configured))));
      }),
      { numRuns: 1000 },
    );
  });

  it("never give more to one of two units of the same weight that has less", () => {
    fc.assert(
      fc.property(anyUnits, fc.nat(100), (all, weight) => {
        const same = all.map((unit) => ({ ...unit, weight }));
        const weights = weightsByAvailability(same);
        for (const [i, a] of same.entries())
          for (const [j, b] of same.entries())
            if (a.availability < b.availability) assert.ok(weights[i]! <= weights[j]!);
      }),
    );
  });
});
