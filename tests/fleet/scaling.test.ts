import assert from "node:assert/strict";
import fc from "fast-check";
import { desiredReplicas, machinesFor, replicasFor } from "../../fleet/scaling";

describe("desired replicas", () => {
  it("double when the metric is twice its target, as Kubernetes' own example has it", () => {
    assert.equal(desiredReplicas(3, 200, 100, "Value"), 6);
    assert.equal(desiredReplicas(4, 50, 100, "Value"), 2);
  });

  it("do not move within a tenth of the target", () => {
    assert.equal(desiredReplicas(10, 1.1, 1, "Value"), 10);
    assert.equal(desiredReplicas(10, 0.9, 1, "Value"), 10);
    assert.equal(desiredReplicas(10, 1.12, 1, "Value"), 12);
  });

  it("divide a total over all replicas by the target of one", () => {
    assert.equal(desiredReplicas(2, 420, 105, "AverageValue"), 4);
    assert.equal(desiredReplicas(4, 420, 105, "AverageValue"), 4);
    assert.equal(desiredReplicas(4, 0, 105, "AverageValue"), 0);
  });

  it("stay put for a counter at saturation, where requests in flight scale out", () => {
    // Three full replicas serve 3 × 105 a minute and no more, however many requests wait.
    const counter = { value: 315, target: 105, type: "AverageValue" } as const;
    const inFlight = { value: 4, target: 1.17, type: "Value" } as const;
    assert.equal(desiredReplicas(3, counter.value, counter.target, counter.type), 3);
    assert.equal(replicasFor(3, [counter, inFlight], { min: 1, max: 20 }), 11);
  });

  it("stay 0 once the autoscaler is off", () => {
    assert.equal(desiredReplicas(0, 1000, 1, "Value"), 0);
  });

  it("bring the load per replica to the target or below it, outside the tolerance", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0, max: 1e5, noNaN: true }),
        fc.double({ min: 0.1, max: 1e3, noNaN: true }),
        (current, total, target) => {
          const wanted = desiredReplicas(current, total, target, "AverageValue");
          assert.ok(total / target <= Math.max(wanted, current * (1.1 + 1e-9)));
          assert.ok(wanted === current || wanted - total / target < 1 + 1e-9);
        },
      ),
    );
  });

  it("are held between the minimum and the maximum", () => {
    const metric = { value: 100, target: 1, type: "Value" } as const;
    assert.equal(replicasFor(3, [metric], { min: 1, max: 8 }), 8);
    assert.equal(replicasFor(3, [{ ...metric, value: 0 }], { min: 2, max: 8 }), 2);
    assert.equal(replicasFor(3, [], { min: 1, max: 8 }), 3);
  });

  it("refuse what is no count, value or target", () => {
    for (const [current, value, target] of [
      [1.5, 1, 1],
      [-1, 1, 1],
      [1, -1, 1],
      [1, Number.NaN, 1],
      [1, 1, 0],
    ] as const) {
      assert.throws(() => desiredReplicas(current, value, target, "Value"), RangeError);
    }
    assert.throws(() => replicasFor(1, [], { min: 2, max: 1 }), RangeError);
  });
});

describe("machines", () => {
  it("carry as many replicas as their devices allow", () => {
    assert.equal(machinesFor(5, 1, 1), 5);
    assert.equal(machinesFor(13, 12, 2), 3);
    assert.equal(machinesFor(3, 12, 5), 2);
    assert.equal(machinesFor(0, 12, 2), 0);
  });

  it("must have the devices of one replica", () => {
    assert.throws(() => machinesFor(1, 1, 2), /A replica needs 2 devices; the machine has 1\./);
    assert.throws(() => machinesFor(1, 1, 0), RangeError);
  });
});
