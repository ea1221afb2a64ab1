import type { TomlTable } from "smol-toml";

/** How nodes get their images fast. */
export type ImageCacheMode = "snapshot" | "soci" | "none";

export interface ImageCacheSettingsArgs {
  readonly cache: ImageCacheMode;
  /** The snapshot that data volumes start from; absent with `snapshot`: SOCI until there is one. */
  readonly snapshotId?: string;
  /** Whether every size that may be launched has an instance store. */
  readonly instanceStore: boolean;
  /** Size of the data volume, GiB; not below the snapshot's. */
  readonly dataVolumeGiB: number;
  /** Rate at which EBS loads a volume from a snapshot, MiB/s, 100 to 300. */
  readonly initializationRateMiBps: number;
  /** AL2023 has one volume for everything and its own image settings; absent: Bottlerocket. */
  readonly nodeImage?: "bottlerocket" | "al2023";
}

/** A volume as an EC2NodeClass describes it. */
export interface BlockDeviceMapping {
  readonly deviceName: "/dev/xvda" | "/dev/xvdb";
  readonly ebs: {
    readonly volumeType: "gp3";
    readonly volumeSize: `${number}Gi`;
    readonly encrypted: true;
    readonly deleteOnTermination: true;
    readonly iops?: number;
    readonly throughput?: number;
    readonly snapshotID?: string;
    readonly volumeInitializationRate?: number;
  };
}

/** What of a node the image cache decides: part of an EC2NodeClass. */
export interface NodeVolumes {
  readonly blockDeviceMappings: readonly BlockDeviceMapping[];
  readonly instanceStorePolicy?: "RAID0";
  /** Tables below `settings` of the node's user data. */
  readonly bottlerocketSettings: TomlTable;
}

/**
 * Size of Bottlerocket's system volume, GiB: the OS is an image of a fixed size.
 *
 * Source: bottlerocket-os/bottlerocket, QUICKSTART-EKS.md: "The root volume is 2 GiB by default";
 * Karpenter's default for Bottlerocket is 4 GiB.
 */
const systemVolumeGiB = 4;

/**
 * A volume that unpacks as fast as layers come in. gp3 gives 3,000 IOPS and 125 MiB/s unasked; four
 * IOPS carry one MiB/s (Amazon EBS user guide, "General Purpose SSD volumes"). 600 MiB/s is the
 * figure of the SOCI maintainers' example for Bottlerocket (aws/karpenter-provider-aws issue 8393).
 */
const fastVolume = { iops: 6000, throughput: 600 };

/**
 * Parallel pull and unpack. For ECR "the recommended chunk size is 8mb or 16mb, and 10-20 concurrent
 * downloads per image" (awslabs/soci-snapshotter, docs/parallel-mode.md); one unpack for each vCPU
 * of the smallest accelerated machines is our choice.
 *
 * Source of the keys: Bottlerocket 1.53 settings reference, "container-runtime" and
 * "container-runtime-plugins".
 */
const sociSettings: TomlTable = {
  "container-runtime": { snapshotter: "soci" },
  "container-runtime-plugins": {
    "soci-snapshotter": {
      "pull-mode": "parallel-pull-unpack",
      "parallel-pull-unpack": {
        "max-concurrent-downloads-per-image": 20,
        "concurrent-download-chunk-size": "16mb",
        "max-concurrent-unpacks-per-image": 4,
        "discard-unpacked-layers": true,
      },
    },
  },
};

/**
 * Volumes and settings of nodes under an image cache.
 *
 * - `snapshot`: the data volume starts from the snapshot, never on RAID 0, which would hide it.
 * - `soci`: on the instance stores where all sizes have them, otherwise on a fast gp3 volume.
 * - `none`: a plain volume.
 *
 * @throws RangeError for a data volume without a size, or an initialisation rate that EBS refuses
 */
export function imageCacheSettings(args: ImageCacheSettingsArgs): NodeVolumes {
  check(args);
  if (args.nodeImage === "al2023")
    return {
      blockDeviceMappings: [
        volume("/dev/xvda", args.dataVolumeGiB, args.cache === "none" ? {} : fastVolume),
      ],
      bottlerocketSettings: {},
    };
  const system = volume("/dev/xvda", systemVolumeGiB);
  if (args.cache === "snapshot" && args.snapshotId !== undefined)
    return {
      blockDeviceMappings: [
        system,
        volume("/dev/xvdb", args.dataVolumeGiB, {
          snapshotID: args.snapshotId,
          volumeInitializationRate: args.initializationRateMiBps,
        }),
      ],
      bottlerocketSettings: {},
    };
  if (args.cache === "none")
    return {
      blockDeviceMappings: [system, volume("/dev/xvdb", args.dataVolumeGiB)],
      bottlerocketSettings: {},
    };
  return {
    blockDeviceMappings: [
      system,
      volume("/dev/xvdb", args.dataVolumeGiB, args.instanceStore ? {} : fastVolume),
    ],
    ...(args.instanceStore ? { instanceStorePolicy: "RAID0" } : {}),
    bottlerocketSettings: sociSettings,
  };
}

function volume(
  deviceName: BlockDeviceMapping["deviceName"],
  sizeGiB: number,
  more: Partial<BlockDeviceMapping["ebs"]> = {},
): BlockDeviceMapping {
  return {
    deviceName,
    ebs: {
      volumeType: "gp3",
      volumeSize: `${sizeGiB}Gi`,
      encrypted: true,
      deleteOnTermination: true,
      ...more,
    },
  };
}

function check({ dataVolumeGiB, initializationRateMiBps }: ImageCacheSettingsArgs): void {
  if (!Number.isInteger(dataVolumeGiB) || dataVolumeGiB < 1)
    throw new RangeError(`A data volume of ${dataVolumeGiB} GiB cannot be made.`);
  if (initializationRateMiBps < 100 || initializationRateMiBps > 300)
    throw new RangeError(`EBS initialises at 100 to 300 MiB/s, not ${initializationRateMiBps}.`);
}
