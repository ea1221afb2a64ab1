import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import {
  failoverAccess,
  rulesInCluster,
  rulesInDefault,
  rulesInFleet,
} from "../../components/failoverAccess";
import { construct, scope } from "../mocks";

const targets = { routes: ["sd21"], scaledObjects: ["sd21-inf2"], probes: ["sd21-inf2-probe"] };
const following = ["list", "watch"];

/** `RESOURCE VERB,VERB`, and the names of what it is for. */
function inWords(rules: ReturnType<typeof rulesInFleet>): (readonly [string, string[]?])[] {
  return rules.map(({ resources, verbs, resourceNames }) => {
    const words = `${resources.join()} ${verbs.join()}`;
    return resourceNames === undefined ? [words] : [words, resourceNames];
  });
}

describe("What the fail-over controller may do", () => {
  const rules = rulesInFleet(targets);

  it("has no wildcard, and is of one kind of object each", () => {
    for (const rule of [...rules, ...rulesInCluster, ...rulesInDefault]) {
      assert.doesNotMatch(JSON.stringify(rule), /\*/);
      assert.deepEqual([rule.apiGroups.length, rule.resources.length], [1, 1]);
    }
  });

  it("is to follow what it decides by, and to write nothing but what is named, and events", () => {
    assert.deepEqual(inWords(rules), [
      ["httproutes list,watch"],
      ["httproutes patch", ["sd21"]],
      ["scaledobjects list,watch"],
      ["scaledobjects patch", ["sd21-inf2"]],
      ["pods list,watch"],
      ["deployments list,watch"],
      ["deployments/scale patch", ["sd21-inf2-probe"]],
      ["configmaps list,watch", ["route-tables", "failover-settings"]],
      ["configmaps get,patch", ["failover-status"]],
      ["leases get,update", ["failover-controller"]],
      ["events create"],
    ]);
  });

  it("is to follow Karpenter's objects and events about them, outside its namespace", () => {
    assert.deepEqual(inWords([...rulesInCluster]), [
      ["nodeclaims list,watch"],
      ["nodepools list,watch"],
    ]);
    assert.deepEqual(inWords([...rulesInDefault]), [["events list,watch"]]);
  });

  for (const none of ["routes", "scaledObjects", "probes"] as const)
    it(`is no more where there are no ${none}: a rule without names would be for all`, () => {
      const without = rulesInFleet({ ...targets, [none]: [] });
      assert.equal(without.length, rules.length - 1);
      for (const rule of without)
        if (rule.resourceNames === undefined)
          assert.ok(
            rule.resources[0] === "events" || isDeepStrictEqual(rule.verbs, following),
            JSON.stringify(rule),
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
