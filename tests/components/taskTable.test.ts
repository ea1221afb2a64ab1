import assert from "node:assert/strict";
import { TaskTable } from "../../components/taskTable";
import { construct, scope } from "../mocks";

const create = (protectData = false) =>
  construct(() => void new TaskTable("task-table", { scope: { ...scope, protectData } }));
const TABLE = "aws:dynamodb/table:Table";

describe("TaskTable", () => {
  it("has one item a task, paid by use, which goes when its time is over", async () => {
    const { inputs } = (await create()).one(TABLE);
    assert.equal(inputs.billingMode, "PAY_PER_REQUEST");
    assert.equal(inputs.hashKey, "key");
    assert.deepEqual(inputs.ttl, { enabled: true, attributeName: "expiresAt" });
  });

  it("finds the tasks whose results are awaited by when they are lost, and declares keys alone", async () => {
    const { inputs } = (await create()).one(TABLE);
    assert.deepEqual(inputs.globalSecondaryIndexes, [
      {
        name: "awaited",
        keySchemas: [
          { attributeName: "awaits", keyType: "HASH" },
          { attributeName: "lostAtMs", keyType: "RANGE" },
        ],
        projectionType: "KEYS_ONLY",
      },
    ]);
    assert.deepEqual(inputs.attributes, [
      { name: "key", type: "S" },
      { name: "awaits", type: "S" },
      { name: "lostAtMs", type: "N" },
    ]);
  });

  it("is encrypted, and can be set back to any moment", async () => {
    const { inputs } = (await create()).one(TABLE);
    assert.equal(inputs.serverSideEncryption.enabled, true);
    assert.equal(inputs.pointInTimeRecovery.enabled, true);
  });

  it("refuses to go where data is protected, by Pulumi and by AWS", async () => {
    const dev = (await create()).one(TABLE);
    assert.deepEqual([dev.protect, dev.inputs.deletionProtectionEnabled], [false, false]);
    const prod = (await create(true)).one(TABLE);
    assert.deepEqual([prod.protect, prod.inputs.deletionProtectionEnabled], [true, true]);
  });
});
