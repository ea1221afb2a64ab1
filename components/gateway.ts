import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labels } from "../contracts/labels";
import { dns1123Label, loadBalancerName } from "../fleet/names";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import { nameIn, type Scope } from "./scope";

export interface GatewayArgs {
  readonly scope: Scope;
  readonly namespace: pulumi.Input<string>;
  readonly scheme: "internal" | "internet-facing";
  /** ACM certificate; with it the one listener is HTTPS on 443, without it HTTP on 80. */
  readonly certificateArn?: string;
  readonly tlsPolicy: string;
  /** Who may connect: never left out, since the controller would then open the listener to all. */
  readonly sourceRanges: pulumi.Input<readonly pulumi.Input<string>[]>;
  readonly subnetIds: pulumi.Input<readonly string[]>;
  readonly webAclArn?: string;
  /** Sign-in by Amazon Cognito before a request is forwarded. */
  readonly authentication?: {
    readonly userPoolArn: string;
    readonly clientId: string;
    readonly domain: string;
  };
  /** Keep a client on one unit for this long; on one target of it by the target groups. */
  readonly stickinessSeconds?: number;
  readonly idleTimeoutSeconds: number;
  readonly deletionProtection: boolean;
  /** Bucket for access logs; absent: none. */
  readonly accessLogBucket?: pulumi.Input<string>;
  readonly tags: Readonly<Record<string, string>>;
}

/** One Application Load Balancer, as a Gateway of the AWS Load Balancer Controller. */
export class Gateway extends pulumi.ComponentResource {
  readonly resource: kubernetes.apiextensions.CustomResource;
  readonly name: string;
  readonly listener: string;
  readonly loadBalancerName: string;
  /** Filter for every rule of every route: sign-in and stickiness, where they are wanted. */
  readonly ruleFilter: Readonly<Record<string, unknown>> | undefined;
  /** What routes have to wait for, the filter's own object among them. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: GatewayArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:Gateway", name, {}, pulumiOptions(opts));
    const inside = childOptions(this, opts);
    this.name = name;
    this.listener = args.certificateArn === undefined ? "http" : "https";
    this.loadBalancerName = nameIn(args.scope, "alb", loadBalancerName);

    const gatewayClass = createGatewayClass(name, args, inside);
    const configuration = createConfiguration(name, this.loadBalancerName, args, inside);
    const ruleConfiguration = createRuleConfiguration(name, args, inside);
    this.ruleFilter = ruleConfiguration && {
      type: "ExtensionRef",
      extensionRef: {
        group: "gateway.k8s.aws",
        kind: "ListenerRuleConfiguration",
        // As it is written below, not as an output: route tables are plain data.
        name: ruleConfigurationName(name),
      },
    };
    this.resource = new kubernetes.apiextensions.CustomResource(
      name,
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "Gateway",
        metadata: { name, namespace: args.namespace, labels: labels(name) },
        spec: {
          gatewayClassName: gatewayClass.metadata.name,
          infrastructure: {
            parametersRef: {
              group: "gateway.k8s.aws",
              kind: "LoadBalancerConfiguration",
              name: configuration.metadata.name,
            },
          },
          listeners: [
            {
              name: this.listener,
              protocol: this.listener.toUpperCase(),
              port: listenerPort(args),
              allowedRoutes: { namespaces: { from: "Same" } },
            },
          ],
        },
      },
      {
        ...childOptions(this, opts, [
          gatewayClass,
          configuration,
          ...(ruleConfiguration ? [ruleConfiguration] : []),
        ]),
        // It goes when the controller has taken the load balancer and its target groups down.
        customTimeouts: { delete: "30m" },
      },
    );
    this.ready = [this.resource, ...(ruleConfiguration ? [ruleConfiguration] : [])];
    this.registerOutputs({});
  }
}

function ruleConfigurationName(gateway: string): string {
  return `${gateway}-rules`;
}

function listenerPort({ certificateArn }: GatewayArgs): number {
  return certificateArn === undefined ? 80 : 443;
}

function createGatewayClass(name: string, { scope }: GatewayArgs, opts: pulumi.ResourceOptions) {
  return new kubernetes.apiextensions.CustomResource(
    `${name}-class`,
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "GatewayClass",
      metadata: { name: nameIn(scope, "alb", dns1123Label), labels: labels(name) },
      spec: { controllerName: "gateway.k8s.aws/alb" },
    },
    opts,
  );
}

function createConfiguration(
  name: string,
  albName: string,
  args: GatewayArgs,
  opts: pulumi.ResourceOptions,
) {
  const port = listenerPort(args);
  return new kubernetes.apiextensions.CustomResource(
    `${name}-configuration`,
    {
      apiVersion: "gateway.k8s.aws/v1",
      kind: "LoadBalancerConfiguration",
      metadata: { name, namespace: args.namespace, labels: labels(name) },
      spec: {
        loadBalancerName: albName,
        scheme: args.scheme,
        ipAddressType: "ipv4",
        loadBalancerSubnets: pulumi
          .output(args.subnetIds)
          .apply((ids) => ids.map((identifier) => ({ identifier }))),
        sourceRanges: args.sourceRanges,
        listenerConfigurations: [
          args.certificateArn === undefined
            ? { protocolPort: `HTTP:${port}` }
            : {
                protocolPort: `HTTPS:${port}`,
                defaultCertificate: args.certificateArn,
                sslPolicy: args.tlsPolicy,
              },
        ],
        loadBalancerAttributes: attributes(args),
        ...(args.webAclArn === undefined ? {} : { wafV2: { webACL: args.webAclArn } }),
        tags: args.tags,
      },
    },
    opts,
  );
}

/** ELB's attributes, as ModifyLoadBalancerAttributes names them. */
function attributes(args: GatewayArgs) {
  const fixed = {
    "idle_timeout.timeout_seconds": String(args.idleTimeoutSeconds),
    "deletion_protection.enabled": String(args.deletionProtection),
    "routing.http.drop_invalid_header_fields.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "access_logs.s3.enabled": String(args.accessLogBucket !== undefined),
  };
  return [
    ...Object.entries(fixed).map(([key, value]) => ({ key, value })),
    ...(args.accessLogBucket === undefined
      ? []
      : [{ key: "access_logs.s3.bucket", value: args.accessLogBucket }]),
  ];
}

function createRuleConfiguration(name: string, args: GatewayArgs, opts: pulumi.ResourceOptions) {
  const actions = ruleActions(args);
  if (actions.length === 0) return undefined;
  return new kubernetes.apiextensions.CustomResource(
    `${name}-rules`,
    {
      apiVersion: "gateway.k8s.aws/v1",
      kind: "ListenerRuleConfiguration",
      metadata: {
        name: ruleConfigurationName(name),
        namespace: args.namespace,
        labels: labels(name),
      },
      spec: { actions },
    },
    opts,
  );
}

function ruleActions({ authentication, stickinessSeconds }: GatewayArgs) {
  return [
    ...(authentication === undefined
      ? []
      : [
          {
            type: "authenticate-cognito",
            authenticateCognitoConfig: {
              userPoolArn: authentication.userPoolArn,
              userPoolClientId: authentication.clientId,
              userPoolDomain: authentication.domain,
            },
          },
        ]),
    // Without it a client stays on a target of a group, but not in a group of a weighted rule.
    ...(stickinessSeconds === undefined
      ? []
      : [
          {
            type: "forward",
            forwardConfig: {
              targetGroupStickinessConfig: { enabled: true, durationSeconds: stickinessSeconds },
            },
          },
        ]),
  ];
}
