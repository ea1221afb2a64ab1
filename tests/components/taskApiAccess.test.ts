import assert from "node:assert/strict";
import { type TaskApiAccess, taskApiPolicy } from "../../components/taskApiAccess";

const account = "123456789012";
const anywhere: TaskApiAccess = { authentication: "iam", vpcEndpointIds: [], allowedCidrs: [] };
const office = ["203.0.113.0/24", "2001:db8::/32"];
const vpce = ["vpce-0123456789abcdef0"];

const statements = (access: Partial<TaskApiAccess>) =>
  taskApiPolicy({ partition: "aws" }, account, "prod", { ...anywhere, ...access })?.Statement;

describe("The API's resource policy", () => {
  it("is none where everybody may come to the door", () => {
    for (const authentication of ["iam", "key"] as const)
      assert.equal(statements({ authentication }), undefined);
  });

  for (const [from, access, outside] of [
    ["networks", { allowedCidrs: office }, { NotIpAddress: { "aws:SourceIp": office } }],
    ["VPC endpoints", { vpcEndpointIds: vpce }, { StringNotEquals: { "aws:SourceVpce": vpce } }],
  ] as const)
    for (const authentication of ["iam", "key"] as const)
      it(`denies what does not come from the ${from}, with ${authentication}`, () => {
        const [, denial, ...more] = statements({ ...access, authentication })!;
        assert.deepEqual(denial, {
          Sid: "NobodyFromElsewhere",
          Effect: "Deny",
          Principal: "*",
          Action: "execute-api:Invoke",
          Resource: "execute-api:/prod/*",
          Condition: outside,
        });
        assert.deepEqual(more, []);
      });

  it("leaves signed requests to the account's own principals, and other accounts out", () => {
    const [allowance] = statements({ allowedCidrs: office })!;
    assert.deepEqual(allowance!.Principal, { AWS: `arn:aws:iam::${account}:root` });
  });

  it("allows everybody with a key from there, and from nowhere else", () => {
    const [allowance] = statements({ vpcEndpointIds: vpce, authentication: "key" })!;
    assert.equal(allowance!.Principal, "*");
    assert.deepEqual(allowance!.Condition, { StringEquals: { "aws:SourceVpce": vpce } });
  });
});
