import assert from "node:assert/strict";
import { GatewayLogRole } from "../../components/gatewayLogRole";
import { construct, scope } from "../mocks";

describe("GatewayLogRole", () => {
  it("lets API Gateway write logs, once it may", async () => {
    const made = await construct(() => void new GatewayLogRole("api-gateway-logs", { scope }));
    const role = made.one("aws:iam/role:Role");
    const [trust] = JSON.parse(role.inputs.assumeRolePolicy).Statement;
    assert.deepEqual(trust.Principal, { Service: "apigateway.amazonaws.com" });
    const account = made.one("aws:apigateway/account:Account");
    assert.equal(
      account.inputs.cloudwatchRoleArn,
      "arn:aws:iam::123456789012:role/api-gateway-logs",
    );
    assert.ok(
      made.waitsFor(account, made.one("aws:iam/rolePolicyAttachment:RolePolicyAttachment")),
    );
  });

  it("stays when the stack goes: the account's other APIs log by it too", async () => {
    const made = await construct(() => void new GatewayLogRole("api-gateway-logs", { scope }));
    const ofAws = made.resources.filter(({ type }) => type.startsWith("aws:"));
    assert.equal(ofAws.length, 3);
    for (const { retainOnDelete, type } of ofAws) assert.equal(retainOnDelete, true, type);
  });
});
