import assert from "node:assert/strict";
import type { Plan } from "../../cli/plan/makePlan";
import { changesBetween, type Manifest, manifest, planOf } from "./planned";

/** Seed 001, the forward action between Tables 1 and 2. */
const publishedWeights = {
  "sd21-inf2-neuron": 40,
  "sd21-trn1-neuron": 20,
  "sd21-g5-triton": 15,
  "sd21-g6-triton": 10,
  "sd21-g5-cuda": 15,
};
/** Table 1's throughput and Table 2's adjusted throughput. */
const targets = {
  "sd21-inf2-neuron": { cost: "105", capacity: "89.2" },
  "sd21-trn1-neuron": { cost: "130", capacity: "89.2" },
  "sd21-g5-triton": { cost: "90", capacity: "89.2" },
  "sd21-g6-triton": { cost: "61", capacity: "61" },
  "sd21-g5-cuda": { cost: "60", capacity: "60" },
};

function weights(rule: Manifest): Record<string, number> {
  return Object.fromEntries(rule.backendRefs.map((b: Manifest) => [b.name, b.weight]));
}

function counterTarget(plan: Plan, unit: string): string {
  return manifest(plan, "ScaledObject", unit).spec.triggers[0].metadata.targetMetricValue;
}

describe("Cost mode", () => {
  it("splits the traffic over the units by the published weights", async () => {
    const plan = await planOf("dev");
    const [live, standby] = manifest(plan, "HTTPRoute", "sd21").spec.rules;
    assert.deepEqual(weights(live), publishedWeights);
    assert.deepEqual(weights(standby), { sd21: 1 });
  });

  it("scales each unit at its own breaking point, Table 1", async () => {
    const plan = await planOf("dev");
    for (const [unit, { cost }] of Object.entries(targets))
      assert.equal(counterTarget(plan, unit), cost);
  });

  it("derives all weights by T/(C·L) once one unit is not Table 1's", async () => {
    const plan = await planOf(
      "dev",
      "units.sd21-g5-cuda=",
      "units.sd21-g4dn-cuda={model: sd21, accelerator: g4dn, framework: cuda, measurement: {throughput: 20, latencySeconds: 3}}",
    );
    const [live] = manifest(plan, "HTTPRoute", "sd21").spec.rules;
    const found = weights(live);
    assert.equal(
      Object.values(found).reduce((sum, weight) => sum + weight),
      100,
    );
    assert.notEqual(found["sd21-inf2-neuron"], 40);
    assert.ok(found["sd21-inf2-neuron"]! > found["sd21-g4dn-cuda"]!);
  });
});

describe("Capacity mode", () => {
  it("sends all traffic to one Service over all units", async () => {
    const plan = await planOf("dev", "mode=capacity");
    const [live, standby] = manifest(plan, "HTTPRoute", "sd21").spec.rules;
    assert.deepEqual(weights(live), { sd21: 1 });
    assert.deepEqual(weights(standby), publishedWeights);
  });

  it("scales each unit at the adjusted throughput, Table 2", async () => {
    const plan = await planOf("dev", "mode=capacity");
    for (const [unit, { capacity }] of Object.entries(targets))
      assert.equal(counterTarget(plan, unit), capacity);
  });
});

describe("A switch of mode", () => {
  it("changes only the route, the targets and the ConfigMap", async () => {
    const { created, deleted, updated } = changesBetween(
      await planOf("dev", "mode=cost"),
      await planOf("dev", "mode=capacity"),
    );
    assert.deepEqual([created, deleted], [[], []]);
    for (const { type, changes } of updated)
      for (const { path } of changes)
        assert.match(
          `${type} ${path}`,
          /HTTPRoute spec\.rules|ScaledObject spec\.triggers\[0\]\.metadata\.targetMetricValue$|ConfigMap data/,
        );
    const scaledObjects = updated.filter(({ type }) => type.endsWith("ScaledObject"));
    assert.equal(scaledObjects.length, 3, "the targets of inf2, trn1 and g5 with triton");
  });

  it("changes the ConfigMap alone where the fail-over controller owns the rest", async () => {
    const { created, deleted, updated } = changesBetween(
      await planOf("prod", "mode=cost"),
      await planOf("prod", "mode=capacity"),
    );
    assert.deepEqual([created, deleted], [[], []]);
    assert.deepEqual(
      updated.map(({ type, name }) => [type, name]),
      [["kubernetes:core/v1:ConfigMap", "route-tables"]],
    );
  });

  it("can be made for one model alone", async () => {
    const { updated } = changesBetween(
      await planOf("dev"),
      await planOf("dev", "models.sd21.mode=capacity"),
    );
    assert.ok(updated.some(({ type }) => type.endsWith("HTTPRoute")));
  });
});
