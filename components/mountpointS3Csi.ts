import * as pulumi from "@pulumi/pulumi";
import {
  mountpointNamespace,
  mountpointS3Csi,
  mountpointS3CsiValues,
  mountpointServiceAccount,
} from "../charts/mountpointS3Csi";
import type { Placement } from "../charts/placement";
import { release } from "../charts/release";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import type { ClusterFacts } from "./clusterFacts";
import { PodIdentity, type PolicyStatement } from "./podIdentity";
import type { Scope } from "./scope";

export interface MountpointS3CsiArgs {
  readonly scope: Scope;
  readonly cluster: ClusterFacts;
  /** Where the driver's controller runs; its node part runs on every node. */
  readonly placement: Placement;
  readonly bucketArn: pulumi.Input<string>;
  /** All that pods may see of the bucket; ends with `/`. */
  readonly prefix: string;
  /** Customer key that the bucket is encrypted with, if any. */
  readonly kmsKeyArn?: pulumi.Input<string> | undefined;
  /** The cluster has the driver already. Its node part then needs these rights from its owner. */
  readonly installed?: boolean;
}

/**
 * The Mountpoint for S3 CSI driver, which may read one prefix of one bucket and write nothing.
 * Volumes are others' and wait for `ready`.
 */
export class MountpointS3Csi extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: MountpointS3CsiArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:MountpointS3Csi", name, {}, pulumiOptions(opts));
    if (args.installed === true) {
      this.ready = [];
    } else {
      const { association } = createIdentity(name, args, this);
      this.ready = [
        release(
          mountpointS3Csi.name,
          {
            chart: mountpointS3Csi,
            namespace: mountpointNamespace,
            values: mountpointS3CsiValues({ placement: args.placement }),
          },
          childOptions(this, opts, [association]),
        ),
      ];
    }
    this.registerOutputs({});
  }
}

function createIdentity(
  name: string,
  args: MountpointS3CsiArgs,
  parent: MountpointS3Csi,
): PodIdentity {
  return new PodIdentity(
    name,
    {
      scope: args.scope,
      clusterName: args.cluster.name,
      clusterArn: args.cluster.arn,
      namespace: mountpointNamespace,
      serviceAccount: mountpointServiceAccount,
      statements: readOnly(args),
    },
    { parent },
  );
}

function readOnly({ scope, bucketArn, prefix, kmsKeyArn }: MountpointS3CsiArgs): PolicyStatement[] {
  const objects: PolicyStatement[] = [
    {
      Sid: "ListModels",
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: bucketArn,
      Condition: { StringLike: { "s3:prefix": `${prefix}*` } },
    },
    {
      Sid: "ReadModels",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: pulumi.interpolate`${bucketArn}/${prefix}*`,
    },
  ];
  if (kmsKeyArn === undefined) return objects;
  return [
    ...objects,
    {
      Sid: "DecryptModels",
      Effect: "Allow",
      Action: "kms:Decrypt",
      Resource: kmsKeyArn,
      Condition: {
        StringEquals: { "kms:ViaService": `s3.${scope.region}.${awsDomain(scope)}` },
      },
    },
  ];
}

function awsDomain({ partition }: Scope): string {
  return partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
}
