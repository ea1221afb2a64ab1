import * as pulumi from "@pulumi/pulumi";
import { PrivateBucket, type ResourceStatement } from "./privateBucket";
import type { Scope } from "./scope";

export interface AccessLogBucketArgs {
  readonly scope: Scope;
  /** Days that logs are kept. */
  readonly retentionDays: number;
}

/** Days in which a log that somebody deleted can be had back. */
const deletedLogDays = 7;

/**
 * Where the load balancer writes its access logs.
 *
 * Source of encryption and policy: Elastic Load Balancing user guide, "Enable access logs for your
 * Application Load Balancer": SSE-S3 is the one encryption that it can write with.
 */
export class AccessLogBucket extends pulumi.ComponentResource {
  readonly bucketName: pulumi.Output<string>;
  readonly bucketArn: pulumi.Output<string>;
  /** What the load balancer has to wait for: it tries to write as soon as logging is switched on. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: AccessLogBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:AccessLogBucket", name, {}, opts);
    const { scope, retentionDays } = args;
    const bucket = new PrivateBucket(
      name,
      {
        scope,
        expireDays: retentionDays,
        noncurrentDays: deletedLogDays,
        protect: scope.protectData,
        // Logs come in until the load balancer has gone; nobody could empty the bucket before.
        forceDestroy: !scope.protectData,
        statements: (bucketArn) => [logDelivery(scope, bucketArn)],
      },
      { parent: this },
    );
    this.bucketName = bucket.bucketName;
    this.bucketArn = bucket.bucketArn;
    this.ready = bucket.ready;
    this.registerOutputs({});
  }
}

/**
 * Load balancers of this account may write. What binds them to it is the account's folder, since
 * ELB writes to no other: the guide's own policy, which carries no condition. Reports differ on
 * whether ELB presents `aws:SourceAccount` when it writes, and where it does not, a condition would
 * keep the logs away without an error anywhere.
 */
function logDelivery({ accountId }: Scope, bucketArn: pulumi.Output<string>): ResourceStatement {
  return {
    Sid: "LoadBalancerLogs",
    Effect: "Allow",
    Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
    Action: "s3:PutObject",
    Resource: pulumi.interpolate`${bucketArn}/AWSLogs/${accountId}/*`,
  };
}
