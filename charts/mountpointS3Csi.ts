import type { Placement } from "./placement";
import type { Chart } from "./release";

export const mountpointS3Csi: Chart = {
  name: "aws-mountpoint-s3-csi-driver",
  version: "2.7.0",
  repository: "https://awslabs.github.io/mountpoint-s3-csi-driver",
};

export const mountpointNamespace = "kube-system";
/** The identity that volumes with `authenticationSource: driver` are mounted with. */
export const mountpointServiceAccount = "s3-csi-driver-sa";

/** A CSI driver's name, as a PersistentVolume names it. */
export const mountpointDriver = "s3.csi.aws.com";

/**
 * A node's start-up taint that the driver removes once it can mount. NoExecute, as the driver's
 * installation guide recommends.
 */
export const mountpointStartupTaint = {
  key: "s3.csi.aws.com/agent-not-ready",
  effect: "NoExecute",
} as const;

export interface MountpointS3CsiValues {
  /** Where the controller runs; the node part runs everywhere. */
  readonly placement: Placement;
}

export function mountpointS3CsiValues({ placement }: MountpointS3CsiValues) {
  return {
    node: {
      serviceAccount: { create: true, name: mountpointServiceAccount },
      tolerateAllTaints: true,
    },
    controller: {
      nodeSelector: placement.nodeSelector,
      tolerations: placement.tolerations,
      resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "256Mi" } },
    },
    // Mounts by systemd are what version 1 made; no node here ever ran that.
    supportLegacySystemDMounts: false,
  };
}
