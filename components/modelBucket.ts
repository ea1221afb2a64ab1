import * as pulumi from "@pulumi/pulumi";
import { PrivateBucket } from "./privateBucket";
import type { Scope } from "./scope";

export interface ModelBucketArgs {
  readonly scope: Scope;
  /** Bucket to use as it is, instead of making one. */
  readonly existingBucket?: string;
  /** Prefix that holds `MODEL/FRAMEWORK/HASH/`, with a slash at its end. */
  readonly prefix: string;
  /** Days that overwritten objects are kept. */
  readonly noncurrentDays: number;
  /**
   * Customer key for SSE-KMS; who mounts the bucket then needs `kms:Decrypt` on it. Absent: SSE-S3,
   * which asks no key service for anything when fifty nodes read a model at once.
   */
  readonly kmsKeyArn?: pulumi.Input<string>;
  /** Bucket of the user's for access logs; absent: none. */
  readonly accessLogBucket?: pulumi.Input<string>;
}

/** Where the models' artefacts are kept: a bucket of the program, or the user's. */
export class ModelBucket extends pulumi.ComponentResource {
  readonly bucketName: pulumi.Output<string>;
  readonly bucketArn: pulumi.Output<string>;
  readonly prefix: string;
  /** What users of the bucket have to wait for. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: ModelBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:ModelBucket", name, {}, opts);
    this.prefix = args.prefix;
    if (args.existingBucket === undefined) {
      const bucket = createBucket(name, args, { parent: this });
      this.bucketName = bucket.bucketName;
      this.bucketArn = bucket.bucketArn;
      this.ready = bucket.ready;
    } else {
      this.bucketName = pulumi.output(args.existingBucket);
      this.bucketArn = pulumi.output(`arn:${args.scope.partition}:s3:::${args.existingBucket}`);
      this.ready = [];
    }
    this.registerOutputs({});
  }
}

function createBucket(name: string, args: ModelBucketArgs, opts: pulumi.ComponentResourceOptions) {
  const { scope, noncurrentDays, kmsKeyArn, accessLogBucket } = args;
  return new PrivateBucket(
    name,
    {
      scope,
      noncurrentDays,
      protect: scope.protectData,
      ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }),
      ...(accessLogBucket === undefined ? {} : { accessLogBucket }),
    },
    opts,
  );
}
