import assert from "node:assert/strict";
import { resolve } from "node:path";
import type { PlannedResource } from "../../cli/plan/document";
import type { Plan } from "../../cli/plan/makePlan";
import { readStackConfig, withAssignment } from "../../cli/plan/stackConfig";
import { everythingOn, filled, plansToCheck, policiesIn } from "../python/python";
import { type Manifest, ofType, planOfConfig } from "./planned";

interface Found {
  readonly resource: PlannedResource;
  readonly statement: Manifest;
}

/** A hundred characters, the most that Pulumi allows. */
const longStack = `feature-${"x".repeat(92)}`;
/** No region's name is longer. */
const longRegion = "ap-southeast-2";

function statementsOf(plan: Plan): Found[] {
  return plan.document.resources
    .filter(({ type }) => type.startsWith("aws:"))
    .flatMap((resource) =>
      policiesIn(resource.inputs).flatMap((text) =>
        [JSON.parse(text).Statement].flat().map((statement) => ({ resource, statement })),
      ),
    );
}

function allowed(found: readonly Found[]): Found[] {
  return found.filter(({ statement }) => statement.Effect === "Allow");
}

function actionsOf({ statement }: Found): string[] {
  return [statement.Action].flat();
}

function describeFound(found: Found): string {
  return `${found.resource.urn} ${found.statement.Sid}: ${actionsOf(found).join(" ")}`;
}

/** Characters as IAM counts them: white space is free. */
function size(plan: Plan, policy: unknown): number {
  return filled(plan, String(policy)).replace(/\s/g, "").length;
}

describe("IAM", () => {
  let plans: Readonly<Record<string, Plan>>;
  let found: readonly Found[];

  before(async () => {
    plans = await plansToCheck();
    found = Object.values(plans).flatMap(statementsOf);
    assert.ok(found.length > 100);
  });

  it("confines what pods and agents publish to their own metric namespaces", () => {
    const publishing = found.filter((it) => actionsOf(it).includes("cloudwatch:PutMetricData"));
    assert.ok(publishing.length > 0);
    for (const it of publishing)
      assert.ok(it.statement.Condition?.StringEquals?.["cloudwatch:namespace"], describeFound(it));
  });

  it("lets nobody else in than services, and this account to its own keys", () => {
    for (const it of allowed(found)) {
      const { Principal } = it.statement;
      if (Principal === undefined) continue;
      const others = Object.keys(Principal).filter((kind) => kind !== "Service");
      assert.notEqual(Principal, "*", describeFound(it));
      if (others.length > 0) {
        assert.equal(it.resource.type, "aws:kms/key:Key", describeFound(it));
        assert.match(Principal.AWS, /:iam::<output of getCallerIdentity\.accountId>:root$/);
      }
    }
  });

  it("keeps policies within IAM's limits, in a stack with a name of a hundred characters too", async () => {
    const { values } = everythingOn
      .map((assignment) => assignment.replace("us-west-2", longRegion))
      .reduce(withAssignment, readStackConfig(resolve(__dirname, "../.."), "prod"));
    const config = Object.entries(values).flatMap(([key, value]) =>
      key.startsWith("diffusion-fleet:") ? [[key.slice("diffusion-fleet:".length), value]] : [],
    );
    const longest = await planOfConfig(longStack, Object.fromEntries(config), longRegion);
    for (const plan of [...Object.values(plans), longest]) {
      const perRole = new Map<string, number>();
      for (const { inputs } of ofType(plan, "aws:iam/rolePolicy:RolePolicy")) {
        const role = String(inputs.role);
        perRole.set(role, (perRole.get(role) ?? 0) + size(plan, inputs.policy));
      }
      assert.ok(perRole.size > 5);
      // IAM and AWS STS quotas: inline policies of a role together, a managed policy, a trust policy.
      for (const [role, characters] of perRole)
        assert.ok(characters <= 10_240, `${role} has ${characters} characters of inline policies`);
      for (const { urn, inputs } of ofType(plan, "aws:iam/policy:Policy"))
        assert.ok(size(plan, inputs.policy) <= 6144, urn);
      for (const { urn, inputs } of ofType(plan, "aws:iam/role:Role"))
        assert.ok(size(plan, inputs.assumeRolePolicy) <= 2048, urn);
    }
  });
});
