import assert from "node:assert/strict";
import { deployed } from "./deployed";
import { describeOnEngine } from "./engineSuite";
import { isDefaultProvider, resourcesOf } from "./state";
import { textOf, World } from "./world";

describeOnEngine("a shipped stack", () => {
  for (const stack of ["dev", "prod", "managed"]) {
    it(`${stack}: up makes what a preview of nothing says, and the preview touches nothing`, async () => {
      const world = await World.empty(stack);
      const { steps, changeSummary } = await world.preview();
      assert.deepEqual(Object.keys(changeSummary ?? {}), ["create"]);
      assert.deepEqual(world.cloud.operations, []);
      world.close();
      const up = await deployed(stack);
      assert.deepEqual(ownUrns(resourcesOf(await up.exportState())), ownUrns(steps));
      up.close();
    });

    it(`${stack}: up makes everything once`, async () => {
      const world = await deployed(stack);
      assert.ok(world.cloud.objects.length > 0);
      for (const { urn } of world.cloud.objects) assert.equal(world.cloud.births(urn), 1, urn);
      world.close();
    });

    it(`${stack}: a second up changes nothing`, async () => {
      const world = await deployed(stack);
      const ended = await world.up("--expect-no-changes");
      assert.equal(ended.status, 0, textOf(ended));
      assert.deepEqual(world.cloud.operations, []);
      world.close();
    });

    it(`${stack}: everything in AWS goes through the provider that tags it`, async () => {
      const world = await deployed(stack);
      const ofAws = resourcesOf(await world.exportState()).filter(({ type }) =>
        type.startsWith("aws:"),
      );
      for (const { urn, provider, inputs } of ofAws) {
        assert.match(provider ?? "", /::pulumi:providers:aws::aws::/, urn);
        const tags = inputs?.tags as Record<string, string> | undefined;
        if (tags !== undefined) assert.equal(tags["diffusion-fleet:stack"], stack, urn);
      }
      world.close();
    });
  }
});

/**
 * What both know: default providers have other names in a preview, and nobody can ask a cluster's
 * provider what is in a ConfigFile before there is a cluster.
 */
function ownUrns(resources: readonly { readonly urn: string }[]): string[] {
  return resources
    .map(({ urn }) => urn)
    .filter((urn) => !isDefaultProvider(urn) && !urn.includes("kubernetes:yaml/v2:ConfigFile$"))
    .sort();
}
