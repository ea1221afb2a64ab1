import assert from "node:assert/strict";
import type * as pulumi from "@pulumi/pulumi";
import { ModelBucket, type ModelBucketArgs } from "../../components/modelBucket";
import { construct, type Registry, scope } from "../mocks";

const BUCKET = "aws:s3/bucket:Bucket";
const ENCRYPTION =
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";

let bucket: ModelBucket;

function create(more: Partial<ModelBucketArgs> = {}): Promise<Registry> {
  return construct(() => {
    bucket = new ModelBucket("models", { scope, prefix: "models/", noncurrentDays: 30, ...more });
  });
}

function value<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => void output.apply(resolve));
}

describe("ModelBucket", () => {
  it("is closed to the public, owned by the account, versioned, and speaks TLS only", async () => {
    const made = await create();
    const { bucket: _, ...block } = made.one(
      "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    ).inputs;
    assert.deepEqual(new Set(Object.values(block)), new Set([true]));
    assert.equal(
      made.one("aws:s3/bucketOwnershipControls:BucketOwnershipControls").inputs.rule
        .objectOwnership,
      "BucketOwnerEnforced",
    );
    assert.equal(
      made.one("aws:s3/bucketVersioning:BucketVersioning").inputs.versioningConfiguration.status,
      "Enabled",
    );
    const [refusal, ...others] = JSON.parse(
      made.one("aws:s3/bucketPolicy:BucketPolicy").inputs.policy,
    ).Statement;
    assert.equal(refusal.Effect, "Deny");
    assert.deepEqual(refusal.Condition, { Bool: { "aws:SecureTransport": "false" } });
    assert.deepEqual(others, []);
  });

  it("forgets overwritten objects and abandoned uploads, and nothing else", async () => {
    const { rules } = (await create()).one(
      "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    ).inputs;
    assert.deepEqual(
      rules.map((rule: { id: string }) => rule.id),
      ["abandoned-uploads", "overwritten"],
    );
    assert.equal(rules[1].noncurrentVersionExpiration.noncurrentDays, 30);
    assert.ok(rules.every((rule: { expiration?: unknown }) => rule.expiration === undefined));
  });

  it("refuses to go with data in it, and to go at all where data is protected", async () => {
    const dev = (await create()).one(BUCKET);
    assert.equal(dev.inputs.forceDestroy, false);
    assert.equal(dev.protect, false);
    const prod = (await create({ scope: { ...scope, protectData: true } })).one(BUCKET);
    assert.equal(prod.inputs.forceDestroy, false);
    assert.equal(prod.protect, true);
  });

  it("is encrypted by S3, or by the user's key with a bucket key", async () => {
    const [plain] = (await create()).one(ENCRYPTION).inputs.rules;
    assert.equal(plain.applyServerSideEncryptionByDefault.sseAlgorithm, "AES256");
    const kmsKeyArn = "arn:aws:kms:us-west-2:123456789012:key/1";
    const [kms] = (await create({ kmsKeyArn })).one(ENCRYPTION).inputs.rules;
    assert.deepEqual(kms.applyServerSideEncryptionByDefault, {
      sseAlgorithm: "aws:kms",
      kmsMasterKeyId: kmsKeyArn,
    });
    assert.equal(kms.bucketKeyEnabled, true);
  });

  it("logs who reads it only when told where", async () => {
    const LOGGING = "aws:s3/bucketLogging:BucketLogging";
    assert.equal((await create()).ofType(LOGGING).length, 0);
    const { inputs } = (await create({ accessLogBucket: "logs" })).one(LOGGING);
    assert.equal(inputs.targetBucket, "logs");
  });

  it("leaves a bucket of the user's as it is", async () => {
    const made = await create({ existingBucket: "our-models" });
    assert.equal(made.resources.filter(({ type }) => type.startsWith("aws:")).length, 0);
    assert.equal(await value(bucket.bucketName), "our-models");
    assert.equal(await value(bucket.bucketArn), "arn:aws:s3:::our-models");
    assert.equal(bucket.prefix, "models/");
  });

  it("has a name that no other stack of the account has, within S3's limit", async () => {
    const long = { ...scope, stack: "a-stack-whose-name-is-longer-than-any-bucket-s" };
    const names = [await create(), await create({ scope: long })].map(
      (made) => made.one(BUCKET).inputs.bucketPrefix as string,
    );
    assert.notEqual(names[0], names[1]);
    for (const name of names) assert.ok(name.length <= 37, name);
  });
});
