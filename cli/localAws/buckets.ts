import {
  CreateBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
} from "@aws-sdk/client-s3";
import type { Create, Known, Place } from "./creation";

/** S3, by resource type. What only keeps people out (public access, ownership, logs) is left out. */
export const bucketTypes: Readonly<Record<string, Create>> = {
  "aws:s3/bucket:Bucket": async ({ name, inputs }, place) => {
    const bucket = String(
      inputs.bucket ??
        (inputs.bucketPrefix === undefined
          ? `${name}-0123456`
          : `${inputs.bucketPrefix}20260801120000000000000001`),
    );
    await createBucket(bucket, place);
    return { bucket, id: bucket, arn: `arn:aws:s3:::${bucket}` };
  },
  "aws:s3/bucketVersioning:BucketVersioning": async ({ inputs }, { aws }) => {
    await aws.s3.send(
      new PutBucketVersioningCommand({
        Bucket: inputs.bucket,
        VersioningConfiguration: { Status: inputs.versioningConfiguration.status },
      }),
    );
    return { id: inputs.bucket };
  },
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": async (
    { inputs },
    { aws },
  ) => {
    await aws.s3.send(
      new PutBucketEncryptionCommand({
        Bucket: inputs.bucket,
        ServerSideEncryptionConfiguration: { Rules: inputs.rules.map(encryptionRule) },
      }),
    );
    return { id: inputs.bucket };
  },
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": async (
    { inputs },
    { aws },
  ) => {
    await aws.s3.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket: inputs.bucket,
        LifecycleConfiguration: { Rules: inputs.rules.map(lifecycleRule) },
      }),
    );
    return { id: inputs.bucket };
  },
  "aws:s3/bucketPolicy:BucketPolicy": async ({ inputs }, { aws }) => {
    const policy = withoutTlsOnly(JSON.parse(inputs.policy));
    if (policy.Statement.length > 0)
      await aws.s3.send(
        new PutBucketPolicyCommand({ Bucket: inputs.bucket, Policy: JSON.stringify(policy) }),
      );
    return { id: inputs.bucket };
  },
};

interface PolicyDocument {
  readonly Statement: readonly {
    readonly Effect: string;
    readonly Condition?: { readonly Bool?: Readonly<Record<string, string>> };
  }[];
}

/** On loopback there is no TLS, and moto refuses whatever a statement refuses on some condition. */
function withoutTlsOnly(policy: PolicyDocument): PolicyDocument {
  const isTlsOnly = ({ Effect, Condition }: PolicyDocument["Statement"][number]) =>
    Effect === "Deny" && Condition?.Bool?.["aws:SecureTransport"] === "false";
  return { ...policy, Statement: policy.Statement.filter((statement) => !isTlsOnly(statement)) };
}

/** A bucket in the place's region. */
export async function createBucket(bucket: string, { aws, region }: Place): Promise<void> {
  await aws.s3.send(
    new CreateBucketCommand({
      Bucket: bucket,
      // us-east-1 is the one region that may not be named.
      ...(region !== "us-east-1" && {
        CreateBucketConfiguration: { LocationConstraint: region as "us-west-2" },
      }),
    }),
  );
}

function encryptionRule(rule: Known["inputs"]) {
  const byDefault = rule.applyServerSideEncryptionByDefault;
  return {
    ApplyServerSideEncryptionByDefault: {
      SSEAlgorithm: byDefault.sseAlgorithm,
      KMSMasterKeyID: byDefault.kmsMasterKeyId,
    },
    BucketKeyEnabled: rule.bucketKeyEnabled,
  };
}

function lifecycleRule(rule: Known["inputs"]) {
  return {
    ID: rule.id,
    Status: rule.status,
    Filter: { Prefix: rule.filter?.prefix ?? "" },
    ...(rule.expiration?.days !== undefined && { Expiration: { Days: rule.expiration.days } }),
    ...(rule.noncurrentVersionExpiration !== undefined && {
      NoncurrentVersionExpiration: {
        NoncurrentDays: rule.noncurrentVersionExpiration.noncurrentDays,
      },
    }),
    ...(rule.abortIncompleteMultipartUpload !== undefined && {
      AbortIncompleteMultipartUpload: {
        DaysAfterInitiation: rule.abortIncompleteMultipartUpload.daysAfterInitiation,
      },
    }),
  };
}
