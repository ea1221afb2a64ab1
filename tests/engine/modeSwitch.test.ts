import assert from "node:assert/strict";
import { deployed } from "./deployed";
import { describeOnEngine } from "./engineSuite";
import { type PlannedDifference, planAgainst } from "./planCommand";
import { changesIn, type PreviewDocument } from "./state";
import { textOf, type World } from "./world";

type Updates = Readonly<Record<string, readonly string[]>>;

describeOnEngine("`pulumi config set mode capacity`", () => {
  for (const stack of ["dev", "prod"])
    describe(`in ${stack}`, () => {
      let world: World;
      let plan: PlannedDifference;
      let preview: PreviewDocument;

      before(async () => {
        world = await deployed(stack);
        plan = await planAgainst(stack, "mode=capacity");
        await world.succeed("config", "set", "mode", "capacity");
        preview = await world.preview();
      });

      after(() => world.close());

      it("updates, by the preview, what the plan names, resource by resource and path by path", () => {
        assert.ok(plan.updated.length > 0, "a switch that changes nothing");
        assert.deepEqual(previewedUpdates(preview), plannedUpdates(plan));
      });

      it("creates, replaces and deletes nothing, by both", () => {
        assert.deepEqual(plan.created, []);
        assert.deepEqual(plan.deleted, []);
        assert.deepEqual(new Set(changesIn(preview).map(({ op }) => op)), new Set(["update"]));
      });

      it("does just that", async () => {
        const ended = await world.up();
        assert.equal(ended.status, 0, textOf(ended));
        const done = world.cloud.operations.map(({ kind, urn }) => `${kind} ${urn}`);
        assert.deepEqual(done.sort(), plan.updated.map(({ urn }) => `update ${urn}`).sort());
      });
    });
});

function plannedUpdates({ updated }: PlannedDifference): Updates {
  return Object.fromEntries(updated.map(({ urn, paths }) => [urn, [...paths].sort()]));
}

function previewedUpdates(preview: PreviewDocument): Updates {
  return Object.fromEntries(
    changesIn(preview).map(({ urn, detailedDiff }) => [
      urn,
      Object.keys(detailedDiff ?? {}).sort(),
    ]),
  );
}
