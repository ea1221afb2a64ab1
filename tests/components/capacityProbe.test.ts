import assert from "node:assert/strict";
import { CapacityProbe } from "../../components/capacityProbe";
import { Headroom } from "../../components/headroom";
import { accelerator } from "../../fleet/accelerators";
import { construct, scope, someCluster } from "../mocks";

async function placeholders() {
  const made = await construct(() => {
    const opts = { providers: { kubernetes: someCluster().provider } };
    const placeholder = {
      scope,
      namespace: "fleet",
      unit: "sd21-inf2",
      accelerator: accelerator("inf2"),
      devices: 2,
    };
    new CapacityProbe("sd21-inf2-probe", { ...placeholder, priorityClassName: "probe" }, opts);
    new Headroom(
      "sd21-inf2-headroom",
      { ...placeholder, priorityClassName: "headroom", replicas: 3 },
      opts,
    );
  });
  const spec = (name: string) => made.one("kubernetes:apps/v1:Deployment", name).inputs.spec;
  return { probe: spec("sd21-inf2-probe"), headroom: spec("sd21-inf2-headroom") };
}

describe("CapacityProbe", () => {
  it("asks for nothing until the controller scales it, and never for two machines", async () => {
    const { probe } = await placeholders();
    assert.equal(probe.replicas, 0);
    assert.deepEqual(probe.strategy, { type: "Recreate" });
  });

  it("asks for a machine of its unit just as headroom does, at another priority", async () => {
    const { probe, headroom } = await placeholders();
    assert.deepEqual(
      { ...probe.template.spec, priorityClassName: "" },
      { ...headroom.template.spec, priorityClassName: "" },
    );
    const [container] = probe.template.spec.containers;
    assert.equal(container.resources.requests["aws.amazon.com/neuron"], "2");
    assert.equal(probe.template.spec.terminationGracePeriodSeconds, 0);
    assert.notEqual(
      probe.template.spec.priorityClassName,
      headroom.template.spec.priorityClassName,
    );
  });

  it("says which unit it is of, without being one of the pods that serve it", async () => {
    const { labels } = (await placeholders()).probe.template.metadata;
    assert.equal(labels["diffusion-fleet.io/probe-of"], "sd21-inf2");
    assert.equal(labels["diffusion-fleet.io/unit"], undefined);
    assert.equal(labels["diffusion-fleet.io/model"], undefined);
  });
});
