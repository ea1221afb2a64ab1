import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { HEALTH_PATH } from "../contracts/serverSettings";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";

/** What all target groups of an environment have in common. */
export interface TargetGroupSettings {
  /** Seconds a target may finish its requests after it left. */
  readonly drainSeconds: number;
  /** Keep a client on one target for this long. */
  readonly stickinessSeconds?: number;
}

export interface TargetGroupArgs {
  readonly namespace: pulumi.Input<string>;
  readonly service: pulumi.Resource;
  readonly serviceName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly settings: TargetGroupSettings;
}

/** How the load balancer reaches and checks the pods behind one Service. */
export class TargetGroup extends pulumi.ComponentResource {
  readonly resource: kubernetes.apiextensions.CustomResource;

  constructor(name: string, args: TargetGroupArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:TargetGroup", name, {}, pulumiOptions(opts));
    this.resource = new kubernetes.apiextensions.CustomResource(
      name,
      {
        apiVersion: "gateway.k8s.aws/v1",
        kind: "TargetGroupConfiguration",
        metadata: { name, namespace: args.namespace, labels: args.labels },
        spec: {
          targetReference: { group: "", kind: "Service", name: args.serviceName },
          defaultConfiguration: {
            targetType: "ip",
            protocol: "HTTP",
            protocolVersion: "HTTP1",
            healthCheckConfig: healthCheck,
            targetGroupAttributes: attributes(args.settings),
          },
        },
      },
      childOptions(this, opts, [args.service]),
    );
    this.registerOutputs({});
  }
}

/** Seed 001's annotations, field by field. */
const healthCheck = {
  healthCheckProtocol: "HTTP",
  healthCheckPath: HEALTH_PATH,
  healthCheckInterval: 10,
  healthCheckTimeout: 9,
  healthyThresholdCount: 2,
  unhealthyThresholdCount: 10,
  matcher: { httpCode: "200-301" },
};

function attributes({ drainSeconds, stickinessSeconds }: TargetGroupSettings) {
  const values: Record<string, string> = {
    "deregistration_delay.timeout_seconds": String(drainSeconds),
    "load_balancing.algorithm.type": "round_robin",
    "stickiness.enabled": String(stickinessSeconds !== undefined),
    ...(stickinessSeconds === undefined
      ? {}
      : {
          "stickiness.type": "lb_cookie",
          "stickiness.lb_cookie.duration_seconds": String(stickinessSeconds),
        }),
  };
  return Object.entries(values).map(([key, value]) => ({ key, value }));
}

/** Seconds until a new target that answers counts as healthy, at least. */
export const secondsToHealthy = healthCheck.healthCheckInterval * healthCheck.healthyThresholdCount;
