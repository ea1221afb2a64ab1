import assert from "node:assert/strict";
import {
  publishedDetection,
  reduction,
  restForReduction,
  type ScaleOut,
  scaleOutAverages,
  scaleOutTime,
  scaleOutTrials,
} from "../../fleet/scaleOutTime";

const fast = "high-resolution" as const;
const states = ["new", "available"] as const;
const containers = ["pulled", "cached"] as const;

const combinations = states.flatMap((instance) =>
  containers.map((container) => ({ instance, container })),
);

const percent = (before: ScaleOut, after: ScaleOut) =>
  Math.round(reduction(scaleOutTime(before), scaleOutTime(after)) * 100);

describe("the scale-out time", () => {
  it("has five trials a table, each the sum of its stages", () => {
    for (const { instance, container } of combinations) {
      const trials = scaleOutTrials[instance][container];
      assert.equal(trials.length, 5);
      for (const { detect, instance: spinUp, copy, total } of trials) {
        assert.equal(detect + spinUp + copy, total);
      }
    }
  });

  it("reproduces the averages of both seed tables, to the second they are printed with", () => {
    for (const { instance, container } of combinations) {
      const time = scaleOutTime({ detection: fast, instance, container });
      const printed = scaleOutAverages[instance][container];
      assert.equal(time.detect, 40);
      assert.ok(Math.abs(time.instance - printed.instance) < 0.5, `${instance} ${container}`);
      assert.ok(Math.abs(time.copy - printed.copy) < 0.05, `${instance} ${container}`);
      assert.ok(Math.abs(time.total - printed.total) <= 0.6 + 1e-9, `${instance} ${container}`);
      assert.ok(Math.abs(time.total - printed.summary) <= 0.6 + 1e-9, `${instance} ${container}`);
    }
    assert.deepEqual(
      combinations.map(({ instance, container }) =>
        scaleOutTime({ detection: fast, instance, container }).total.toFixed(1),
      ),
      ["579.4", "407.4", "379.0", "166.2"],
    );
  });

  it("saves by caching what the seed prints: 172 s or 30 %, 213 s or 56 %", () => {
    const pulled = { detection: fast, container: "pulled" } as const;
    const cached = { detection: fast, container: "cached" } as const;
    const saved = states.map((instance) => {
      const before = { ...pulled, instance };
      const after = { ...cached, instance };
      const seconds = scaleOutTime(before).total - scaleOutTime(after).total;
      return [Math.round(seconds), percent(before, after)];
    });
    assert.deepEqual(saved, [
      [172, 30],
      [213, 56],
    ]);
  });

  it("has seed 003's detection: over 6 minutes, and less than 45 seconds", () => {
    const { detect: slow } = scaleOutTime({
      detection: "standard",
      instance: "new",
      container: "pulled",
    });
    assert.ok(slow >= publishedDetection.standardAbove);
    const { detect } = scaleOutTime({ detection: fast, instance: "new", container: "pulled" });
    assert.ok(detect < publishedDetection.highResolutionBelow);
  });

  it("saves by detection 36 to 66 % for a 70B model, around the 40 % of smaller ones", () => {
    const saved = combinations.map((one) =>
      percent({ ...one, detection: "standard" }, { ...one, detection: fast }),
    );
    assert.deepEqual(saved, [36, 44, 46, 66]);
    const { standardAbove, endToEndReduction } = publishedDetection;
    assert.equal(restForReduction(endToEndReduction), 440);
    const rest = (detection: ScaleOut["detection"]) =>
      scaleOutTime({ detection, instance: "available", container: "pulled", copySeconds: 440 });
    assert.ok(Math.abs(reduction(rest("standard"), rest(fast)) - endToEndReduction) < 1e-12);
    assert.equal(rest("standard").total, standardAbove + 440);
  });

  it("saves 55 % on a new instance and 76 % on an available one with both", () => {
    const saved = states.map((instance) =>
      percent(
        { instance, detection: "standard", container: "pulled" },
        { instance, detection: fast, container: "cached" },
      ),
    );
    assert.deepEqual(saved, [55, 76]);
  });

  it("takes the copy's time from a measurement of a smaller model", () => {
    const time = scaleOutTime({
      detection: fast,
      instance: "available",
      container: "cached",
      copySeconds: 25,
    });
    assert.deepEqual(time, { detect: 40, instance: 0, copy: 25, total: 65 });
  });

  it("refuses a time or a share that cannot be", () => {
    for (const copySeconds of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const wrong = { detection: fast, instance: "new", container: "cached", copySeconds } as const;
      assert.throws(() => scaleOutTime(wrong), RangeError);
    }
    for (const share of [0, 0.9, Number.NaN]) {
      assert.throws(() => restForReduction(share), RangeError);
    }
  });
});
