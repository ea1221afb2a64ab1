import assert from "node:assert/strict";
import { DevicePlugins } from "../../components/devicePlugins";
import { NVIDIA_PLUGIN_LABEL } from "../../contracts/labels";
import { accelerators } from "../../fleet/accelerators";
import { construct } from "../mocks";

describe("device plugins", () => {
  const create = () => construct(() => void new DevicePlugins("device-plugins", {}));

  it("put Neuron's on every Neuron machine of the catalogue and on no other", async () => {
    const { values } = (await create()).release("neuron-device-plugin").inputs;
    const expected = Object.values(accelerators)
      .filter(({ device }) => device === "aws.amazon.com/neuron")
      .flatMap(({ instanceTypes }) => Object.keys(instanceTypes));
    assert.deepEqual(values.neuronInstances, expected);
  });

  it("leave out the Neuron chart's privileged extras", async () => {
    const { values } = (await create()).release("neuron-device-plugin").inputs;
    assert.equal(values.npd.enabled, false);
    assert.equal(values.scheduler.enabled, false);
  });

  it("keep NVIDIA's to nodes that say they want it: Bottlerocket has its own", async () => {
    const { values } = (await create()).release("nvidia-device-plugin").inputs;
    assert.deepEqual(values.nodeSelector, { [NVIDIA_PLUGIN_LABEL]: "true" });
    const terms =
      values.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms;
    assert.deepEqual(terms, [
      { matchExpressions: [{ key: NVIDIA_PLUGIN_LABEL, operator: "In", values: ["true"] }] },
    ]);
  });

  it("tolerate their device's taint and start beside the Mountpoint driver", async () => {
    const made = await create();
    const neuron = made.release("neuron-device-plugin").inputs.values.devicePlugin.tolerations;
    const nvidia = made.release("nvidia-device-plugin").inputs.values.tolerations;
    for (const [tolerations, device] of [
      [neuron, "aws.amazon.com/neuron"],
      [nvidia, "nvidia.com/gpu"],
    ]) {
      for (const key of [device, "s3.csi.aws.com/agent-not-ready"]) {
        assert.ok(
          tolerations.some(
            (it: Record<string, unknown>) => it.key === key && it.operator === "Exists",
          ),
          key,
        );
      }
    }
  });

  it("are left out where the cluster has them", async () => {
    const made = await construct(
      () => void new DevicePlugins("device-plugins", { installed: { neuron: true, nvidia: true } }),
    );
    assert.equal(made.resources.length, 1);
  });
});
