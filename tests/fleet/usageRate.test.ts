import assert from "node:assert/strict";
import {
  capacityPerSample,
  imagesPerInstanceHour,
  instancesForRequests,
  publishedImagesPerInstanceHour,
  publishedOverFormula,
  SEED_DEFAULTS,
  samplesPerMinute,
  usageRate,
  usageRateExpression,
} from "../../fleet/usageRate";

describe("the usage rate", () => {
  it("is the seed's expression, character for character, for 10 s and 12 accelerators", () => {
    assert.equal(usageRateExpression(SEED_DEFAULTS), "IF(m1 != 0, m2 / (m1 * 60 / 10 * 12))");
  });

  it("has the model's seconds and the instance's accelerators as parameters", () => {
    assert.equal(
      usageRateExpression({ inferenceSeconds: 2.5, accelerators: 1 }),
      "IF(m1 != 0, m2 / (m1 * 60 / 2.5 * 1))",
    );
  });

  it("gives one instance 72 images a minute and 4,320 an hour, where the result was 27,796", () => {
    assert.equal(capacityPerSample(SEED_DEFAULTS), 72);
    assert.equal(imagesPerInstanceHour(SEED_DEFAULTS), 4320);
    assert.equal(publishedImagesPerInstanceHour, 27_796);
    assert.equal(publishedOverFormula.toFixed(2), "6.43");
    const secondsPerImage = (3600 * SEED_DEFAULTS.accelerators) / publishedImagesPerInstanceHour;
    assert.equal(secondsPerImage.toFixed(2), "1.55");
    const passedAt = (SEED_DEFAULTS.target * 4320) / publishedImagesPerInstanceHour;
    assert.equal(passedAt.toFixed(2), "0.12");
  });

  it("is requests over what the instances of the period can do", () => {
    assert.equal(usageRate(1, 72, SEED_DEFAULTS), 1);
    assert.equal(usageRate(2, 108, SEED_DEFAULTS), 0.75);
    assert.equal(usageRate(3, 0, SEED_DEFAULTS), 0);
  });

  it("has no data point without samples, and is 0 without requests", () => {
    assert.equal(usageRate(0, 72, SEED_DEFAULTS), undefined);
    assert.equal(usageRate(undefined, 72, SEED_DEFAULTS), undefined);
    assert.equal(usageRate(undefined, undefined, SEED_DEFAULTS), undefined);
    assert.equal(usageRate(2, undefined, SEED_DEFAULTS), 0);
  });

  it("counts samples: six a minute per instance when metrics are published every 10 s", () => {
    assert.equal(samplesPerMinute(), 1);
    assert.equal(samplesPerMinute(10), 6);
    assert.equal(usageRate(samplesPerMinute(10), 72, SEED_DEFAULTS), 1 / 6);
  });

  it("settles at the fewest instances that hold the target", () => {
    assert.equal(instancesForRequests(0, SEED_DEFAULTS), 0);
    assert.equal(instancesForRequests(54, SEED_DEFAULTS), 1);
    assert.equal(instancesForRequests(55, SEED_DEFAULTS), 2);
    for (const requests of [1, 54, 540, 1000, 4321]) {
      const instances = instancesForRequests(requests, SEED_DEFAULTS);
      assert.ok((usageRate(instances, requests, SEED_DEFAULTS) ?? 1) <= SEED_DEFAULTS.target);
      const fewer = usageRate(instances - 1, requests, SEED_DEFAULTS);
      assert.ok(fewer === undefined || fewer > SEED_DEFAULTS.target);
    }
  });

  it("has the seed's target and cooldowns as defaults", () => {
    const { target, scaleOutCooldownSeconds, scaleInCooldownSeconds } = SEED_DEFAULTS;
    assert.deepEqual([target, scaleOutCooldownSeconds, scaleInCooldownSeconds], [0.75, 60, 120]);
  });

  it("refuses what makes no capacity", () => {
    for (const wrong of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(
        () => usageRateExpression({ inferenceSeconds: wrong, accelerators: 1 }),
        RangeError,
      );
      assert.throws(
        () => capacityPerSample({ inferenceSeconds: 1, accelerators: wrong }),
        RangeError,
      );
      assert.throws(() => samplesPerMinute(wrong), RangeError);
      assert.throws(() => instancesForRequests(1, SEED_DEFAULTS, wrong), RangeError);
    }
    assert.throws(() => instancesForRequests(-1, SEED_DEFAULTS), RangeError);
  });
});
