import assert from "node:assert/strict";
import { AccessLogBucket } from "../../components/accessLogBucket";
import { construct, scope } from "../mocks";

const create = () =>
  construct(() => void new AccessLogBucket("access-logs", { scope, retentionDays: 30 }));

describe("AccessLogBucket", () => {
  it("is encrypted by S3, the one encryption that a load balancer writes with", async () => {
    const { rules } = (await create()).one(
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    ).inputs;
    assert.deepEqual(rules, [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }]);
  });

  it("lets load balancers write below this account's folder, and nowhere else", async () => {
    const made = await create();
    const [refusal, delivery] = JSON.parse(
      made.one("aws:s3/bucketPolicy:BucketPolicy").inputs.policy,
    ).Statement;
    assert.equal(refusal.Sid, "TlsOnly");
    assert.deepEqual(delivery.Principal, {
      Service: "logdelivery.elasticloadbalancing.amazonaws.com",
    });
    assert.equal(delivery.Action, "s3:PutObject");
    assert.match(delivery.Resource, /access-logs\/AWSLogs\/123456789012\/\*$/);
  });

  it("forgets logs after their retention", async () => {
    const { rules } = (await create()).one(
      "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    ).inputs;
    const old = rules.find((rule: { id: string }) => rule.id === "old");
    assert.deepEqual(old.expiration, { days: 30 });
  });
});
