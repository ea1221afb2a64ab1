import assert from "node:assert/strict";
import { accelerator, accelerators, instanceType } from "../../fleet/accelerators";

describe("accelerators", () => {
  it("knows Inferentia2, Trainium, and the NVIDIA families from g4dn to p5", () => {
    for (const name of ["inf2", "trn1", "g4dn", "g5", "g6", "g6e", "p4d", "p5"])
      assert.equal(accelerators[name]?.name, name);
  });

  it("counts Neuron devices as chips, not cores", () => {
    const devices = ["inf2.xlarge", "inf2.8xlarge", "inf2.24xlarge", "inf2.48xlarge"];
    assert.deepEqual(
      [...devices, "trn1.2xlarge", "trn1.32xlarge"].map((name) => instanceType(name)?.devices),
      [1, 1, 6, 12, 1, 16],
    );
  });

  it("gives every family a default size, and none has fewer devices", () => {
    for (const { defaultInstanceType, instanceTypes } of Object.values(accelerators)) {
      const fewest = Math.min(...Object.values(instanceTypes).map(({ devices }) => devices));
      assert.equal(instanceTypes[defaultInstanceType]?.devices, fewest, defaultInstanceType);
    }
  });

  it("offers neuron on Neuron devices, and cuda and triton on NVIDIA's", () => {
    for (const { family, device, frameworks } of Object.values(accelerators)) {
      assert.deepEqual(frameworks, family === "neuron" ? ["neuron"] : ["cuda", "triton"]);
      assert.equal(device, family === "neuron" ? "aws.amazon.com/neuron" : "nvidia.com/gpu");
    }
  });

  it("says that inf2 has no instance store and that g5 has one", () => {
    assert.equal(instanceType("inf2.48xlarge")?.instanceStoreGiB, 0);
    assert.equal(instanceType("g5.xlarge")?.instanceStoreGiB, 250);
  });

  it("finds the accelerator of every size by the size's name", () => {
    for (const { name, instanceTypes } of Object.values(accelerators)) {
      for (const [key, type] of Object.entries(instanceTypes)) {
        assert.deepEqual(instanceType(key), { ...type, accelerator: name });
      }
    }
    assert.equal(instanceType("m7i.large"), undefined);
  });

  it("names the known ones when asked for another, also for what every object has", () => {
    assert.equal(accelerator("inf2").chip, "AWS Inferentia2");
    for (const name of ["inf3", "", "constructor", "toString"]) {
      assert.throws(() => accelerator(name), {
        name: "RangeError",
        message: /Known: inf2, trn1, g4dn, g5, g6, g6e, p4d, p5\./,
      });
    }
  });
});
