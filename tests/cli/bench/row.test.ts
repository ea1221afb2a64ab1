import assert from "node:assert/strict";
import fc from "fast-check";
import { median, row } from "../../../cli/bench/row";

describe("a bench's row", () => {
  const what = { name: "plan", metric: "wall", unit: "s", better: "lower" } as const;

  it("has the median with its bounds, and the ratio of medians", () => {
    assert.deepEqual(row(what, [3, 1, 2], { name: "bare imports", values: [1, 1, 4] }), {
      ...what,
      median: 2,
      min: 1,
      max: 3,
      runs: 3,
      against: "bare imports",
      ratio: 2,
    });
    assert.ok(!("ratio" in row(what, [1])));
  });

  it("has a median that as many values are above as below", () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const middle = median(values);
        const above = values.filter((value) => value > middle).length;
        const below = values.filter((value) => value < middle).length;
        assert.ok(above <= values.length / 2 && below <= values.length / 2);
      }),
    );
    assert.throws(() => median([]), RangeError);
  });
});
