import { ruleSuite } from "./ruleSuite";
import { subject, unknown } from "./subject";

type Props = Readonly<Record<string, unknown>>;

const group = (...ingress: readonly Props[]) =>
  subject("aws:ec2/securityGroup:SecurityGroup", { ingress });
const ingressRule = (props: Props) =>
  subject("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", props);
const oldRule = (props: Props) => subject("aws:ec2/securityGroupRule:SecurityGroupRule", props);

ruleSuite("security-group-closed", {
  passes: {
    "a network by its range": {
      of: group({ cidrBlocks: ["10.0.0.0/8"], fromPort: 443, toPort: 443 }),
    },
    "a network by a rule that stands apart": { of: ingressRule({ cidrIpv4: "10.0.0.0/16" }) },
    "private IPv6": { of: ingressRule({ cidrIpv6: "fc00::/7" }) },
    "another group": { of: ingressRule({ referencedSecurityGroupId: "sg-0" }) },
    "the world on the way out": { of: oldRule({ type: "egress", cidrBlocks: ["0.0.0.0/0"] }) },
    "a group whose rules stand apart": { of: subject("aws:ec2/securityGroup:SecurityGroup") },
  },
  fails: {
    "the world": {
      of: group({ cidrBlocks: ["10.0.0.0/8", "0.0.0.0/0"], fromPort: 22, toPort: 22 }),
      says: [/lets 0\.0\.0\.0\/0 in, ports 22 to 22/],
    },
    "the world of IPv6": {
      of: group({ ipv6CidrBlocks: ["::/0"] }),
      says: [/lets ::\/0 in, ports all to all/],
    },
    "the world in two halves": {
      of: group({ cidrBlocks: ["0.0.0.0/1", "128.0.0.0/1"] }),
      says: [/lets 0\.0\.0\.0\/1 and 128\.0\.0\.0\/1 in/],
    },
    "a range without a prefix length": {
      of: group({ cidrBlocks: ["0.0.0.0", "::/"] }),
      says: [/lets 0\.0\.0\.0 and ::\/ in/],
    },
    "the world by a rule that stands apart": {
      of: ingressRule({ cidrIpv4: "0.0.0.0/0", fromPort: 443, toPort: 443 }),
      says: [/0\.0\.0\.0\/0 in, ports 443/],
    },
    "the world of IPv6 by such a rule": {
      of: ingressRule({ cidrIpv6: "2000::/3" }),
      says: [/lets 2000::\/3 in/],
    },
    "the world by the older kind of rule": {
      of: oldRule({ type: "ingress", cidrBlocks: ["0.0.0.0/0"] }),
      says: [/lets 0\.0\.0\.0\/0 in/],
    },
    "the world in a VPC's default group": {
      of: subject("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", {
        ingress: [{ cidrBlocks: ["0.0.0.0/0"] }],
      }),
      says: [/lets 0\.0\.0\.0\/0 in/],
    },
  },
  unknown: {
    "rules that are not known": {
      of: subject("aws:ec2/securityGroup:SecurityGroup", { ingress: unknown }),
    },
    "a range that is not known": { of: group({ cidrBlocks: ["10.0.0.0/8", unknown] }) },
    "a range of a rule that stands apart": { of: ingressRule({ cidrIpv4: unknown }) },
    "a direction that is not known": { of: oldRule({ type: unknown, cidrBlocks: ["::/0"] }) },
    "a group that is not known: it is one": {
      of: ingressRule({ cidrIpv4: "10.0.0.0/16", securityGroupId: unknown }),
      comesOut: "passes",
    },
  },
});

const defaultGroup = (props: Props) =>
  subject("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", props);

ruleSuite("default-security-group-empty", {
  passes: {
    "a group without rules": { of: defaultGroup({ ingress: [], egress: [] }) },
    "a group of which nothing is said": { of: defaultGroup({}) },
  },
  fails: {
    "a group with rules": {
      of: defaultGroup({ ingress: [{ self: true }], egress: [{ cidrBlocks: ["0.0.0.0/0"] }] }),
      says: [/ingress has rules/, /egress has rules/],
    },
  },
  unknown: { "rules that are not known": { of: defaultGroup({ ingress: [], egress: unknown }) } },
});

const loadBalancer = (spec: Props) =>
  subject("kubernetes:gateway.k8s.aws/v1:LoadBalancerConfiguration", { spec });
const https = [{ protocolPort: "HTTPS:443", defaultCertificate: "arn:aws:acm:x:1:certificate/c" }];
const open = { scheme: "internet-facing", listenerConfigurations: https };
const asking = (action: Props) =>
  subject("kubernetes:gateway.k8s.aws/v1:ListenerRuleConfiguration", {
    metadata: { name: "sign-in" },
    spec: { actions: [action] },
  });
const cognito = { type: "authenticate-cognito", authenticateCognitoConfig: {} };
const asked = {
  filters: [{ extensionRef: { kind: "ListenerRuleConfiguration", name: "sign-in" } }],
};
const route = (...rules: readonly Props[]) =>
  subject("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", { spec: { rules } });
const unguarded = [/without allowed networks, web ACL or authentication/];

ruleSuite("public-gateway-protected", {
  passes: {
    "a gateway of the VPC": { of: loadBalancer({ scheme: "internal" }) },
    "a gateway by default: of the VPC": { of: loadBalancer({}) },
    "a public one for some networks": {
      of: loadBalancer({ ...open, sourceRanges: ["203.0.113.0/24"] }),
    },
    "a public one behind a web ACL": { of: loadBalancer({ ...open, wafV2: { webACL: "arn:w" } }) },
    "a public one whose every rule asks who is there": {
      of: loadBalancer(open),
      among: [asking(cognito), route(asked, asked)],
    },
  },
  fails: {
    "plain text": {
      of: loadBalancer({
        scheme: "internet-facing",
        listenerConfigurations: [{ protocolPort: "HTTP:80" }],
        sourceRanges: ["203.0.113.0/24"],
      }),
      says: [/the listener HTTP:80 is internet-facing without TLS/],
    },
    "plain text beside TLS": {
      of: loadBalancer({
        ...open,
        listenerConfigurations: [{ protocolPort: "HTTP:80" }, ...https],
        sourceRanges: ["203.0.113.0/24"],
      }),
      says: [/the listener HTTP:80 is internet-facing without TLS/],
    },
    "no listener that is known to have TLS": {
      of: loadBalancer({ scheme: "internet-facing", sourceRanges: ["203.0.113.0/24"] }),
      says: [/is internet-facing without TLS/],
    },
    "a listener without a certificate": {
      of: loadBalancer({
        ...open,
        listenerConfigurations: [{ protocolPort: "HTTPS:443" }],
        sourceRanges: ["203.0.113.0/24"],
      }),
      says: [/the listener HTTPS:443 has no certificate/],
    },
    everybody: { of: loadBalancer(open), says: unguarded },
    "everybody by a range": {
      of: loadBalancer({ ...open, sourceRanges: ["203.0.113.0/24", "0.0.0.0/0"] }),
      says: unguarded,
    },
    "everybody by a range without a prefix length": {
      of: loadBalancer({ ...open, sourceRanges: ["0.0.0.0"] }),
      says: unguarded,
    },
    "a rule that does not ask": {
      of: loadBalancer(open),
      among: [asking(cognito), route(asked, { filters: [] })],
      says: unguarded,
    },
    "a rule that asks and lets in who does not answer": {
      of: loadBalancer(open),
      among: [
        asking({ ...cognito, authenticateCognitoConfig: { onUnauthenticatedRequest: "allow" } }),
        route(asked),
      ],
      says: unguarded,
    },
    "a rule by a configuration that only forwards": {
      of: loadBalancer(open),
      among: [asking({ type: "forward" }), route(asked)],
      says: unguarded,
    },
    "authentication without a route": {
      of: loadBalancer(open),
      among: [asking(cognito)],
      says: unguarded,
    },
  },
  unknown: {
    "a scheme that is not known": { of: loadBalancer({ ...open, scheme: unknown }) },
    "networks that are not known": { of: loadBalancer({ ...open, sourceRanges: [unknown] }) },
    "listeners that are not known": {
      of: loadBalancer({ ...open, listenerConfigurations: unknown }),
    },
    "a route whose rules are not known": {
      of: loadBalancer(open),
      among: [
        asking(cognito),
        subject("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", { spec: { rules: unknown } }),
      ],
    },
    "a certificate and a web ACL that are not known: it has them": {
      of: loadBalancer({
        scheme: "internet-facing",
        listenerConfigurations: [{ protocolPort: "HTTPS:443", defaultCertificate: unknown }],
        wafV2: { webACL: unknown },
      }),
      comesOut: "passes",
    },
  },
});

const scheme = "service.beta.kubernetes.io/aws-load-balancer-scheme";
const service = (type: unknown, annotations: Props = {}) =>
  subject("kubernetes:core/v1:Service", {
    kind: "Service",
    metadata: { annotations },
    spec: { type },
  });
const ingress = (annotations: Props) =>
  subject("kubernetes:networking.k8s.io/v1:Ingress", {
    kind: "Ingress",
    metadata: { annotations },
  });

ruleSuite("service-not-public", {
  passes: {
    "a Service within the cluster": { of: service("ClusterIP") },
    "a Service by default": { of: service(undefined) },
    "an internal load balancer": { of: service("LoadBalancer", { [scheme]: "internal" }) },
    "an internal Ingress": { of: ingress({ "alb.ingress.kubernetes.io/scheme": "internal" }) },
    "an internal load balancer of AWS": {
      of: subject("aws:lb/loadBalancer:LoadBalancer", { internal: true }),
    },
  },
  fails: {
    "a load balancer of whatever scheme": {
      of: service("LoadBalancer"),
      says: [/LoadBalancer without the scheme internal/],
    },
    "a public load balancer": {
      of: service("LoadBalancer", { [scheme]: "internet-facing" }),
      says: [/LoadBalancer without the scheme internal/],
    },
    "a Service that does not say what it is": {
      of: subject("kubernetes:core/v1:Service", { spec: { type: "LoadBalancer" } }),
      says: [/LoadBalancer without the scheme internal/],
    },
    "a port on every node": { of: service("NodePort"), says: [/opens a port on every node/] },
    "an Ingress of whatever scheme": {
      of: ingress({}),
      says: [/Ingress without the scheme internal/],
    },
    "a load balancer of AWS": {
      of: subject("aws:lb/loadBalancer:LoadBalancer"),
      says: [/is internet-facing/],
    },
    "a classic load balancer": {
      of: subject("aws:elb/loadBalancer:LoadBalancer", { internal: false }),
      says: [/is internet-facing/],
    },
  },
  unknown: {
    "a kind of Service that is not known": { of: service(unknown) },
    "a scheme that is not known": { of: service("LoadBalancer", { [scheme]: unknown }) },
    "a load balancer of AWS of which it is not known": {
      of: subject("aws:lb/loadBalancer:LoadBalancer", { internal: unknown }),
    },
  },
});

const component = (props: Props) => subject("eks:index:Cluster", props);
const cluster = (vpcConfig: Props) => subject("aws:eks/cluster:Cluster", { vpcConfig });

ruleSuite("cluster-endpoint-restricted", {
  passes: {
    "a private endpoint": { of: component({ endpointPublicAccess: false }) },
    "a public one for some networks": {
      of: cluster({
        endpointPublicAccess: true,
        publicAccessCidrs: ["203.0.113.0/24", "2001:db8::/32"],
      }),
    },
    "a public one for a larger network where that is enough": {
      of: cluster({ publicAccessCidrs: ["10.0.0.0/8"] }),
      config: { largestNetwork: 8 },
    },
    "a component that its provider builds: in the engine it has no properties": {
      of: component({}),
    },
  },
  fails: {
    "a public endpoint by default": {
      of: component({ authenticationMode: "API" }),
      says: [/publicAccessCidrs is not set/],
    },
    "a public endpoint without networks": {
      of: cluster({ endpointPublicAccess: true, publicAccessCidrs: [] }),
      says: [/publicAccessCidrs is not set/],
    },
    "a public endpoint for everybody": {
      of: component({ publicAccessCidrs: ["0.0.0.0/0", "::/0"] }),
      says: [/is open to 0\.0\.0\.0\/0/, /is open to ::\/0/],
    },
    "a public endpoint for a network without a prefix length": {
      of: component({ publicAccessCidrs: ["0.0.0.0"] }),
      says: [/is open to 0\.0\.0\.0/],
    },
    "a public endpoint for everybody in halves": {
      of: cluster({ publicAccessCidrs: ["0.0.0.0/1", "128.0.0.0/1", "2000::/3"] }),
      says: [/0\.0\.0\.0\/1/, /128\.0\.0\.0\/1/, /2000::\/3/],
    },
    "a public endpoint for a network that is larger than the config allows": {
      of: cluster({ publicAccessCidrs: ["203.0.113.0/24"] }),
      config: { largestNetwork: 32 },
      says: [/is open to 203\.0\.113\.0\/24/],
    },
  },
  unknown: {
    "an endpoint of which it is not known": { of: component({ endpointPublicAccess: unknown }) },
    "networks that are not known": { of: cluster({ publicAccessCidrs: unknown }) },
    "a network that is not known": {
      of: component({ publicAccessCidrs: ["203.0.113.0/24", unknown] }),
    },
  },
});

ruleSuite("cluster-secrets-encrypted", {
  passes: {
    "a cluster with a key": { of: component({ encryptionConfigKeyArn: "arn:aws:kms:x:1:key/k" }) },
    "EKS's cluster with a key": {
      of: subject("aws:eks/cluster:Cluster", {
        encryptionConfig: { provider: { keyArn: "arn:aws:kms:x:1:key/k" }, resources: ["secrets"] },
      }),
    },
    "a component that its provider builds: in the engine it has no properties": {
      of: component({}),
    },
  },
  fails: {
    "a cluster without": {
      of: component({ authenticationMode: "API" }),
      says: [/encryptionConfigKeyArn is not set/],
    },
    "EKS's cluster without": {
      of: subject("aws:eks/cluster:Cluster"),
      says: [/encryptionConfig is not set/],
    },
  },
  unknown: {
    "a key that is not known yet: there is one": {
      of: component({ encryptionConfigKeyArn: unknown }),
      comesOut: "passes",
    },
  },
});

const logging = (enabledClusterLogTypes: unknown) => component({ enabledClusterLogTypes });

ruleSuite("cluster-audited", {
  passes: {
    "who did what, and who came in": { of: logging(["audit", "authenticator"]) },
    "EKS's cluster with all": {
      of: subject("aws:eks/cluster:Cluster", {
        enabledClusterLogTypes: ["api", "audit", "authenticator", "controllerManager"],
      }),
    },
    "what the config wants": { of: logging(["audit"]), config: { logTypes: ["audit"] } },
    "a component that its provider builds: in the engine it has no properties": {
      of: component({}),
    },
  },
  fails: {
    "a cluster by default": {
      of: subject("aws:eks/cluster:Cluster"),
      says: [/does not log audit, authenticator/],
    },
    "a cluster without one": {
      of: logging(["api", "audit"]),
      says: [/does not log authenticator/],
    },
    "a cluster without what the config wants": {
      of: logging(["audit", "authenticator"]),
      config: { logTypes: ["api"] },
      says: [/does not log api/],
    },
  },
  unknown: {
    "logs that are not known": { of: logging(unknown) },
    "a log that is not known": { of: logging(["audit", unknown]) },
  },
});

const nodeClass = (associatePublicIPAddress: unknown) =>
  subject("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", { spec: { associatePublicIPAddress } });
const launchTemplate = (networkInterfaces: unknown) =>
  subject("aws:ec2/launchTemplate:LaunchTemplate", { networkInterfaces });

ruleSuite("machines-have-no-public-address", {
  passes: {
    "a node class that says so": { of: nodeClass(false) },
    "a launch template that says so": {
      of: launchTemplate([{ associatePublicIpAddress: "false" }]),
    },
    "a launch template that leaves it to the subnet": { of: launchTemplate(undefined) },
    "a machine that says so": {
      of: subject("aws:ec2/instance:Instance", { associatePublicIpAddress: false }),
    },
  },
  fails: {
    "a node class that leaves it to the subnet": {
      of: nodeClass(undefined),
      says: [/associatePublicIPAddress is not false/],
    },
    "a node class": { of: nodeClass(true), says: [/associatePublicIPAddress is not false/] },
    "a launch template, whose booleans are texts": {
      of: launchTemplate([{ associatePublicIpAddress: "true" }]),
      says: [/associatePublicIpAddress is true/],
    },
    "a machine": {
      of: subject("aws:ec2/instance:Instance", { associatePublicIpAddress: true }),
      says: [/associatePublicIpAddress is true/],
    },
  },
  unknown: {
    "a node class of which it is not known": { of: nodeClass(unknown) },
    "a launch template of which it is not known": {
      of: launchTemplate([{ associatePublicIpAddress: unknown }]),
    },
    "interfaces that are not known": { of: launchTemplate(unknown) },
  },
});
