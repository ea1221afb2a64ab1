import assert from "node:assert/strict";
import { nameOfUrn } from "../../cli/plan/urn";
import { deployed } from "./deployed";
import { describeOnEngine } from "./engineSuite";
import { resourcesOf } from "./state";
import { textOf, type World } from "./world";

describeOnEngine("managed endpoints", () => {
  let world: World;
  beforeEach(async () => {
    world = await deployed("managed");
  });
  afterEach(() => world.close());

  /** What `up` did with resources of some types, in its order: `create Model campaign`. */
  async function done(types: RegExp): Promise<readonly string[]> {
    const before = world.cloud.operations.length;
    const ended = await world.up();
    assert.equal(ended.status, 0, textOf(ended));
    return world.cloud.operations.slice(before).flatMap(({ kind, urn }) => {
      const type = urn.split("::")[2]!.split("$").at(-1)!.split(":").at(-1)!;
      return types.test(type) ? [`${kind} ${type} ${nameOfUrn(urn)}`] : [];
    });
  }

  it("take another artefact by a model and a configuration of its own, and the old ones go last", async () => {
    await world.configure("sagemaker.asyncEndpoints.campaign.artefact", "0123456789abcdef");
    assert.deepEqual(await done(/^(Model|EndpointConfiguration|Endpoint|Target|Policy)$/), [
      "create Model campaign",
      "create EndpointConfiguration campaign",
      "update Endpoint campaign",
      "delete EndpointConfiguration campaign",
      "delete Model campaign",
    ]);
  });

  it("keep their fleets when their bounds change: the autoscaler's do", async () => {
    await world.configure("sagemaker.asyncEndpoints.campaign.instances.min", "1");
    await world.configure("sagemaker.variantEndpoints.live.instances.min", "2");
    const changes = await done(/^(Model|EndpointConfiguration|EndpointConfig|Endpoint|Target)$/);
    assert.deepEqual([...changes].sort(), ["update Target campaign", "update Target live"]);
  });

  it("make a component anew on another endpoint, after all that scaled it has gone", async () => {
    const path = "sagemaker.componentEndpoints.shared.components";
    const other = "sagemaker.componentEndpoints.other";
    for (const [key, value] of [
      ["accelerator", "g5"],
      ["components.drafts.model", "sd15"],
      ["components.drafts.framework", "triton"],
      ["components.drafts.copies.min", "0"],
    ] as const)
      await world.configure(`${other}.${key}`, value);
    await world.succeed("config", "rm", "--path", `diffusion-fleet:${path}.drafts`);
    const changes = await done(/^(InferenceComponent|Target|Policy)$/);
    const at = (change: string) => {
      const index = changes.indexOf(change);
      assert.ok(index >= 0, `${change} is not among\n${changes.join("\n")}`);
      return index;
    };
    assert.ok(at("delete Policy drafts-concurrency") < at("delete Target drafts"));
    assert.ok(at("delete Target drafts") < at("delete InferenceComponent drafts"));
    assert.ok(at("delete InferenceComponent drafts") < at("create InferenceComponent drafts"));
    assert.ok(at("create InferenceComponent drafts") < at("create Target drafts"));
    assert.ok(at("create Target drafts") < at("create Policy drafts-concurrency"));
  });

  it("are destroyed with what scales them first, and nothing is left", async () => {
    await world.succeed("config", "set", "protectData", "false");
    const lifted = await world.up();
    assert.equal(lifted.status, 0, textOf(lifted));
    const before = world.cloud.operations.length;
    const ended = await world.destroy();
    assert.equal(ended.status, 0, textOf(ended));
    const gone = world.cloud.operations.slice(before).map(({ urn }) => urn);
    const at = (type: string, name: string) =>
      gone.findIndex((urn) => urn.includes(`${type}::`) && nameOfUrn(urn) === name);
    for (const [policy, name, scaled] of [
      ["campaign-usage", "campaign", "aws:sagemaker/endpoint:Endpoint"],
      ["live-concurrency", "live", "aws-native:sagemaker:Endpoint"],
      ["portraits-concurrency", "portraits", "aws-native:sagemaker:InferenceComponent"],
    ] as const) {
      const order = [
        at("aws:appautoscaling/policy:Policy", policy),
        at("aws:appautoscaling/target:Target", name),
        at(scaled, name),
      ];
      assert.ok(
        order[0]! >= 0 && order[0]! < order[1]! && order[1]! < order[2]!,
        `${name}: ${order}`,
      );
    }
    assert.deepEqual(resourcesOf(await world.exportState()), []);
  });
});
