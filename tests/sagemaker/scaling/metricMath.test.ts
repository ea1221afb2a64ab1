import assert from "node:assert/strict";
import {
  imagesPerInstanceHour,
  publishedImagesPerInstanceHour,
  SEED_DEFAULTS,
  usageRate,
  usageRateExpression,
} from "../../../fleet/usageRate";
import { evaluateMetricMath, type Series } from "./metricMath";
import { Samples, type Statistic } from "./samples";

/** Values of consecutive minutes; null is missing. */
type Minutes = readonly (number | null)[];

const seriesOf = (values: Minutes): Series =>
  new Map(values.flatMap((value, minute) => (value === null ? [] : [[60 * minute, value]])));

/** The expression over metrics of as many minutes. */
function over(expression: string, metrics: Record<string, Minutes>): Minutes {
  const series = Object.entries(metrics).map(([id, values]) => [id, seriesOf(values)] as const);
  const minutes = Math.max(...Object.values(metrics).map((values) => values.length));
  const window = { fromSeconds: 0, toSeconds: 60 * minutes, periodSeconds: 60 };
  const result = evaluateMetricMath(expression, Object.fromEntries(series), window);
  return Array.from({ length: minutes }, (_, minute) => result.get(60 * minute) ?? null);
}

describe("metric math", () => {
  it("compares as in CloudWatch's table, a missing point against a series as 0", () => {
    const metrics = { metric1: [30, 20, 0, 0], metric2: [20, null, 20, null] };
    assert.deepEqual(over("metric1 < metric2", metrics), [0, 0, 1, 0]);
    assert.deepEqual(over("metric1 >= 30", metrics), [1, 0, 0, 0]);
  });

  it("chooses as in CloudWatch's three tables of IF", () => {
    const metrics = {
      metric1: [1, 1, 0, 0, null],
      metric2: [30, null, 0, 0, 30],
      metric3: [0, 0, 20, null, 20],
    };
    assert.deepEqual(over("IF(metric1, metric2, metric3)", metrics), [30, 0, 20, null, null]);
    assert.deepEqual(over("IF(metric1, 5, metric3)", metrics), [5, 5, 20, null, null]);
    assert.deepEqual(over("IF(metric1, metric2, 5)", metrics), [30, 0, 5, 5, null]);
    assert.deepEqual(over("IF(metric1, metric2)", metrics), [30, 0, null, null, null]);
  });

  it("drops a division by zero, and takes a missing point beside a real one for 0", () => {
    const metrics = { m1: [4, 4, null, null], m2: [2, 0, 2, null] };
    assert.deepEqual(over("m1 / m2", metrics), [2, null, 0, null]);
    assert.deepEqual(over("m1 - m2 * -1", metrics), [6, 4, 2, null]);
  });

  it("fills gaps by a number, the value before, or the line between", () => {
    const m1 = [null, 2, null, null, 8, null];
    assert.deepEqual(over("FILL(m1, 0)", { m1 }), [0, 2, 0, 0, 8, 0]);
    assert.deepEqual(over("FILL(m1, REPEAT)", { m1 }), [null, 2, 2, 2, 8, 8]);
    assert.deepEqual(over("FILL(m1, LINEAR)", { m1 }), [null, 2, 4, 6, 8, null]);
  });

  it("takes the largest, the smallest and the sum over an array by time, over a series at once", () => {
    const metrics = { m1: [1, 5, null], m2: [3, null, null] };
    assert.deepEqual(over("MAX([m1, m2])", metrics), [3, 5, null]);
    assert.deepEqual(over("MIN([m1, m2])", metrics), [1, 5, null]);
    assert.deepEqual(over("SUM([m1, m2] * 2)", metrics), [8, 10, null]);
    assert.deepEqual(over("m1 / SUM(m1)", { m1: [1, 3] }), [0.25, 0.75]);
  });

  it("refuses what CloudWatch would, and what it does not know", () => {
    for (const expression of ["MAX(m1)", "[m1, m1]", "m3 * 2", "PERIOD(m1)", "m1 ^ 2", "m1 +"]) {
      assert.throws(() => over(expression, { m1: [1] }), Error, expression);
    }
  });
});

describe("the usage rate of seed 000", () => {
  const expression = usageRateExpression(SEED_DEFAULTS);
  const rate = (m1: number | null, m2: number | null) =>
    over(expression, { m1: [m1], m2: [m2] })[0];

  /** The rate of a minute with these samples. */
  function ofSamples(cpu: readonly number[], requests: number, statistic: Statistic) {
    const m1 = new Samples();
    for (const value of cpu) m1.put(0, value);
    const m2 = new Samples();
    for (let i = 0; i < requests; i++) m2.put(i % 60, 1);
    const metrics = {
      m1: m1.series(statistic, 60, 0, 60),
      m2: m2.series("SampleCount", 60, 0, 60),
    };
    const window = { fromSeconds: 0, toSeconds: 60, periodSeconds: 60 };
    return evaluateMetricMath(expression, metrics, window).get(0);
  }

  it("is the published expression", () => {
    assert.equal(expression, "IF(m1 != 0, m2 / (m1 * 60 / 10 * 12))");
  });

  it("is 1 at 72 requests a minute of one instance, and at its target at 54", () => {
    assert.equal(ofSamples([50], 72, "SampleCount"), 1);
    assert.equal(ofSamples([50], 54, "SampleCount"), SEED_DEFAULTS.target);
    assert.equal(ofSamples([50, 50, 50], 216, "SampleCount"), 1);
    assert.equal(imagesPerInstanceHour(SEED_DEFAULTS), 72 * 60);
  });

  it("counts instances, whatever their CPUs do; the prose's average would not", () => {
    assert.equal(ofSamples([1], 72, "SampleCount"), ofSamples([100], 72, "SampleCount"));
    // 50 % as 50 is fifty times the capacity, and half of it at 100 %.
    assert.equal(ofSamples([50], 72, "Average"), 1 / 50);
    assert.equal(ofSamples([100], 72, "Average"), 1 / 100);
    // Ten instances have the average of one, so the rate would not fall as they are added.
    assert.equal(ofSamples(Array(10).fill(50), 72, "Average"), 1 / 50);
    assert.equal(ofSamples(Array(10).fill(50), 72, "SampleCount"), 1 / 10);
    // As a share, an idle fleet has less capacity than a busy one.
    assert.equal(ofSamples([0.5], 72, "Average"), 2);
    assert.equal(ofSamples([0], 72, "Average"), undefined);
  });

  it("is six times too small when CPUs are sampled every ten seconds", () => {
    assert.equal(ofSamples(Array(6).fill(50), 72, "SampleCount"), 1 / 6);
  });

  it("has no data without an instance's samples, requests or not", () => {
    assert.equal(rate(null, 72), null);
    assert.equal(rate(null, null), null);
    assert.equal(rate(0, 72), null);
  });

  it("is 0, not missing, while instances run and nobody asks", () => {
    assert.equal(rate(3, null), 0);
    assert.equal(rate(3, 0), 0);
  });

  it("passes its target at an eighth of the throughput that the seed publishes", () => {
    const published = rate(1, publishedImagesPerInstanceHour / 60)!;
    assert.equal(published.toFixed(2), "6.43");
    assert.equal((published / SEED_DEFAULTS.target).toFixed(1), "8.6");
  });

  it("is what the fleet's own function computes, where both metrics have points", () => {
    for (const [samples, requests] of [
      [1, 54],
      [3, 100],
      [40, 1],
      [2, 0],
    ] as const) {
      const own = usageRate(samples, requests, SEED_DEFAULTS)!;
      assert.ok(Math.abs(rate(samples, requests)! - own) < 1e-12);
    }
  });
});
