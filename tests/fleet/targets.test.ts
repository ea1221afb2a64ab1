import assert from "node:assert/strict";
import fc from "fast-check";
import { measurements } from "../../fleet/measurements";
import { counterTarget, inFlightTarget, targetThroughput } from "../../fleet/targets";

const units = Object.values(measurements);

describe("counter targets", () => {
  it("are Table 1's throughput in cost mode", () => {
    assert.deepEqual(
      units.map((unit) => counterTarget(unit, "cost", units)),
      [105, 130, 90, 61, 60],
    );
  });

  it("are Table 2's adjusted throughput in capacity mode", () => {
    assert.deepEqual(
      units.map((unit) => counterTarget(unit, "capacity", units)),
      units.map((unit) => unit.publishedAdjustedThroughput),
    );
    assert.equal(targetThroughput(units), 89.2);
  });

  it("never exceed a unit's own throughput, and are the same for all that can do the mean", () => {
    const fleet = fc.array(
      fc.record({ throughput: fc.double({ min: 0.2, max: 1e4, noNaN: true }) }),
      {
        minLength: 1,
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(fleet, (some) => {
        const mean = targetThroughput(some);
        const able = new Set<number>();
        for (const unit of some) {
          const target = counterTarget(unit, "capacity", some);
          assert.ok(target > 0 && target <= unit.throughput);
          assert.ok(target <= mean + 0.05 + 1e-9);
          if (unit.throughput > mean + 0.1) able.add(target);
        }
        assert.ok(able.size <= 1);
      }),
    );
  });

  it("refuse a fleet without units, and a throughput that is none", () => {
    assert.throws(() => targetThroughput([]), RangeError);
    assert.throws(() => counterTarget({ throughput: 0 }, "cost", []), RangeError);
    assert.throws(
      () => counterTarget({ throughput: 1 }, "capacity", [{ throughput: Number.NaN }]),
      RangeError,
    );
  });
});

describe("in-flight targets", () => {
  it("are the requests in flight at the breaking point by Little's law, at least one", () => {
    assert.deepEqual(
      units.map((unit) => inFlightTarget(unit)),
      [1.17, 1.11, 1.02, 1, 1],
    );
  });

  it("are 1 for a replica that is partly idle at its breaking point", () => {
    assert.equal(inFlightTarget({ throughput: 6, latencySeconds: 0.9 }), 1);
  });

  it("refuse a latency that is none", () => {
    assert.throws(() => inFlightTarget({ throughput: 6, latencySeconds: 0 }), RangeError);
  });
});
