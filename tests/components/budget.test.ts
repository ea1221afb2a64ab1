import assert from "node:assert/strict";
import { Budget, CostAllocationTags } from "../../components/budget";
import { construct, scope } from "../mocks";

describe("Budget", () => {
  it("counts what carries this environment's tag and warns at 80 % spent and 100 % forecast", async () => {
    const made = await construct(
      () => void new Budget("budget", { scope, monthlyUsd: 5000, emails: ["a@example.com"] }),
    );
    const { inputs } = made.one("aws:budgets/budget:Budget");
    assert.deepEqual(inputs.costFilters, [
      { name: "TagKeyValue", values: ["user:diffusion-fleet:stack$dev"] },
    ]);
    assert.equal(inputs.limitAmount, "5000");
    assert.deepEqual(
      inputs.notifications.map((it: Record<string, unknown>) => [
        it.notificationType,
        it.threshold,
        it.subscriberEmailAddresses,
      ]),
      [
        ["ACTUAL", 80, ["a@example.com"]],
        ["FORECASTED", 100, ["a@example.com"]],
      ],
    );
  });
});

describe("CostAllocationTags", () => {
  it("activates each tag", async () => {
    const made = await construct(
      () => void new CostAllocationTags("cost-tags", ["diffusion-fleet:stack"]),
    );
    const { inputs } = made.one("aws:costexplorer/costAllocationTag:CostAllocationTag");
    assert.deepEqual([inputs.tagKey, inputs.status], ["diffusion-fleet:stack", "Active"]);
  });
});
