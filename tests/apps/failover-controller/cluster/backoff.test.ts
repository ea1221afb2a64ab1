import assert from "node:assert/strict";
import { backoffMs } from "../../../../apps/failover-controller/cluster/backoff";

describe("The wait after a failure", () => {
  it("doubles from 100 ms to 5 s, and stays there", () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 100, 1e9].map((failures) => backoffMs(failures, 0));
    assert.deepEqual(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
  });

  it("is shorter by up to a half, by chance", () => {
    assert.equal(backoffMs(7, 1), 2500);
    const waits = new Set(Array.from({ length: 50 }, () => backoffMs(7)));
    assert.ok(waits.size > 40);
    for (const wait of waits) assert.ok(wait >= 2500 && wait <= 5000);
  });
});
