import assert from "node:assert/strict";
import {
  costPerImage,
  endpointCostOfUse,
  endpointCostPerMonth,
  impliedPricePerHour,
  publishedCostChecks,
  publishedManagedCost,
} from "../../fleet/managedCost";

describe("managed cost", () => {
  it("has the price that the seed's two figures give, 11.81 $ an hour", () => {
    const { usdPerImage, imagesPerInstanceHour } = publishedManagedCost;
    assert.deepEqual([usdPerImage, imagesPerInstanceHour], [0.000425, 27_796]);
    assert.equal(impliedPricePerHour.toFixed(4), "11.8133");
    assert.equal(costPerImage(impliedPricePerHour, imagesPerInstanceHour), usdPerImage);
    assert.equal((0.0004245 * imagesPerInstanceHour).toFixed(2), "11.80");
    assert.equal((0.0004255 * imagesPerInstanceHour).toFixed(2), "11.83");
  });

  it("comes to it from neither of the catalogue's prices, and says by how much", () => {
    assert.deepEqual(
      publishedCostChecks().map((check) => [
        check.service,
        check.price.usd,
        check.usdPerImage.toFixed(6),
        check.reproduces,
        (check.discount * 100).toFixed(1),
        Math.round(check.imagesPerInstanceHour),
      ]),
      [
        ["SageMaker", 15.58, "0.000561", false, "24.2", 36_659],
        ["EC2", 12.98127, "0.000467", false, "9.0", 30_544],
      ],
    );
    for (const { price, discount } of publishedCostChecks()) {
      assert.ok(Math.abs(price.usd * (1 - discount) - impliedPricePerHour) < 1e-9);
    }
  });

  it("of a month is the minimum's at least and the maximum's at most; nothing at zero", () => {
    const endpoint = { usdPerHour: 15.58, instances: { min: 1, max: 3 } };
    const { min, max } = endpointCostPerMonth(endpoint);
    assert.deepEqual([min.toFixed(2), max.toFixed(2)], ["11373.40", "34120.20"]);
    const fromZero = endpointCostPerMonth({ usdPerHour: 15.58, instances: { min: 0, max: 3 } });
    assert.equal(fromZero.min, 0);
    assert.equal(fromZero.max, max);
  });

  it("shows what idle instances cost and what scaling to zero leaves of it", () => {
    const use = { busyHours: 100, busyInstances: 2, tailHours: 10 };
    const month = (min: number) =>
      endpointCostOfUse({ usdPerHour: 10, instances: { min, max: 4 } }, use);
    assert.deepEqual(month(1), { busy: 2000, tail: 200, idle: 6200, total: 8400 });
    assert.deepEqual(month(0), { busy: 2000, tail: 200, idle: 0, total: 2200 });
    const always = endpointCostOfUse(
      { usdPerHour: 10, instances: { min: 1, max: 1 } },
      { busyHours: 0, busyInstances: 1 },
    );
    assert.equal(always.total, 7300);
  });

  it("refuses what cannot be", () => {
    const endpoint = { usdPerHour: 1, instances: { min: 1, max: 2 } };
    assert.throws(() => costPerImage(-1, 1), RangeError);
    assert.throws(() => costPerImage(1, 0), RangeError);
    assert.throws(
      () => endpointCostPerMonth({ usdPerHour: 1, instances: { min: 2, max: 1 } }),
      /2 is above/,
    );
    assert.throws(() => endpointCostPerMonth({ ...endpoint, usdPerHour: Number.NaN }), RangeError);
    assert.throws(
      () => endpointCostOfUse(endpoint, { busyHours: 731, busyInstances: 1 }),
      /730 hours/,
    );
    assert.throws(() => endpointCostOfUse(endpoint, { busyHours: 1, busyInstances: 3 }), /1 to 2/);
    assert.throws(
      () => endpointCostOfUse(endpoint, { busyHours: -1, busyInstances: 1 }),
      RangeError,
    );
  });
});
