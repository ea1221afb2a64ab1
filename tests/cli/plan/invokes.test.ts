import assert from "node:assert/strict";
import { answer } from "../../../cli/plan/invokes";

describe("a provider function in a plan", () => {
  it("answers with names of what only AWS knows", () => {
    const identity = answer("aws:index/getCallerIdentity:getCallerIdentity", {}, "us-west-2");
    assert.equal(identity.accountId, "<output of getCallerIdentity.accountId>");
  });

  it("answers from the config what the config knows", () => {
    const region = "cn-north-1";
    assert.equal(answer("aws:index/getRegion:getRegion", {}, region).name, region);
    assert.equal(answer("aws:index/getPartition:getPartition", {}, region).partition, "aws-cn");
  });

  it("that nobody listed fails, naming itself and where to list it", () => {
    assert.throws(() => answer("aws:x/y:y", {}, undefined), /aws:x\/y:y.*cli\/plan\/invokes\.ts/);
  });
});
