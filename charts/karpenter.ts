import type { Input } from "@pulumi/pulumi";
import { acrossZones, type Placement } from "./placement";
import type { Chart } from "./release";

export const karpenter: Chart = {
  name: "karpenter",
  version: "1.14.1",
  repository: "oci://public.ecr.aws/karpenter",
};

/** The chart's documented home: the API server serves kube-system's controllers first. */
export const karpenterNamespace = "kube-system";
export const karpenterServiceAccount = "karpenter";

export interface KarpenterValues {
  readonly clusterName: Input<string>;
  /** Name of the queue that interruption events come through. */
  readonly interruptionQueue: Input<string>;
  readonly region: string;
  readonly placement: Placement;
}

export function karpenterValues(args: KarpenterValues) {
  return {
    replicas: 2,
    serviceAccount: { create: true, name: karpenterServiceAccount },
    // The VPC's resolver, so that machines can still be launched while CoreDNS is down.
    dnsPolicy: "Default",
    nodeSelector: { "kubernetes.io/os": "linux", ...args.placement.nodeSelector },
    tolerations: args.placement.tolerations,
    topologySpreadConstraints: [acrossZones()],
    podDisruptionBudget: { name: karpenter.name, maxUnavailable: 1 },
    controller: {
      // The documented 1 CPU is for thousands of nodes and would fill a small system node; without
      // a CPU limit a burst is not throttled.
      resources: { requests: { cpu: "250m", memory: "1Gi" }, limits: { memory: "1Gi" } },
      // Hop limit 1 keeps pods from the instance metadata that Karpenter would ask otherwise.
      env: [{ name: "AWS_REGION", value: args.region }],
    },
    settings: {
      clusterName: args.clusterName,
      interruptionQueue: args.interruptionQueue,
      eksControlPlane: true,
      featureGates: {
        reservedCapacity: true,
        nodeRepair: false,
        spotToSpotConsolidation: false,
        staticCapacity: false,
        nodeOverlay: false,
        capacityBuffer: false,
      },
    },
  };
}
