import assert from "node:assert/strict";
import {
  computedSum,
  computedTotal,
  guidancePerMillionImages,
  guidancePerMonth,
  guidancePrinted,
  guidanceSlips,
  guidanceTask,
  printedSum,
} from "../../fleet/guidanceCost";

describe("the guidance's cost tables", () => {
  it("have rows that quantity times price makes, but for one", () => {
    const all = [...guidancePerMillionImages, ...guidancePerMonth];
    const others = all.filter((row) => computedTotal(row) !== row.total);
    assert.deepEqual(
      others.map(({ service, total }) => [service, total]),
      [["Amazon SNS", 0.5]],
    );
  });

  it("have sums that are those of the rows as printed", () => {
    assert.equal(printedSum(guidancePerMillionImages), guidancePrinted.perMillionImages);
    assert.equal(printedSum(guidancePerMonth), guidancePrinted.perMonth);
  });

  it("slip twice: in SNS's requests, and in the total", () => {
    assert.deepEqual(guidanceSlips(), [
      { where: "Amazon SNS, Per 1M requests", printed: 0.5, computed: 1 },
      { where: "total in the text", printed: 436.72, computed: 436.42 },
    ]);
  });

  it("make 50 cents more without the first slip, which is not the printed total either", () => {
    assert.equal(computedSum(guidancePerMillionImages), 226.68);
    assert.equal(computedSum(guidancePerMonth), 210.24);
  });

  it("have the quantities of their footnotes, but for the traffic of 8 KB a request", () => {
    const quantity = (dimension: string) =>
      guidancePerMillionImages.find((row) => row.dimension === dimension)!.quantity;
    const gigabytes = (kibibytes: number) => (1_000_000 * kibibytes) / 1024 ** 2;
    const { secondsPerImage, imageKiB, requestKiB } = guidanceTask;
    const hours = (1_000_000 * secondsPerImage) / 3600;
    assert.equal(
      quantity("g5.2xlarge instance, Spot instance per hour").toFixed(2),
      hours.toFixed(2),
    );
    assert.equal(quantity("Per GB per month").toFixed(2), gigabytes(imageKiB).toFixed(2));
    assert.equal(gigabytes(requestKiB).toFixed(2), "15.26");
    assert.ok(Math.abs(quantity("Data transfer per GB") - gigabytes(8)) < 0.01);
  });
});
