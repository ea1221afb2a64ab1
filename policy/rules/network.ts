import { z } from "zod";
import { listed } from "../listed";
import { isSet, ofType, type Stack } from "../resource";
import { type Area, resourceRule, stackRule } from "../rule";

/**
 * The longest prefix that is as good as the whole internet: nobody owns more than a /8 of IPv4, and
 * private IPv6 is fc00::/7 (RFC 4193).
 */
function isWorld(cidr: string): boolean {
  return prefixLength(cidr) < (isIpv6(cidr) ? 7 : 8);
}

function isIpv6(cidr: string): boolean {
  return cidr.includes(":");
}

/** A range that does not say how long its prefix is may be any: `0.0.0.0`. */
function prefixLength(cidr: string): number {
  return Number(cidr.split("/")[1]) || 0;
}

const noWorldIngress = resourceRule({
  name: "security-group-closed",
  level: "mandatory",
  protectsFrom: "A port that the whole internet can knock at.",
  remedy:
    "Name the networks that may come in. A public gateway is opened by its load balancer configuration, under rules of its own.",
  types: [
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/securityGroupRule:SecurityGroupRule",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  ],
  check: ({ type, props }, report) => {
    for (const rule of ingressRules(type, props)) {
      const open = [
        ...listed(rule.cidrBlocks),
        ...listed(rule.ipv6CidrBlocks),
        ...listed(rule.cidrIpv4),
        ...listed(rule.cidrIpv6),
      ].filter((cidr) => isWorld(String(cidr)));
      if (open.length > 0)
        report(
          `lets ${open.join(" and ")} in, ports ${rule.fromPort ?? "all"} to ${rule.toPort ?? "all"}`,
        );
    }
  },
});

// biome-ignore lint/suspicious/noExplicitAny: a resource's own properties
function ingressRules(type: string, props: any): readonly any[] {
  if (type.endsWith(":SecurityGroupIngressRule")) return [props];
  if (type.endsWith(":SecurityGroupRule")) return props.type === "ingress" ? [props] : [];
  return listed(props.ingress);
}

const defaultGroupClosed = resourceRule({
  name: "default-security-group-empty",
  level: "mandatory",
  protectsFrom:
    "A machine that somebody starts without naming a security group, open to its neighbours.",
  remedy: "Leave ingress and egress empty.",
  types: ["aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"],
  check: ({ props }, report) => {
    for (const direction of ["ingress", "egress"])
      if (listed(props[direction]).length > 0) report(`${direction} has rules`);
  },
});

const publicGateway = stackRule({
  name: "public-gateway-protected",
  level: "mandatory",
  protectsFrom:
    "A picture machine for everybody, in plain text: the bill and the pictures are yours.",
  remedy:
    "Set gateway.certificateArn and one of gateway.allowedCidrs, gateway.webAclArn and gateway.authentication, or leave the scheme internal.",
  types: ["kubernetes:gateway.k8s.aws/v1:LoadBalancerConfiguration"],
  check: ({ props }, stack, report) => {
    const { spec } = props;
    if (spec?.scheme !== "internet-facing") return;
    const listeners = listed(spec.listenerConfigurations);
    if (listeners.length === 0) report("is internet-facing without TLS");
    for (const listener of listeners) {
      const { protocolPort } = listener;
      if (!/^(HTTPS|TLS):/.test(protocolPort))
        report(`the listener ${protocolPort} is internet-facing without TLS`);
      else if (!isSet(listener, "defaultCertificate"))
        report(`the listener ${protocolPort} has no certificate`);
    }
    const ranges = listed(spec.sourceRanges).map(String);
    const narrow = ranges.length > 0 && !ranges.some(isWorld);
    if (!narrow && !isSet(spec.wafV2, "webACL") && !isAuthenticated(stack))
      report("is internet-facing without allowed networks, web ACL or authentication");
  },
});

interface Action {
  readonly type?: string;
  readonly authenticateCognitoConfig?: { readonly onUnauthenticatedRequest?: string };
  readonly authenticateOIDCConfig?: { readonly onUnauthenticatedRequest?: string };
}

/** Whether an action turns away who is not known. */
function isAsking({ type, authenticateCognitoConfig, authenticateOIDCConfig }: Action): boolean {
  return (
    /^authenticate-(cognito|oidc)$/.test(type ?? "") &&
    ![authenticateCognitoConfig, authenticateOIDCConfig].some(
      (config) => config?.onUnauthenticatedRequest === "allow",
    )
  );
}

interface Reference {
  readonly extensionRef?: { readonly kind?: string; readonly name?: string };
}

/** Whether every rule of every route asks who is there before it forwards. */
function isAuthenticated(stack: Stack): boolean {
  const asking = ofType(stack, "kubernetes:gateway.k8s.aws/v1:ListenerRuleConfiguration")
    .filter(({ props }) => listed<Action>(props.spec?.actions).some(isAsking))
    .map(({ props }) => props.metadata?.name);
  const routes = ofType(stack, "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute");
  const rules = routes.flatMap(({ props }) => listed(props.spec?.rules));
  return (
    rules.length > 0 &&
    rules.every(({ filters }: { filters?: readonly Reference[] }) =>
      listed(filters).some(
        ({ extensionRef }) =>
          extensionRef?.kind === "ListenerRuleConfiguration" && asking.includes(extensionRef.name),
      ),
    )
  );
}

const noPublicService = resourceRule({
  name: "service-not-public",
  level: "mandatory",
  protectsFrom: "A load balancer beside the gateway, with none of its protection.",
  remedy: "Make it a ClusterIP Service and route to it through the gateway.",
  types: [
    "kubernetes:core/v1:Service",
    "kubernetes:networking.k8s.io/v1:Ingress",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:alb/loadBalancer:LoadBalancer",
    "aws:elb/loadBalancer:LoadBalancer",
  ],
  check: ({ type, props }, report) => {
    if (type.startsWith("aws:")) {
      if (props.internal !== true) report("is internet-facing");
      return;
    }
    const annotations = props.metadata?.annotations ?? {};
    const scheme =
      annotations["service.beta.kubernetes.io/aws-load-balancer-scheme"] ??
      annotations["alb.ingress.kubernetes.io/scheme"];
    const kind = type.endsWith(":Service") ? props.spec?.type : "Ingress";
    if (["LoadBalancer", "Ingress"].includes(kind) && scheme !== "internal")
      report(`${kind} without the scheme internal`);
    if (kind === "NodePort") report("opens a port on every node");
  },
});

const clusterTypes = ["eks:index:Cluster", "aws:eks/cluster:Cluster"] as const;

function isComponent(type: string): boolean {
  return type === "eks:index:Cluster";
}

/** In the engine a component that its provider builds has no inputs of its own; its cluster has. */
function isBuiltByProvider(type: string, props: object): boolean {
  return isComponent(type) && Object.keys(props).length === 0;
}

/** What a registry hands to a whole provider (RIPE-738, section 5.1.2: /32). */
const largestIpv6Network = 32;

const clusterEndpoint = resourceRule({
  name: "cluster-endpoint-restricted",
  level: "mandatory",
  protectsFrom: "A Kubernetes API that the whole internet can try passwords and exploits at.",
  remedy: "Leave the public endpoint off, or name networks in cluster.publicAccessCidrs.",
  types: clusterTypes,
  config: {
    largestNetwork: z
      .number()
      .int()
      .min(1)
      .max(32)
      .default(16)
      .describe("The shortest prefix length of an IPv4 network that may come in."),
  },
  check: ({ type, props }, report, { largestNetwork }) => {
    const settings = isComponent(type) ? props : props.vpcConfig;
    if (!settings || isBuiltByProvider(type, props) || settings.endpointPublicAccess === false)
      return;
    const cidrs = listed(settings.publicAccessCidrs).map(String);
    if (cidrs.length === 0) report("the public endpoint is open, and publicAccessCidrs is not set");
    for (const cidr of cidrs)
      if (prefixLength(cidr) < (isIpv6(cidr) ? largestIpv6Network : largestNetwork))
        report(`the public endpoint is open to ${cidr}`);
  },
});

const clusterEncrypted = resourceRule({
  name: "cluster-secrets-encrypted",
  level: "mandatory",
  protectsFrom: "Kubernetes secrets in etcd's backups under a key that is not yours to revoke.",
  remedy: "Give the cluster a KMS key.",
  types: clusterTypes,
  check: ({ type, props }, report) => {
    if (isBuiltByProvider(type, props)) return;
    const property = isComponent(type) ? "encryptionConfigKeyArn" : "encryptionConfig";
    if (!isSet(props, property)) report(`${property} is not set`);
  },
});

const clusterAudited = resourceRule({
  name: "cluster-audited",
  level: "mandatory",
  protectsFrom: "An intruder, or a mistake, that left no trace.",
  remedy: "Add the missing types to cluster.logs.types.",
  types: clusterTypes,
  config: {
    logTypes: z
      .array(z.enum(["api", "audit", "authenticator", "controllerManager", "scheduler"]))
      .default(["audit", "authenticator"])
      .describe("The control plane's logs that have to be written."),
  },
  check: ({ type, props }, report, { logTypes }) => {
    if (isBuiltByProvider(type, props)) return;
    const written = listed(props.enabledClusterLogTypes);
    const missing = logTypes.filter((logType) => !written.includes(logType));
    if (missing.length > 0) report(`the control plane does not log ${missing.join(", ")}`);
  },
});

const noPublicAddress = resourceRule({
  name: "machines-have-no-public-address",
  level: "mandatory",
  protectsFrom: "A node that can be reached from the internet, past the gateway.",
  remedy: "Set associatePublicIPAddress to false and use private subnets.",
  types: [
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ec2/instance:Instance",
    "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass",
  ],
  check: ({ type, props }, report) => {
    if (type.endsWith(":EC2NodeClass")) {
      if (props.spec?.associatePublicIPAddress !== false)
        report("associatePublicIPAddress is not false");
      return;
    }
    const interfaces = [props, ...listed(props.networkInterfaces)];
    for (const { associatePublicIpAddress } of interfaces)
      if ([true, "true"].includes(associatePublicIpAddress))
        report("associatePublicIpAddress is true");
  },
});

export const network: Area = {
  title: "Network and cluster",
  rules: [
    noWorldIngress,
    defaultGroupClosed,
    publicGateway,
    noPublicService,
    clusterEndpoint,
    clusterEncrypted,
    clusterAudited,
    noPublicAddress,
  ],
};
