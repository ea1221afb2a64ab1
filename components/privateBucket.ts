import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { s3BucketPrefix } from "../fleet/names";
import type { PolicyStatement } from "./podIdentity";
import { prefixIn, type Scope } from "./scope";

/** A statement of a resource policy: it names who, beside what. */
export interface ResourceStatement extends PolicyStatement {
  readonly Principal: "*" | Readonly<Record<string, pulumi.Input<string> | readonly string[]>>;
}

export interface PrivateBucketArgs {
  readonly scope: Scope;
  /** Customer key for SSE-KMS, with a bucket key; absent: SSE-S3. */
  readonly kmsKeyArn?: pulumi.Input<string>;
  /** Keep overwritten and deleted objects for this many days. */
  readonly noncurrentDays: number;
  /** Delete objects after this many days; absent: never. */
  readonly expireDays?: number;
  /** Delete objects under a prefix, which ends with a slash, after so many days. */
  readonly expirePrefixDays?: Readonly<Record<string, number>>;
  /** Bucket for access logs, made by the user; absent: none. */
  readonly accessLogBucket?: pulumi.Input<string>;
  /** Who else may do what, by the bucket's ARN; the refusal of plain HTTP comes with every bucket. */
  readonly statements?: (bucketArn: pulumi.Output<string>) => readonly ResourceStatement[];
  /** Refuse to delete or replace the bucket. */
  readonly protect: boolean;
  /** Delete the bucket with what is in it; absent: a bucket with objects refuses to be deleted. */
  readonly forceDestroy?: boolean;
}

/** Days until parts of an upload that was never finished are deleted. */
const abandonedUploadDays = 7;

/**
 * A bucket that nobody outside the account can open: private, encrypted, owned by the account, over
 * TLS only. A bucket with objects refuses to be deleted, unless they are of no worth.
 */
export class PrivateBucket extends pulumi.ComponentResource {
  readonly bucketName: pulumi.Output<string>;
  readonly bucketArn: pulumi.Output<string>;
  /** What users of the bucket have to wait for. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: PrivateBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:PrivateBucket", name, {}, opts);
    const inside = { parent: this };
    const bucket = new aws.s3.Bucket(
      name,
      {
        bucketPrefix: prefixIn(args.scope, name, s3BucketPrefix),
        forceDestroy: args.forceDestroy ?? false,
      },
      { ...inside, protect: args.protect },
    );
    this.bucketName = bucket.bucket;
    this.bucketArn = bucket.arn;
    const blocked = blockPublicAccess(name, bucket, inside);
    this.ready = [
      blocked,
      enforceOwnership(name, bucket, inside),
      encrypt(name, bucket, args, inside),
      keepVersions(name, bucket, inside),
      // A policy and the public access block written at the same time conflict.
      attachPolicy(name, bucket, args, { ...inside, dependsOn: [blocked] }),
    ];
    expire(name, bucket, args, inside);
    logAccess(name, bucket, args, inside);
    this.registerOutputs({});
  }
}

function blockPublicAccess(name: string, bucket: aws.s3.Bucket, opts: pulumi.ResourceOptions) {
  return new aws.s3.BucketPublicAccessBlock(
    name,
    {
      bucket: bucket.bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    opts,
  );
}

function enforceOwnership(name: string, bucket: aws.s3.Bucket, opts: pulumi.ResourceOptions) {
  return new aws.s3.BucketOwnershipControls(
    name,
    { bucket: bucket.bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
    opts,
  );
}

function encrypt(
  name: string,
  bucket: aws.s3.Bucket,
  { kmsKeyArn }: PrivateBucketArgs,
  opts: pulumi.ResourceOptions,
) {
  return new aws.s3.BucketServerSideEncryptionConfiguration(
    name,
    {
      bucket: bucket.bucket,
      rules: [
        kmsKeyArn === undefined
          ? { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }
          : {
              applyServerSideEncryptionByDefault: {
                sseAlgorithm: "aws:kms",
                kmsMasterKeyId: kmsKeyArn,
              },
              bucketKeyEnabled: true,
            },
      ],
    },
    opts,
  );
}

function keepVersions(name: string, bucket: aws.s3.Bucket, opts: pulumi.ResourceOptions) {
  return new aws.s3.BucketVersioning(
    name,
    { bucket: bucket.bucket, versioningConfiguration: { status: "Enabled" } },
    opts,
  );
}

function attachPolicy(
  name: string,
  bucket: aws.s3.Bucket,
  { statements }: PrivateBucketArgs,
  opts: pulumi.CustomResourceOptions,
) {
  const refusePlainHttp: ResourceStatement = {
    Sid: "TlsOnly",
    Effect: "Deny",
    Principal: "*",
    // A refusal has to name everything to leave no way round it.
    Action: "s3:*",
    Resource: [bucket.arn, pulumi.interpolate`${bucket.arn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
  return new aws.s3.BucketPolicy(
    name,
    {
      bucket: bucket.bucket,
      policy: pulumi.jsonStringify({
        Version: "2012-10-17",
        Statement: [refusePlainHttp, ...(statements?.(bucket.arn) ?? [])],
      }),
    },
    opts,
  );
}

function expire(
  name: string,
  bucket: aws.s3.Bucket,
  { noncurrentDays, expireDays, expirePrefixDays = {} }: PrivateBucketArgs,
  opts: pulumi.ResourceOptions,
) {
  const everything = { status: "Enabled", filter: { prefix: "" } };
  return new aws.s3.BucketLifecycleConfiguration(
    name,
    {
      bucket: bucket.bucket,
      rules: [
        {
          id: "abandoned-uploads",
          ...everything,
          abortIncompleteMultipartUpload: { daysAfterInitiation: abandonedUploadDays },
        },
        { id: "overwritten", ...everything, noncurrentVersionExpiration: { noncurrentDays } },
        ...(expireDays === undefined
          ? []
          : [{ id: "old", ...everything, expiration: { days: expireDays } }]),
        ...Object.entries(expirePrefixDays).map(([prefix, days]) => ({
          id: `old-${prefix.slice(0, -1)}`,
          status: "Enabled",
          filter: { prefix },
          expiration: { days },
        })),
      ],
    },
    opts,
  );
}

function logAccess(
  name: string,
  bucket: aws.s3.Bucket,
  { accessLogBucket }: PrivateBucketArgs,
  opts: pulumi.ResourceOptions,
) {
  if (accessLogBucket === undefined) return undefined;
  return new aws.s3.BucketLogging(
    name,
    { bucket: bucket.bucket, targetBucket: accessLogBucket, targetPrefix: `${name}/` },
    opts,
  );
}
