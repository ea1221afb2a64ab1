import assert from "node:assert/strict";
import { constants } from "node:buffer";
import * as fc from "fast-check";
import { REQUEST_BYTES } from "../../contracts/tasks/api";
import { accelerators } from "../../fleet/accelerators";
import {
  agentResources,
  answerBytes,
  answerMiB,
  largestInputMiB,
  longestString,
  runtimeResources,
} from "../../fleet/agentResources";
import { podResources } from "../../fleet/podResources";

const types = Object.values(accelerators).flatMap((one) => Object.values(one.instanceTypes));

describe("What an agent requests", () => {
  it("has room for the inputs of two tasks, in base64 and in a request, beside an answer", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: largestInputMiB }), (inputMiB) => {
        const inputs = 2 * 2 * (4 / 3) * inputMiB;
        const answers = 4 * answerMiB;
        assert.ok(agentResources(inputMiB).memoryMiB >= 128 + inputs + answers);
      }),
    );
  });

  it("is for requests and answers that V8 holds as one string, and no larger ones", () => {
    assert.equal(longestString, constants.MAX_STRING_LENGTH);
    const request = (inputMiB: number) => REQUEST_BYTES + Math.ceil((inputMiB * 2 ** 20 * 4) / 3);
    assert.ok(request(largestInputMiB) <= longestString);
    assert.ok(request(largestInputMiB + 8) > longestString, "it may be larger");
    assert.ok(answerBytes < longestString);
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
