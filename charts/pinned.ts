import { awsLoadBalancerController } from "./awsLoadBalancerController";
import { gatewayApiCrds, loadBalancerControllerCrds, loadBalancerGatewayCrds } from "./gatewayApi";
import { karpenter } from "./karpenter";
import { karpenterCrd } from "./karpenterCrd";
import { keda } from "./keda";
import { mountpointS3Csi } from "./mountpointS3Csi";
import { neuronDevicePlugin } from "./neuronDevicePlugin";
import { nvidiaDevicePlugin } from "./nvidiaDevicePlugin";

/** What the program installs of others' in a cluster, with its version and where it comes from. */
export interface Pinned {
  readonly name: string;
  readonly version: string;
  readonly repository: string;
}

const charts = [
  karpenter,
  karpenterCrd,
  keda,
  nvidiaDevicePlugin,
  neuronDevicePlugin,
  mountpointS3Csi,
  awsLoadBalancerController,
];

const manifests = [gatewayApiCrds, loadBalancerGatewayCrds, loadBalancerControllerCrds];

export const pinned: readonly Pinned[] = [
  ...charts,
  ...manifests.map(({ name, version, url }) => ({ name, version, repository: url })),
];
