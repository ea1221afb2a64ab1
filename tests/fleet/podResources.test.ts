import assert from "node:assert/strict";
import { accelerators, instanceType } from "../../fleet/accelerators";
import { allocatable, nodeOverhead, podResources } from "../../fleet/podResources";
import { replicasPerMachine } from "../../fleet/scaling";

describe("allocatable resources", () => {
  it("are what Karpenter's Instance Types page prints", () => {
    const printed: Record<string, readonly [number, number]> = {
      "inf2.xlarge": [3920, 14162],
      "inf2.8xlarge": [31850, 118312],
      "inf2.48xlarge": [191450, 718987],
      "trn1.2xlarge": [7910, 29317],
      "trn1.32xlarge": [127610, 481894],
      "g4dn.xlarge": [3920, 14481],
      "g5.xlarge": [3920, 14162],
      "g5.48xlarge": [191450, 723299],
      "g6.12xlarge": [47810, 178933],
      "g6e.xlarge": [3920, 29317],
      "p5.48xlarge": [191450, 1938410],
    };
    for (const [name, [cpuMillis, memoryMiB]] of Object.entries(printed)) {
      assert.deepEqual(allocatable(instanceType(name)!), { cpuMillis, memoryMiB }, name);
    }
  });
});

describe("pod resources", () => {
  it("let as many replicas as there are devices fit beside the daemon sets, on every type", () => {
    for (const { instanceTypes } of Object.values(accelerators)) {
      for (const type of Object.values(instanceTypes)) {
        for (let devices = 1; devices <= type.devices; devices += 1) {
          const replicas = replicasPerMachine(type.devices, devices);
          const pod = podResources([type.name], devices);
          const node = allocatable(type);
          const what = `${replicas} replicas on ${type.name}`;
          assert.ok(replicas * pod.cpuMillis + nodeOverhead.cpuMillis <= node.cpuMillis, what);
          assert.ok(replicas * pod.memoryMiB + nodeOverhead.memoryMiB <= node.memoryMiB, what);
          assert.ok(pod.cpuMillis > 0 && pod.memoryMiB > 0, what);
          assert.ok(pod.sharedMemoryMiB > 0 && pod.sharedMemoryMiB < pod.memoryMiB, what);
        }
      }
    }
  });

  it("use most of the smallest machines that the seed names", () => {
    assert.deepEqual(podResources(["inf2.xlarge"], 1), {
      cpuMillis: 2800,
      memoryMiB: 12224,
      sharedMemoryMiB: 3008,
    });
    assert.ok(podResources(["trn1.2xlarge"], 1).memoryMiB > 24 * 1024);
  });

  it("leave room for the daemon sets of Container Insights on four vCPUs", () => {
    // Requests of the daemon sets on an NVIDIA and a Neuron node, millicores (nodeOverhead's source).
    for (const [type, daemonSets] of [
      ["g5.xlarge", 730],
      ["inf2.xlarge", 746],
    ] as const)
      assert.ok(
        podResources([type], 1).cpuMillis + daemonSets <=
          allocatable(instanceType(type)!).cpuMillis,
      );
  });

  it("fit the smallest of a unit's types", () => {
    assert.deepEqual(
      podResources(["g5.48xlarge", "g5.xlarge", "g5.4xlarge"], 1),
      podResources(["g5.xlarge"], 1),
    );
  });

  it("refuse no types, unknown ones, and ones with too few devices", () => {
    assert.throws(() => podResources([], 1), RangeError);
    assert.throws(
      () => podResources(["m7i.large"], 1),
      /No accelerated instance type is m7i\.large/,
    );
    assert.throws(() => podResources(["g5.xlarge"], 2), RangeError);
  });
});
