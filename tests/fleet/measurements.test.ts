import assert from "node:assert/strict";
import { accelerator } from "../../fleet/accelerators";
import { measurement, measurements, unitName } from "../../fleet/measurements";

describe("measurements", () => {
  it("are Table 1's and Table 2's five rows", () => {
    assert.deepEqual(
      Object.entries(measurements).map(([name, row]) => [
        name,
        row.instanceType,
        row.latencySeconds,
        row.throughput,
        row.publishedCostPerInferenceSecond,
        row.publishedAdjustedThroughput,
        row.publishedWeight,
      ]),
      [
        ["sd21-inf2-neuron", "inf2.xlarge", 0.67, 105, 0.00733, 89.2, 40],
        ["sd21-trn1-neuron", "trn1.2xlarge", 0.51, 130, 0.01023, 89.2, 20],
        ["sd21-g5-triton", "g5.xlarge", 0.68, 90, 0.01118, 89.2, 15],
        ["sd21-g6-triton", "g6.xlarge", 0.96, 61, 0.0132, 61, 10],
        ["sd21-g5-cuda", "g5.xlarge", 0.92, 60, 0.01677, 60, 15],
      ],
    );
  });

  it("are filed under their unit's name, on a size and framework that the accelerator has", () => {
    for (const [name, row] of Object.entries(measurements)) {
      assert.equal(name, unitName(row.model, row.accelerator, row.framework));
      const { instanceTypes, frameworks } = accelerator(row.accelerator);
      assert.ok(row.instanceType in instanceTypes);
      assert.ok(frameworks.includes(row.framework));
    }
  });

  it("are undefined for a unit that nobody measured, and for what every object has", () => {
    assert.equal(measurement("sdxl-p5-cuda"), undefined);
    assert.equal(measurement("constructor"), undefined);
  });
});
