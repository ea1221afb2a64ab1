import assert from "node:assert/strict";
import { accelerators } from "../../fleet/accelerators";
import {
  componentCapacity,
  endpointQuota,
  managedInstanceNames,
  managedInstanceType,
  managedInstanceTypesOf,
  NEURON_CORES_PER_DEVICE,
} from "../../fleet/managedInstances";

function capacity(name: string) {
  const type = managedInstanceType(name);
  assert.ok(type, name);
  return componentCapacity(type);
}

describe("managed instances", () => {
  it("carry every accelerator, on every size it has on EC2, smallest first", () => {
    assert.deepEqual(managedInstanceTypesOf("inf2"), [
      "ml.inf2.xlarge",
      "ml.inf2.8xlarge",
      "ml.inf2.24xlarge",
      "ml.inf2.48xlarge",
    ]);
    for (const { name, instanceTypes } of Object.values(accelerators)) {
      for (const ec2 of Object.values(instanceTypes)) {
        const type = managedInstanceType(`ml.${ec2.name}`);
        assert.equal(type?.accelerator, name);
        assert.deepEqual(type?.instance, ec2);
        assert.ok(managedInstanceNames.includes(`ml.${ec2.name}`));
      }
    }
    assert.throws(() => managedInstanceTypesOf("tpu"), /Known: inf2/);
  });

  it("are not known by EC2's name, without an accelerator, or by what every object has", () => {
    for (const name of ["inf2.xlarge", "ml.m5.xlarge", "ml.inf2.2xlarge", "ml.toString", ""]) {
      assert.equal(managedInstanceType(name), undefined, name);
    }
  });

  it("say which have disks that the endpoint's key does not reach", () => {
    const local = managedInstanceNames.filter((name) => managedInstanceType(name)?.hasLocalStorage);
    assert.deepEqual(
      managedInstanceNames.filter((name) => !local.includes(name)),
      managedInstanceTypesOf("inf2"),
    );
  });

  it("have for inference components what is on the machine", () => {
    assert.deepEqual(capacity("ml.inf2.48xlarge"), { devices: 12, vcpus: 192, memoryMiB: 786_432 });
    assert.deepEqual(capacity("ml.g5.xlarge"), { devices: 1, vcpus: 4, memoryMiB: 16_384 });
    assert.equal(capacity("ml.p4d.24xlarge").devices, 8);
    assert.equal(capacity("ml.trn1.32xlarge").devices * NEURON_CORES_PER_DEVICE, 32);
  });

  it("have a quota of their own each", () => {
    assert.equal(endpointQuota("ml.inf2.48xlarge"), "ml.inf2.48xlarge for endpoint usage");
  });
});
