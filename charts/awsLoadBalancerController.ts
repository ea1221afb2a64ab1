import type { Input } from "@pulumi/pulumi";
import { acrossZones, type Placement } from "./placement";
import type { Chart } from "./release";

export const awsLoadBalancerController: Chart = {
  name: "aws-load-balancer-controller",
  version: "3.5.0",
  repository: "https://aws.github.io/eks-charts",
};

export const loadBalancerControllerNamespace = "kube-system";
export const loadBalancerControllerServiceAccount = "aws-load-balancer-controller";

export interface AwsLoadBalancerControllerValues {
  readonly clusterName: Input<string>;
  /** Given, because hop limit 1 keeps the controller from the instance metadata. */
  readonly region: string;
  readonly vpcId: Input<string>;
  readonly placement: Placement;
  /** A web ACL is attached to a load balancer. */
  readonly webAcl: boolean;
}

export function awsLoadBalancerControllerValues(args: AwsLoadBalancerControllerValues) {
  return {
    clusterName: args.clusterName,
    region: args.region,
    vpcId: args.vpcId,
    serviceAccount: { create: true, name: loadBalancerControllerServiceAccount },
    replicaCount: 2,
    podDisruptionBudget: { maxUnavailable: 1 },
    nodeSelector: args.placement.nodeSelector,
    tolerations: args.placement.tolerations,
    topologySpreadConstraints: [
      acrossZones({ "app.kubernetes.io/name": awsLoadBalancerController.name }),
    ],
    resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "512Mi" } },
    podSecurityContext: { fsGroup: 65534, seccompProfile: { type: "RuntimeDefault" } },
    securityContext: {
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    },
    defaultTargetType: "ip",
    defaultLoadBalancerScheme: "internal",
    // Without it every upgrade makes a new certificate for the webhooks.
    keepTLSSecret: true,
    // This webhook fails every Service in the cluster, other releases' too, until the controller is
    // up. No Service here is of type LoadBalancer.
    enableServiceMutatorWebhook: false,
    // Only Gateways are served, no Ingresses.
    createIngressClassResource: false,
    ingressClassParams: { create: false },
    webhookConfig: { disableIngressValidation: true },
    // The older protections are not used; asking for them costs calls and rights.
    enableShield: false,
    enableWaf: false,
    enableWafv2: args.webAcl,
    controllerConfig: {
      // All three are given: otherwise the controller looks once at its start which CRDs there are,
      // and silently turns a feature off when one is missing.
      featureGates: { ALBGatewayAPI: true, NLBGatewayAPI: false, GatewayListenerSet: false },
    },
  };
}
