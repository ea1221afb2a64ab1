import assert from "node:assert/strict";
import { join } from "node:path";
import type { Evaluation } from "../../../cli/plan/document";
import { makePlan } from "../../../cli/plan/makePlan";
import { readStackConfig, withAssignment } from "../../../cli/plan/stackConfig";
import { project } from "../fixtures/small/project";

const root = join(__dirname, "../fixtures/small");

describe("planning in process", () => {
  it("can be done again and again, each time from its own config", async () => {
    const config = readStackConfig(root, "dev");
    const first = await makePlan(project, "dev", config);
    const other = await makePlan(project, "dev", withAssignment(config, "mode=capacity"));
    const again = await makePlan(project, "dev", config);
    assert.equal(other.document.mode, "capacity");
    assert.deepEqual(again.document, first.document);
  });

  it("gives the environment and the console back as they were", async () => {
    process.env.AWS_PROFILE = "mine";
    const { log } = console;
    await makePlan(project, "dev", readStackConfig(root, "dev"));
    assert.deepEqual([process.env.AWS_PROFILE, console.log], ["mine", log]);
    delete process.env.AWS_PROFILE;
  });

  it("hands the planned resources to the policies, and their verdict on", async () => {
    const evaluation: Evaluation = {
      policies: [{ name: "no-buckets", level: "mandatory" }],
      violations: [{ policy: "no-buckets", level: "mandatory", urn: "urn", message: "a bucket" }],
    };
    let seen = 0;
    const plan = await makePlan(
      {
        ...project,
        evaluate: (resources) => {
          seen = resources.length;
          return evaluation;
        },
      },
      "dev",
      readStackConfig(root, "dev"),
    );
    assert.equal(seen, plan.document.resources.length);
    assert.deepEqual(plan.document.violations, evaluation.violations);
  });
});
