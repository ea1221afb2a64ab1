import assert from "node:assert/strict";
import type { WireObject } from "../../cli/plan/wire";
import { deployed } from "./deployed";
import type { CloudObject } from "./double/cloud";
import { describeOnEngine } from "./engineSuite";
import { resourcesOf, type StateResource } from "./state";
import { textOf, type World } from "./world";

describeOnEngine("destroy", () => {
  it("leaves nothing of dev", async () => {
    const world = await deployed("dev");
    const ended = await world.destroy();
    assert.equal(ended.status, 0, textOf(ended));
    await assertNothingLeft(world);
    world.close();
  });

  it("of prod touches nothing, and names all that is protected, and why", async () => {
    const world = await deployed("prod");
    const guarded = await protectedIn(world);
    assert.ok(guarded.length > 0, "prod protects nothing");
    const ended = await world.destroy();
    assert.notEqual(ended.status, 0, "it is destroyed");
    for (const { urn } of guarded)
      assert.ok(textOf(ended).includes(`"${urn}" cannot be deleted\n`), `${urn} is not named`);
    assert.match(textOf(ended), /because it is protected/);
    assert.deepEqual(world.cloud.operations, []);
    world.close();
  });

  it("of prod without what is protected stops at what guards itself, and says so", async () => {
    const world = await deployed("prod");
    const guarded = await protectedIn(world);
    const ended = await world.destroy("--exclude-protected");
    assert.notEqual(ended.status, 0, "it is destroyed");
    assert.match(textOf(ended), /cannot be deleted: the deletion protection .* is on/);
    assertAllThere(world, guarded);
    world.close();
  });

  it("of prod leaves what is protected, and nothing else, once that guard is lifted", async () => {
    const world = await deployed("prod");
    const guarded = await protectedIn(world);
    liftGuards(world);
    const ended = await world.destroy("--exclude-protected");
    assert.equal(ended.status, 0, textOf(ended));
    assert.match(textOf(ended), /There are still \d+ protected resources/);
    assert.deepEqual(urnsOf(world.cloud.objects), urnsOf(guarded));
    assert.deepEqual(urnsOf(await protectedIn(world)), urnsOf(guarded));
    world.close();
  });

  it("leaves nothing of prod after step 2 of docs/how-to/tear-down.md", async () => {
    const world = await deployed("prod");
    await world.succeed("config", "set", "protectData", "false");
    await world.configure("gateway.deletionProtection", "false");
    const lifted = await world.up();
    assert.equal(lifted.status, 0, textOf(lifted));
    assert.deepEqual(await protectedIn(world), []);
    const ended = await world.destroy();
    assert.equal(ended.status, 0, textOf(ended));
    await assertNothingLeft(world);
    world.close();
  });
});

async function protectedIn(world: World): Promise<readonly StateResource[]> {
  return resourcesOf(await world.exportState()).filter(({ protect }) => protect === true);
}

async function assertNothingLeft(world: World): Promise<void> {
  assert.deepEqual(urnsOf(world.cloud.objects), []);
  assert.deepEqual(resourcesOf(await world.exportState()), []);
}

function assertAllThere(world: World, resources: readonly StateResource[]): void {
  const there = new Set(urnsOf(world.cloud.objects));
  for (const { urn } of resources) assert.ok(there.has(urn), `${urn} is gone`);
}

/** Turns the deletion protection of cluster and load balancer off, as one can in AWS's console. */
function liftGuards({ cloud }: World): void {
  for (const { type, urn } of cloud.objects) {
    if (type === "aws:eks/cluster:Cluster")
      cloud.drift(urn, (inputs) => ({ ...inputs, deletionProtection: false }));
    if (type.endsWith(":LoadBalancerConfiguration")) cloud.drift(urn, withoutAttributes);
  }
}

function withoutAttributes(inputs: WireObject): WireObject {
  return { ...inputs, spec: { ...(inputs.spec as WireObject), loadBalancerAttributes: [] } };
}

function urnsOf(objects: readonly (CloudObject | StateResource)[]): string[] {
  return objects.map(({ urn }) => urn).sort();
}
