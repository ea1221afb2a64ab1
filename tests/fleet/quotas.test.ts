import assert from "node:assert/strict";
import { measurements } from "../../fleet/measurements";
import * as quotas from "../../fleet/quotas";

describe("quotas", () => {
  it("let one route carry the seed's five units and no sixth", () => {
    assert.equal(Object.keys(measurements).length, quotas.targetGroupsPerForwardAction);
  });

  it("have the load balancer's weights inside Gateway API's", () => {
    assert.ok(quotas.targetGroupWeight.min >= quotas.backendRefWeight.min);
    assert.ok(quotas.targetGroupWeight.max <= quotas.backendRefWeight.max);
  });
});
