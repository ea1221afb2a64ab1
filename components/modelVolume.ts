import { createHash } from "node:crypto";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { mountpointDriver } from "../charts/mountpointS3Csi";
import { labels } from "../contracts/labels";
import { SERVER_UID } from "../contracts/serverSettings";
import { dns1123Label } from "../fleet/names";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import { nameIn, type Scope } from "./scope";

export interface ModelVolumeArgs {
  readonly scope: Scope;
  readonly namespace: pulumi.Input<string>;
  readonly bucketName: pulumi.Input<string>;
  /** What tells the bucket from another before its name is known: the user's, or the program's. */
  readonly bucketKey: string;
  /** The prefix that is mounted, ending with a slash; pods see nothing else of the bucket. */
  readonly prefix: string;
}

/**
 * The model store as a read-only volume of one namespace: a static volume and its claim.
 *
 * A volume cannot be changed after it was made, so its name carries a hash of what it is: another
 * prefix or bucket makes a new pair beside the old one, and pods move over in a rollout.
 */
export class ModelVolume extends pulumi.ComponentResource {
  readonly claim: kubernetes.core.v1.PersistentVolumeClaim;
  readonly claimName: string;

  constructor(name: string, args: ModelVolumeArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:ModelVolume", name, {}, pulumiOptions(opts));
    const mountOptions = mountOptionsOf(args);
    const version = createHash("sha256")
      .update([args.bucketKey, ...mountOptions].join())
      .digest("hex")
      .slice(0, 8);
    this.claimName = `${name}-${version}`;
    const volumeName = nameIn(args.scope, this.claimName, dns1123Label);
    const size = { storage: "1Ti" }; // Kubernetes wants a figure; Mountpoint has no limit.

    const volume = new kubernetes.core.v1.PersistentVolume(
      name,
      {
        metadata: { name: volumeName, labels: labels(name) },
        spec: {
          capacity: size,
          accessModes: ["ReadOnlyMany"],
          persistentVolumeReclaimPolicy: "Retain",
          claimRef: { namespace: args.namespace, name: this.claimName },
          mountOptions,
          csi: {
            driver: mountpointDriver,
            volumeHandle: volumeName,
            readOnly: true,
            volumeAttributes: { bucketName: args.bucketName, authenticationSource: "driver" },
          },
        },
      },
      { ...childOptions(this, opts), customTimeouts },
    );
    this.claim = new kubernetes.core.v1.PersistentVolumeClaim(
      name,
      {
        metadata: { name: this.claimName, namespace: args.namespace, labels: labels(name) },
        spec: {
          accessModes: ["ReadOnlyMany"],
          storageClassName: "",
          volumeName,
          resources: { requests: size },
        },
      },
      { ...childOptions(this, opts, [volume]), customTimeouts },
    );
    this.registerOutputs({});
  }
}

/** An old claim goes when the last pod that mounts it has, which takes a rollout. */
const customTimeouts = { delete: "60m" };

/** Region and user are given, since a hop limit of 1 keeps the mount pod off the metadata service. */
function mountOptionsOf({ scope, prefix }: ModelVolumeArgs): string[] {
  return [
    "read-only",
    "allow-other",
    `region ${scope.region}`,
    `prefix ${prefix}`,
    `uid=${SERVER_UID}`,
    `gid=${SERVER_UID}`,
    "metadata-ttl 300",
  ];
}
