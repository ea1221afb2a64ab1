import assert from "node:assert/strict";
import { describeOnEngine } from "./engineSuite";
import { textOf, World } from "./world";

/** As the docs and the users' workflow write it. */
const PACK = "./policy";

/** Configs that the schema lets through and that a rule is there to stop. */
const STOPPED = [
  {
    what: "a cluster that the whole internet reaches",
    path: "cluster.publicAccessCidrs[0]",
    value: "0.0.0.0/0",
    rule: "cluster-endpoint-restricted",
  },
  {
    what: "a control plane that does not write down who came in",
    path: "cluster.logs.types[0]",
    value: "api",
    rule: "cluster-audited",
  },
  {
    what: "a fleet that may grow beyond what was agreed",
    path: "units.sd21-g5-cuda.replicas.max",
    value: "500",
    rule: "cost-ceiling",
  },
];

describeOnEngine("the policy pack", () => {
  for (const stack of ["dev", "prod", "managed"])
    it(`lets the preview of ${stack} through`, async () => {
      const world = await World.empty(stack);
      const ended = await world.run("preview", "--policy-pack", PACK);
      assert.equal(ended.status, 0, textOf(ended));
      assert.match(ended.stdout, /diffusion-fleet/, "the pack did not run");
      world.close();
    });

  it("lets the up of dev through, with every rule decided", async () => {
    const world = await World.empty("dev");
    const ended = await world.up("--policy-pack", PACK);
    assert.equal(ended.status, 0, textOf(ended));
    assert.doesNotMatch(textOf(ended), /\[(advisory|mandatory)\]/);
    world.close();
  });

  for (const { what, path, value, rule } of STOPPED)
    it(`stops ${what} in the preview, and names the rule: ${rule}`, async () => {
      const { status, text } = await previewWith(path, value);
      assert.notEqual(status, 0, "the preview passes");
      assert.match(text, new RegExp(`\\[mandatory\\]  ${rule}`));
    });
});

/** Previews `dev`, with one setting otherwise, under the pack. */
async function previewWith(path: string, value: string) {
  const world = await World.empty("dev");
  await world.configure(path, value);
  const ended = await world.run("preview", "--policy-pack", PACK);
  assert.deepEqual(world.cloud.operations, []);
  world.close();
  return { status: ended.status, text: textOf(ended) };
}
