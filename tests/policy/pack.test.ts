import assert from "node:assert/strict";
import type { Plan } from "../../cli/plan/makePlan";
import { rules } from "../../policy/areas";
import { decided } from "../../policy/decided";
import { configured } from "../../policy/packConfig";
import { planOf } from "../program/planned";
import { type Diagnostic, PackProcess } from "./packProcess";

describe("The pack, run by Pulumi's SDK as the engine runs it,", () => {
  let pack: PackProcess | undefined;

  before(async () => {
    pack = await PackProcess.start();
  });

  after(() => pack?.stop());

  it("has every rule, at the level that policy/config.json decides", async () => {
    assert.deepEqual(
      await pack?.policies(),
      configured(rules, decided).map(({ rule, level }) => ({ name: rule.name, level })),
    );
  });

  for (const [what, assignments] of Object.entries({
    "the shipped dev": [],
    "an open and expensive one": [
      "cluster.publicAccessCidrs=[8.0.0.0/7]",
      "cluster.logs.types=[api]",
      "units.sd21-g5-cuda.replicas.max=500",
    ],
  }))
    it(`says the same of ${what} as the plan does, message by message`, async () => {
      const plan: Plan = await planOf("dev", ...assignments);
      const { violations } = plan.document;
      assert.equal(violations.length > 0, assignments.length > 0);
      const found = (await pack?.analyze(plan)) ?? [];
      assert.deepEqual(found.map(wording).sort(), violations.map(wording).sort());
    });
});

/** The engine puts a rule's description before its message. */
function wording({ policy, level, urn, message }: Diagnostic): string {
  const description = rules.find(({ name }) => name === policy)?.protectsFrom ?? "";
  return [level, policy, urn, message.replace(description, "").trim()].join(" · ");
}
