import assert from "node:assert/strict";
import { ResultCache } from "../../components/resultCache";
import { construct, scope } from "../mocks";

const create = (protectData = false) =>
  construct(() => void new ResultCache("result-cache", { scope: { ...scope, protectData } }));
const TABLE = "aws:dynamodb/table:Table";

describe("ResultCache", () => {
  it("has one item a request, paid by use and encrypted, which goes when its time is over", async () => {
    const { inputs } = (await create()).one(TABLE);
    assert.equal(inputs.billingMode, "PAY_PER_REQUEST");
    assert.equal(inputs.hashKey, "key");
    assert.deepEqual(inputs.ttl, { enabled: true, attributeName: "expiresAt" });
    assert.equal(inputs.serverSideEncryption.enabled, true);
  });

  it("refuses to go where data is protected, and only there", async () => {
    const dev = (await create()).one(TABLE);
    assert.deepEqual([dev.protect, dev.inputs.deletionProtectionEnabled], [false, false]);
    const prod = (await create(true)).one(TABLE);
    assert.deepEqual([prod.protect, prod.inputs.deletionProtectionEnabled], [true, true]);
  });
});
