import assert from "node:assert/strict";
import fc from "fast-check";
import { breakingPointOf, limitOf } from "../../../fleet/breakingPoint";
import { type ProfileStep, search } from "./simulatedSearch";

const limits = { objectiveSeconds: 0.9, maxUtilisation: 0.8 };
const ramp = { startRate: 0.5, growth: 1.25, maxRate: 100 };

describe("the breaking point", () => {
  const held = search({ capacity: 2, serviceSeconds: 0.5 }, limits, { ...ramp, maxRate: 1 })[0]!;

  it("is judged by latency, utilisation, errors and throughput", () => {
    assert.equal(limitOf(held, limits), undefined);
    const slow = { ...held, latency: { ...held.latency!, p90Seconds: 0.901 } };
    assert.equal(limitOf(slow, limits), "latency");
    assert.equal(limitOf({ ...held, utilisation: 0.81 }, limits), "utilisation");
    assert.equal(limitOf({ ...held, utilisation: 0.8 }, limits), undefined);
    assert.equal(limitOf({ ...held, errorRatio: 0.01 }, limits), "errors");
    assert.equal(limitOf({ ...held, errorRatio: 0.009 }, limits), undefined);
    const short = { ...held, requests: 100, answeredRequestsPerSecond: 0.47 };
    assert.equal(limitOf(short, limits), "throughput");
    assert.equal(limitOf({ ...short, requests: 15 }, limits), undefined, "one of 15 is no plateau");
  });

  it("is found near a server's capacity, whatever that is, from whatever start", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.05, max: 90, noNaN: true }),
        fc.double({ min: 0.05, max: 0.8, noNaN: true }),
        (capacity, serviceSeconds) => {
          const steps = search({ capacity, serviceSeconds }, limits, ramp);
          const point = breakingPointOf(steps, limits, "max-rate");
          // Sixteen times less than the start is where it gives up.
          if (capacity < 0.5 / 8) return;
          assert.ok(point !== undefined);
          const ratio = point.requestsPerSecond / capacity;
          // Of a surplus, 30 s make a queue that the objective has room for up to 3 %.
          assert.ok(ratio > 0.8 && ratio < 1.035, `${ratio} of the capacity`);
          assert.ok(point.imagesPerMinute <= capacity * 60.001);
        },
      ),
    );
  });

  it("is confirmed once, refined twice, and then left alone", () => {
    const phases = search({ capacity: 2, serviceSeconds: 0.5 }, limits, ramp).map((s) => s.phase);
    assert.deepEqual(phases.slice(-3), ["confirm", "refine", "refine"]);
    assert.ok(phases.slice(0, -3).every((phase) => phase === "ramp"));
  });

  it("is not where a hiccup was", () => {
    let hiccups = 1;
    const hiccup = (step: ProfileStep) =>
      step.offeredRequestsPerSecond > 0.7 && hiccups-- > 0 ? { ...step, errorRatio: 0.5 } : step;
    const steps = search({ capacity: 2, serviceSeconds: 0.5 }, limits, ramp, hiccup);
    const point = breakingPointOf(steps, limits, "max-rate");
    assert.ok(point!.requestsPerSecond > 1.6);
    assert.equal(point!.limitedBy, "latency");
  });

  it("is below every load that was too much, also when a higher one was held by chance", () => {
    const at = (rate: number, errorRatio = 0) => ({
      ...held,
      offeredRequestsPerSecond: rate,
      answeredRequestsPerSecond: rate,
      errorRatio,
    });
    const point = breakingPointOf([at(1), at(2, 0.2), at(3)], limits, "max-rate");
    assert.equal(point?.requestsPerSecond, 1);
    assert.equal(point?.limitedBy, "errors");
  });

  it("is not looked for further down once the fastest answer is too slow", () => {
    const steps = search({ capacity: 2, serviceSeconds: 1.2 }, limits, ramp);
    assert.deepEqual(
      steps.map(({ phase }) => phase),
      ["ramp", "confirm"],
    );
    assert.equal(breakingPointOf(steps, limits, "max-rate"), undefined);
  });

  it("is a lower bound where nothing gave way", () => {
    const steps = search({ capacity: 50, serviceSeconds: 0.1 }, limits, { ...ramp, maxRate: 3 });
    const point = breakingPointOf(steps, limits, "max-rate");
    assert.equal(point?.requestsPerSecond, 3);
    assert.equal(point?.limitedBy, "max-rate");
  });
});
