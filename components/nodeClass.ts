import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ACCELERATOR_LABEL, labels } from "../contracts/labels";
import type { Accelerator } from "../fleet/accelerators";
import { dns1123Label } from "../fleet/names";
import { bottlerocketUserData } from "./bottlerocketUserData";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import type { NodeVolumes } from "./nodeVolumes";
import { nameIn, type Scope } from "./scope";

/** Which machine image the nodes boot. */
export type NodeImage =
  | { readonly family: "bottlerocket"; readonly version: string }
  | { readonly family: "al2023"; readonly version: string };

export interface NodeClassArgs {
  readonly scope: Scope;
  readonly accelerator: Accelerator;
  readonly image: NodeImage;
  /** Volumes and image cache of the nodes. */
  readonly volumes: NodeVolumes;
  /** Role of the nodes; Karpenter makes the instance profile. */
  readonly nodeRoleName: pulumi.Input<string>;
  readonly subnetTerms: pulumi.Input<readonly Record<string, unknown>[]>;
  readonly securityGroupId: pulumi.Input<string>;
  /** Capacity reservations that units of this accelerator may use. */
  readonly capacityReservationIds: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

/** How Karpenter launches machines of one accelerator family: image, volumes, network, role. */
export class NodeClass extends pulumi.ComponentResource {
  /** Name in the cluster, where it is not in a namespace: no other stack has it. */
  readonly name: string;
  readonly resource: kubernetes.apiextensions.CustomResource;

  constructor(name: string, args: NodeClassArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:NodeClass", name, {}, pulumiOptions(opts));
    this.name = nameIn(args.scope, name, dns1123Label);
    this.resource = new kubernetes.apiextensions.CustomResource(
      name,
      {
        apiVersion: "karpenter.k8s.aws/v1",
        kind: "EC2NodeClass",
        metadata: {
          name: this.name,
          labels: labels(name, { [ACCELERATOR_LABEL]: args.accelerator.name }),
        },
        spec: nodeClassSpec(args),
      },
      childOptions(this, opts),
    );
    this.registerOutputs({});
  }
}

function nodeClassSpec(args: NodeClassArgs) {
  const { image, volumes, capacityReservationIds } = args;
  return {
    amiSelectorTerms: [{ alias: `${image.family}@v${image.version}` }],
    role: args.nodeRoleName,
    subnetSelectorTerms: args.subnetTerms,
    securityGroupSelectorTerms: [{ id: args.securityGroupId }],
    ...(capacityReservationIds.length === 0
      ? {}
      : { capacityReservationSelectorTerms: capacityReservationIds.map((id) => ({ id })) }),
    associatePublicIPAddress: false,
    metadataOptions: {
      httpEndpoint: "enabled",
      httpProtocolIPv6: "disabled",
      // Pods cannot reach the node's role: whatever needs a region or VPC id gets it by config.
      httpPutResponseHopLimit: 1,
      httpTokens: "required",
    },
    blockDeviceMappings: volumes.blockDeviceMappings,
    ...(volumes.instanceStorePolicy === undefined
      ? {}
      : { instanceStorePolicy: volumes.instanceStorePolicy }),
    ...(image.family === "bottlerocket"
      ? { userData: bottlerocketUserData(volumes.bottlerocketSettings) }
      : {}),
    tags: { Name: `${args.scope.clusterName}/${args.accelerator.name}`, ...args.tags },
  };
}
