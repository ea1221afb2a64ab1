import { awsLoadBalancerController } from "./awsLoadBalancerController";

/** Manifests that are installed from where their makers publish them, pinned. */
export interface PinnedManifest {
  readonly name: string;
  readonly version: string;
  readonly url: string;
}

/**
 * CRDs of the Gateway API, the standard channel. 1.6.0 is the version that the load balancer
 * controller 3.5 is built for and that its guide names (docs/guide/gateway/gateway.md).
 */
export const gatewayApiCrds: PinnedManifest = manifest(
  "gateway-api-crds",
  "1.6.0",
  "https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.0/standard-install.yaml",
);

const controllerSource = [
  "https://raw.githubusercontent.com/kubernetes-sigs/aws-load-balancer-controller",
  `v${awsLoadBalancerController.version}`,
].join("/");

/** `gateway.k8s.aws`: how the controller's Gateways, target groups and rules are configured. */
export const loadBalancerGatewayCrds: PinnedManifest = manifest(
  "aws-load-balancer-controller-gateway-crds",
  awsLoadBalancerController.version,
  `${controllerSource}/config/crd/gateway/gateway-crds.yaml`,
);

/**
 * `elbv2.k8s.aws` and the rest of the chart's `crds/` folder, which Helm would never upgrade. The
 * controller keeps its target groups as TargetGroupBindings, for Gateways too.
 */
export const loadBalancerControllerCrds: PinnedManifest = manifest(
  "aws-load-balancer-controller-crds",
  awsLoadBalancerController.version,
  `${controllerSource}/helm/aws-load-balancer-controller/crds/crds.yaml`,
);

function manifest(name: string, version: string, url: string): PinnedManifest {
  return { name, version, url };
}
