import assert from "node:assert/strict";
import fc from "fast-check";
import { apportion } from "../../fleet/apportion";

const named = (shares: readonly number[]) =>
  shares.map((share, index) => ({ name: `u${index}`, share }));

const parts = fc
  .array(fc.double({ min: 1e-6, max: 1000, noNaN: true }), { minLength: 1, maxLength: 20 })
  .map((merits) => {
    const total = merits.reduce((sum, merit) => sum + merit, 0);
    return named(merits.map((merit) => merit / total));
  });
const sums = fc.integer({ min: 20, max: 999 });

describe("apportioning", () => {
  it("gives whole shares as they are", () => {
    assert.deepEqual(apportion(named([0.4, 0.2, 0.15, 0.15, 0.1]), 100), [40, 20, 15, 15, 10]);
  });

  it("gives what is left to the largest remainders", () => {
    assert.deepEqual(apportion(named([1 / 3, 2 / 3]), 100), [33, 67]);
    assert.deepEqual(apportion(named([1 / 3, 1 / 3, 1 / 3]), 100), [34, 33, 33]);
  });

  it("does not depend on the order, also between equals", () => {
    const units = named([1 / 3, 1 / 3, 1 / 3]);
    assert.deepEqual(apportion([...units].reverse(), 100), [33, 33, 34]);
    fc.assert(
      fc.property(parts, sums, (all, sum) => {
        assert.deepEqual(apportion([...all].reverse(), sum).reverse(), apportion(all, sum));
      }),
    );
  });

  it("leaves nobody without, at the cost of the largest", () => {
    assert.deepEqual(apportion(named([0.998, 0.001, 0.001]), 100), [98, 1, 1]);
    assert.deepEqual(apportion(named([0.9, 0.05, 0.05]), 3), [1, 1, 1]);
  });

  it("adds up to the sum, in integers of at least 1, a larger share never getting less", () => {
    fc.assert(
      fc.property(parts, sums, (all, sum) => {
        const result = apportion(all, sum);
        assert.equal(
          result.reduce((total, part) => total + part, 0),
          sum,
        );
        for (const [i, a] of result.entries()) {
          assert.ok(Number.isInteger(a) && a >= 1);
          for (const [j, b] of result.entries())
            if (all[i]!.share > all[j]!.share + 1e-9) assert.ok(a >= b, `${a} < ${b}`);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("is less than 1 off the share where nobody had to be raised", () => {
    fc.assert(
      fc.property(parts, sums, (all, sum) => {
        const exact = all.map(({ share }) => share * sum);
        fc.pre(exact.every((value) => value >= 1));
        for (const [index, part] of apportion(all, sum).entries())
          assert.ok(Math.abs(part - exact[index]!) < 1 + 1e-6);
      }),
    );
  });

  it("gives nobody nothing", () => {
    assert.deepEqual(apportion([], 100), []);
  });
});
