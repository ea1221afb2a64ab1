import assert from "node:assert/strict";
import { deployed } from "./deployed";
import { describeOnEngine } from "./engineSuite";
import { changesIn, type PreviewDocument } from "./state";
import { textOf, type World } from "./world";

/** Paths that a preview changes, of the resources of a kind, by their names. */
function changedPaths(preview: PreviewDocument, kind: string): Record<string, readonly string[]> {
  return Object.fromEntries(
    changesIn(preview)
      .filter(({ op, urn }) => op === "update" && urn.split("::")[2]!.endsWith(`:${kind}`))
      .map(({ urn, detailedDiff }) => [urn.split("::")[3]!, Object.keys(detailedDiff ?? {})]),
  );
}

describeOnEngine("`pulumi config set --path failover.enabled false` in prod", () => {
  let world: World;
  let preview: PreviewDocument;

  before(async () => {
    world = await deployed("prod");
    await world.succeed("config", "set", "mode", "capacity");
    const switched = await world.up();
    assert.equal(switched.status, 0, textOf(switched));
    assert.deepEqual(
      world.cloud.operations.map(({ kind, urn }) => `${kind} ${urn.split("::")[3]}`),
      ["update route-tables"],
      "with fail-over on, a switch of mode is the controller's to make",
    );
    await world.configure("failover.enabled", "false");
    preview = await world.preview();
  });

  after(() => world.close());

  it("gives the route's rules and the targets, as they are configured now, back to Pulumi", () => {
    const routes = changedPaths(preview, "HTTPRoute");
    assert.deepEqual(Object.keys(routes), ["sd21"]);
    assert.ok(routes.sd21?.some((path) => path.startsWith("spec.rules")));
    const scaled = changedPaths(preview, "ScaledObject");
    assert.equal(Object.keys(scaled).length, 5, "all, also those whose targets are the same");
    assert.ok(scaled["sd21-inf2-neuron"]?.some((path) => path.startsWith("spec.triggers")));
  });

  it("deletes the controller and its probes, and keeps its image", () => {
    const deleted = changesIn(preview)
      .filter(({ op }) => op === "delete")
      .map(({ urn }) => urn.split("::").slice(2).join(" "));
    const deployments = deleted.filter((it) => it.includes("apps/v1:Deployment "));
    assert.equal(deployments.length, 1 + 5);
    assert.deepEqual(
      deleted.filter((it) => it.includes("aws:ecr/")),
      [],
    );
  });

  it("goes through, and leaves nothing to do", async () => {
    const ended = await world.up();
    assert.equal(ended.status, 0, textOf(ended));
    assert.deepEqual(changesIn(await world.preview()), []);
  });
});
