import assert from "node:assert/strict";
import * as fc from "fast-check";
import { accelerators } from "../../fleet/accelerators";
import { agentResources, runtimeResources } from "../../fleet/agentResources";
import { podResources } from "../../fleet/podResources";

const types = Object.values(accelerators).flatMap((one) => Object.values(one.instanceTypes));

describe("What an agent requests", () => {
  it("has room for the inputs of two tasks, in base64 and in a request", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1024 }), (inputMiB) => {
        const held = 2 * 2 * (4 / 3) * inputMiB;
        assert.ok(agentResources(inputMiB).memoryMiB >= 128 + held);
      }),
    );
  });

  it("leaves the rest of the pod to the runtime, on every machine", () => {
    for (const { name, devices } of types) {
      const pod = podResources([name], devices);
      const agent = agentResources(64);
      const runtime = runtimeResources(pod, agent);
      assert.equal(runtime.cpuMillis + agent.cpuMillis, pod.cpuMillis);
      assert.equal(runtime.memoryMiB + agent.memoryMiB, pod.memoryMiB);
      assert.ok(runtime.memoryMiB > agent.memoryMiB && runtime.cpuMillis > agent.cpuMillis, name);
      assert.ok(runtime.sharedMemoryMiB < runtime.memoryMiB, name);
    }
  });
});
