import assert from "node:assert/strict";
import type * as pulumi from "@pulumi/pulumi";
import { TaskStores } from "../../components/taskStores";
import { construct, scope } from "../mocks";

const BUCKET = "aws:s3/bucket:Bucket";

let stores: TaskStores;

const create = (existingBucket?: string, protectData = false) =>
  construct(() => {
    stores = new TaskStores("task-stores", {
      scope: { ...scope, protectData },
      results: { days: 30, existingBucket },
      inputDays: 17,
    });
  });

function value<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => void output.apply(resolve));
}

async function daysOf(name: string): Promise<number> {
  const { rules } = (await create()).one(
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    name,
  ).inputs;
  return rules.find(({ id }: { id: string }) => id === "old").expiration.days;
}

describe("TaskStores", () => {
  it("forget results and inputs, each after its own days", async () => {
    assert.equal(await daysOf("task-results"), 30);
    assert.equal(await daysOf("task-inputs"), 17);
  });

  it("do not go with results in them, and go with inputs, which clients have", async () => {
    const made = await create();
    assert.equal(made.one(BUCKET, "task-results").inputs.forceDestroy, false);
    assert.equal(made.one(BUCKET, "task-inputs").inputs.forceDestroy, true);
  });

  it("do not go at all where data is protected", async () => {
    for (const bucket of (await create(undefined, true)).ofType(BUCKET)) {
      assert.equal(bucket.protect, true, bucket.name);
      assert.equal(bucket.inputs.forceDestroy, false, bucket.name);
    }
  });

  it("leave a bucket of the user's as it is, and put the results there", async () => {
    const made = await create("our-results");
    assert.deepEqual(
      made.ofType(BUCKET).map(({ name }) => name),
      ["task-inputs"],
    );
    assert.equal(await value(stores.results.bucketName), "our-results");
    assert.equal(await value(stores.results.bucketArn), "arn:aws:s3:::our-results");
  });
});
