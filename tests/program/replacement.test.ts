import assert from "node:assert/strict";
import { differenceOf } from "../../cli/plan/difference";
import type { Plan } from "../../cli/plan/makePlan";
import { manifests, manifestsOf, planOf } from "./planned";

function changes(before: Plan, after: Plan) {
  const comparable = (plan: Plan) =>
    plan.document.resources.map((resource) => ({ ...resource, ignoreChanges: [] }));
  return differenceOf(comparable(before), comparable(after));
}

/** Names of a plan's objects of a kind. */
function names(plan: Plan, kind: string): string[] {
  return manifests(plan, kind).map(({ metadata }) => metadata.name);
}

describe("What cannot be changed in place", () => {
  for (const [what, before, after] of [
    ["bucket", "modelStore.existingBucket=bucket-a", "modelStore.existingBucket=bucket-b"],
    ["prefix", "modelStore.prefix=one/", "modelStore.prefix=two/"],
  ] as const)
    it(`gets another name with another ${what}: the model volume and its claim`, async () => {
      const [one, two] = [await planOf("dev", before), await planOf("dev", after)];
      for (const kind of ["PersistentVolume", "PersistentVolumeClaim"])
        assert.notDeepEqual(names(one, kind), names(two, kind));
      for (const { spec } of manifests(two, "Deployment"))
        assert.equal(
          spec.template.spec.volumes[0].persistentVolumeClaim.claimName,
          names(two, "PersistentVolumeClaim")[0],
        );
    });

  it("keeps its name with any other change: a new image does not touch the volume", async () => {
    const { created, deleted, updated } = changes(
      await planOf("dev"),
      await planOf("dev", "images.server.tag=0.2.0"),
    );
    assert.deepEqual([created, deleted], [[], []]);
    assert.deepEqual(
      [...new Set(updated.map(({ type }) => type))],
      ["kubernetes:apps/v1:Deployment"],
    );
  });

  it("leaves the other units alone when one is added or removed", async () => {
    const without = await planOf("dev", "units.sd21-g5-cuda=");
    const { created, deleted, updated } = changes(without, await planOf("dev"));
    assert.deepEqual(deleted, []);
    assert.ok(created.length > 5);
    assert.deepEqual(
      updated
        .map(({ type }) => type)
        .filter((type) => /Deployment|NodePool|NodeClass|Service/.test(type)),
      [],
    );
  });

  it("gives units with reservations classes of their own, so that neither takes the other's", async () => {
    const plan = await planOf(
      "dev",
      "units.sd21-g5-cuda.capacityTypes=[reserved, on-demand]",
      "units.sd21-g5-cuda.capacityReservationIds=[cr-0123456789abcdef0]",
      "units.sd21-g5-triton.capacityTypes=[reserved]",
      "units.sd21-g5-triton.capacityReservationIds=[cr-0123456789abcdef1]",
    );
    const offered = manifestsOf(plan, "NodePool").map(({ spec }) => {
      const { name } = spec.template.spec.nodeClassRef;
      const nodeClass = manifests(plan, "EC2NodeClass").find(
        ({ metadata }) => metadata.name === name,
      );
      return (nodeClass.spec.capacityReservationSelectorTerms ?? []).length;
    });
    assert.deepEqual(offered.sort(), [0, 0, 0, 1, 1]);
  });
});
