import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labels, MODEL_LABEL } from "../contracts/labels";
import type { ModelRouteTable } from "../contracts/routeTable";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import type { Gateway } from "./gateway";
import { serverService } from "./serverService";
import { sharedOwnership } from "./sharedOwnership";
import { TargetGroup, type TargetGroupSettings } from "./targetGroup";

export interface ModelRouteArgs {
  readonly namespace: pulumi.Input<string>;
  readonly gateway: Gateway;
  readonly table: ModelRouteTable;
  readonly hostnames: readonly string[];
  readonly targetGroup: TargetGroupSettings;
  /** Whether the fail-over controller owns the route's rules. */
  readonly failover: boolean;
  /** The units' Services and how they are checked: they must be there before the route. */
  readonly units: readonly {
    readonly service: pulumi.Resource;
    readonly targetGroup: TargetGroup;
  }[];
}

/**
 * One model at the gateway: its cross-unit Service and its HTTPRoute, whose rules are the route
 * table's of the configured mode. With fail-over they are so once; then they are the controller's.
 */
export class ModelRoute extends pulumi.ComponentResource {
  readonly service: kubernetes.core.v1.Service;
  readonly route: kubernetes.apiextensions.CustomResource;
  /** What rules of either mode name or need: whoever writes any has to wait for it. */
  readonly routable: readonly pulumi.Resource[];

  constructor(name: string, args: ModelRouteArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:ModelRoute", name, {}, pulumiOptions(opts));
    const inside = childOptions(this, opts);
    const { table } = args;
    const objectLabels = labels(name, { [MODEL_LABEL]: table.model });
    this.service = serverService(
      name,
      {
        namespace: args.namespace,
        labels: objectLabels,
        selector: {
          [MODEL_LABEL]: table.model,
          "app.kubernetes.io/component": "inference-server",
        },
      },
      inside,
    );
    const targetGroup = new TargetGroup(
      name,
      {
        namespace: args.namespace,
        service: this.service,
        serviceName: name,
        labels: objectLabels,
        settings: args.targetGroup,
      },
      inside,
    );
    this.routable = [
      ...args.gateway.ready,
      ...[{ service: this.service, targetGroup }, ...args.units].flatMap((backend) => [
        backend.service,
        backend.targetGroup.resource,
      ]),
    ];
    const { annotations, options } = sharedOwnership("spec.rules", args.failover);
    this.route = new kubernetes.apiextensions.CustomResource(
      name,
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "HTTPRoute",
        metadata: { name, namespace: args.namespace, labels: objectLabels, annotations },
        spec: {
          parentRefs: [
            {
              group: "gateway.networking.k8s.io",
              kind: "Gateway",
              name: args.gateway.name,
              sectionName: args.gateway.listener,
            },
          ],
          ...(args.hostnames.length === 0 ? {} : { hostnames: args.hostnames }),
          rules: table.modes[table.configuredMode].rules,
        },
      },
      {
        ...childOptions(this, opts, this.routable),
        ...options,
      },
    );
    this.registerOutputs({});
  }
}
