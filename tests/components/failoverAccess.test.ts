import assert from "node:assert/strict";
import { failoverAccess, rulesInCluster, rulesInFleet } from "../../components/failoverAccess";
import { construct, scope } from "../mocks";

const targets = { routes: ["sd21"], scaledObjects: ["sd21-inf2"], probes: ["sd21-inf2-probe"] };
const reading = ["get", "list", "watch"];

/** Verbs by resource, of rules with names or without. */
function verbs(rules: ReturnType<typeof rulesInFleet>, named: boolean): Record<string, string[]> {
  return Object.fromEntries(
    rules
      .filter(({ resourceNames }) => (resourceNames !== undefined) === named)
      .map((rule) => [rule.resources.join(), rule.verbs]),
  );
}

describe("What the fail-over controller may do", () => {
  const rules = rulesInFleet(targets);

  it("has no wildcard", () => {
    for (const rule of [...rules, ...rulesInCluster])
      assert.doesNotMatch(JSON.stringify(rule), /\*/);
  });

  it("is to read what it decides by", () => {
    const { events, ...read } = verbs(rules, false);
    assert.deepEqual(read, {
      httproutes: reading,
      scaledobjects: reading,
      pods: reading,
      deployments: reading,
    });
    assert.deepEqual(events, ["create", "patch"], "whose names are new each time");
  });

  it("is to write nothing but what is named: routes, triggers, probes, status, Lease", () => {
    const writes = rules
      .filter((rule) => rule.verbs.some((verb) => !reading.includes(verb)))
      .filter(({ resources }) => !resources.includes("events"))
      .map(({ resources, verbs, resourceNames }) => [
        resources[0],
        verbs.filter((verb) => verb !== "get").join(),
        resourceNames,
      ]);
    assert.deepEqual(writes, [
      ["httproutes", "patch", ["sd21"]],
      ["scaledobjects", "patch", ["sd21-inf2"]],
      ["deployments/scale", "patch,update", ["sd21-inf2-probe"]],
      ["configmaps", "patch,update", ["failover-status"]],
      ["leases", "patch,update", ["failover-controller"]],
    ]);
  });

  it("is to read no ConfigMap but its three", () => {
    const names = rules
      .filter(({ resources, verbs }) => resources.includes("configmaps") && verbs.includes("get"))
      .flatMap(({ resourceNames }) => resourceNames);
    assert.deepEqual(names, ["route-tables", "failover-settings", "failover-status"]);
  });

  it("has no rule over all Deployments' replicas where there are no probes", () => {
    const without = rulesInFleet({ ...targets, probes: [] });
    assert.deepEqual(
      without.filter(({ resources }) => resources.includes("deployments/scale")),
      [],
    );
  });

  it("is bound to its service account, outside its namespace under the stack's name", async () => {
    const made = await construct(
      () => void failoverAccess({ scope, namespace: "fleet", targets }, {}),
    );
    const objects = made.resources
      .filter(({ type }) => type.startsWith("kubernetes:rbac"))
      .map(({ type, inputs }) => [type.split(":")[2], inputs.metadata.namespace, inputs]);
    const bindings = objects.filter(([kind]) => String(kind).endsWith("Binding"));
    assert.equal(bindings.length, 3);
    for (const [, , { roleRef, subjects, metadata }] of bindings) {
      assert.deepEqual(subjects, [
        { kind: "ServiceAccount", name: "failover-controller", namespace: "fleet" },
      ]);
      assert.equal(roleRef.name, metadata.name);
      const [role] = objects.filter(
        ([kind, namespace, it]) =>
          kind === roleRef.kind &&
          namespace === metadata.namespace &&
          it.metadata.name === roleRef.name,
      );
      assert.ok(role, `there is a ${roleRef.kind} ${roleRef.name}`);
    }
    for (const [, namespace, { metadata }] of objects)
      assert.equal(
        metadata.name,
        namespace === "fleet" ? "failover-controller" : "diffusion-fleet-dev-failover-controller",
      );
  });
});
