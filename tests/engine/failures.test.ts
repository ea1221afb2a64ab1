import assert from "node:assert/strict";
import { deployed } from "./deployed";
import { type Cloud, INJECTED_FAILURE } from "./double/cloud";
import { describeOnEngine } from "./engineSuite";
import { inLanes } from "./lanes";
import { type ExportedState, resourcesOf } from "./state";
import { textOf, World } from "./world";

/** How much of an undisturbed `up` is done when the cloud fails, in percent of its operations. */
const POINTS = [5, 15, 25, 35, 45, 55, 65, 75, 85, 95];

/** Each takes a core or so. */
const WORLDS_AT_A_TIME = 2;

interface Recovery {
  readonly state: unknown;
  readonly cloud: unknown;
  readonly bornTwice: readonly string[];
}

describeOnEngine("a cloud that fails", () => {
  let undisturbed: Recovery;
  let recoveries: readonly Promise<Recovery>[];

  before(async () => {
    const world = await deployed("dev");
    undisturbed = await lookAt(world);
    const operations = world.cloud.objects.length;
    world.close();
    recoveries = inLanes(WORLDS_AT_A_TIME, POINTS, (percent) =>
      failAndResume(Math.ceil((operations * percent) / 100)),
    );
  });

  for (const [index, percent] of POINTS.entries())
    it(`after ${percent} % of an up leaves nothing that another up does not finish`, async () => {
      const { state, cloud, bornTwice } = await recoveries[index]!;
      assert.deepEqual(bornTwice, []);
      assert.deepEqual(cloud, undisturbed.cloud);
      assert.deepEqual(state, undisturbed.state);
    });
});

/** An up whose n-th operation fails, and another one. */
async function failAndResume(n: number): Promise<Recovery> {
  const world = await World.empty("dev");
  world.cloud.failAt(n);
  const failed = await world.up();
  assert.notEqual(failed.status, 0, "the failure is not told");
  assert.match(textOf(failed), new RegExp(INJECTED_FAILURE), "its reason is not told");
  const resumed = await world.up();
  assert.equal(resumed.status, 0, textOf(resumed));
  const recovery = await lookAt(world);
  world.close();
  return recovery;
}

async function lookAt(world: World): Promise<Recovery> {
  return {
    state: comparableState(await world.exportState("--show-secrets")),
    cloud: comparableCloud(world.cloud),
    bornTwice: world.cloud.objects
      .map(({ urn }) => urn)
      .filter((urn) => world.cloud.births(urn) > 1),
  };
}

/** A state by URN, without times, and without the numbers that the engine gives to providers. */
function comparableState(state: ExportedState): unknown {
  const providerId = /(pulumi:providers:[^"]+)::[0-9a-f-]{36}/g;
  const entries = resourcesOf(state).map(({ urn, type, id, parent, provider, ...rest }) => {
    const { protect, inputs, outputs, dependencies = [] } = rest;
    const known = {
      id: type.startsWith("pulumi:providers:") ? "" : id,
      parent,
      provider: provider?.replace(providerId, "$1"),
      protect,
      inputs,
      outputs,
      dependencies: [...dependencies].sort(),
    };
    return [urn, known] as const;
  });
  return Object.fromEntries(entries.sort(byKey));
}

function comparableCloud({ objects }: Cloud): unknown {
  return Object.fromEntries(
    objects.map((object) => [`${object.type} ${object.id}`, object] as const).sort(byKey),
  );
}

function byKey([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}
