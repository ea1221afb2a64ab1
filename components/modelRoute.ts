import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labels, MODEL_LABEL } from "../contracts/labels";
import {
  type Backend,
  type ModelRouteTable,
  otherMode,
  SERVICE_PORT,
  STANDBY_HEADER,
} from "../contracts/routeTable";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import type { Gateway } from "./gateway";
import { serverService } from "./serverService";
import { TargetGroup, type TargetGroupSettings } from "./targetGroup";

export interface ModelRouteArgs {
  readonly namespace: pulumi.Input<string>;
  readonly gateway: Gateway;
  readonly table: ModelRouteTable;
  readonly hostnames: readonly string[];
  readonly pathPrefix: string;
  readonly targetGroup: TargetGroupSettings;
  /** The units' Services and how they are checked: they must be there before the route. */
  readonly units: readonly {
    readonly service: pulumi.Resource;
    readonly targetGroup: TargetGroup;
  }[];
}

/**
 * One model at the gateway: its cross-unit Service and its HTTPRoute.
 *
 * The route has two rules. The one without a header match carries the traffic by the configured
 * mode's backends; the other names the backends of the other mode, so that their target groups stay
 * registered and healthy and a switch, which swaps the two, waits for nothing.
 */
export class ModelRoute extends pulumi.ComponentResource {
  readonly service: kubernetes.core.v1.Service;
  readonly route: kubernetes.apiextensions.CustomResource;

  constructor(name: string, args: ModelRouteArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:ModelRoute", name, {}, pulumiOptions(opts));
    const inside = childOptions(this, opts);
    const objectLabels = labels(name, { [MODEL_LABEL]: args.table.model });
    this.service = serverService(
      name,
      {
        namespace: args.namespace,
        labels: objectLabels,
        selector: {
          [MODEL_LABEL]: args.table.model,
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
    this.route = new kubernetes.apiextensions.CustomResource(
      name,
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "HTTPRoute",
        metadata: { name, namespace: args.namespace, labels: objectLabels },
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
          rules: rules(args),
        },
      },
      childOptions(this, opts, [
        args.gateway.resource,
        targetGroup.resource,
        ...args.units.flatMap((unit) => [unit.service, unit.targetGroup.resource]),
      ]),
    );
    this.registerOutputs({});
  }
}

function rules({ table, pathPrefix, gateway }: ModelRouteArgs) {
  const path = { type: "PathPrefix", value: pathPrefix };
  const filters = gateway.ruleFilter === undefined ? {} : { filters: [gateway.ruleFilter] };
  const { modes, configuredMode } = table;
  return [
    {
      matches: [{ path }],
      ...filters,
      backendRefs: modes[configuredMode].backends.map(backendRef),
    },
    {
      matches: [{ path, headers: [{ type: "Exact", ...STANDBY_HEADER }] }],
      ...filters,
      backendRefs: modes[otherMode(configuredMode)].backends.map(backendRef),
    },
  ];
}

function backendRef({ service, weight }: Backend) {
  return { group: "", kind: "Service", name: service, port: SERVICE_PORT, weight };
}
