import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import {
  FAILOVER_CONTROLLER,
  FAILOVER_SETTINGS_CONFIG_MAP,
  FAILOVER_STATUS_CONFIG_MAP,
} from "../contracts/failover";
import { labels } from "../contracts/labels";
import { ROUTE_TABLES_CONFIG_MAP } from "../contracts/routeTable";
import { dns1123Label } from "../fleet/names";
import { nameIn, type Scope } from "./scope";

/** What the controller may write, by name. */
export interface FailoverTargets {
  /** HTTPRoutes, one per model. */
  readonly routes: readonly string[];
  /** ScaledObjects, one per unit. */
  readonly scaledObjects: readonly string[];
  /** Deployments of capacity probes. */
  readonly probes: readonly string[];
}

/** A rule of a Role, as Kubernetes has it. */
export interface AccessRule {
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly resourceNames?: string[];
  readonly verbs: string[];
}

/** How a collection is kept in step with the server. */
const follow = ["list", "watch"];

/** What the controller may do in the units' namespace: see what it decides by, write what it owns. */
export function rulesInFleet({ routes, scaledObjects, probes }: FailoverTargets): AccessRule[] {
  return [
    rule("gateway.networking.k8s.io", "httproutes", follow),
    ...ruleFor(routes, "gateway.networking.k8s.io", "httproutes", ["patch"]),
    rule("keda.sh", "scaledobjects", follow),
    ...ruleFor(scaledObjects, "keda.sh", "scaledobjects", ["patch"]),
    rule("", "pods", follow),
    rule("apps", "deployments", follow),
    ...ruleFor(probes, "apps", "deployments/scale", ["patch"]),
    // Holds for a list or watch that selects one of them by `metadata.name`.
    ...ruleFor([ROUTE_TABLES_CONFIG_MAP, FAILOVER_SETTINGS_CONFIG_MAP], "", "configmaps", follow),
    ...ruleFor([FAILOVER_STATUS_CONFIG_MAP], "", "configmaps", ["get", "patch"]),
    ...ruleFor([FAILOVER_CONTROLLER], "coordination.k8s.io", "leases", ["get", "update"]),
    rule("", "events", ["create"]),
  ];
}

/** Karpenter's objects have no namespace; the controller only looks at them. */
export const rulesInCluster: readonly AccessRule[] = [
  rule("karpenter.sh", "nodeclaims", follow),
  rule("karpenter.sh", "nodepools", follow),
];

/** Events about objects without a namespace are kept in `default`, Karpenter's among them. */
export const rulesInDefault: readonly AccessRule[] = [rule("", "events", follow)];

/** For all objects of a kind. */
function rule(apiGroup: string, resource: string, verbs: readonly string[]): AccessRule {
  return { apiGroups: [apiGroup], resources: [resource], verbs: [...verbs] };
}

/** For the named ones; no rule where there are none, since without names it would be for all. */
function ruleFor(names: readonly string[], ...of: Parameters<typeof rule>): AccessRule[] {
  return names.length === 0 ? [] : [{ ...rule(...of), resourceNames: [...names] }];
}

export interface FailoverAccessArgs {
  readonly scope: Scope;
  readonly namespace: pulumi.Input<string>;
  readonly targets: FailoverTargets;
}

/**
 * The controller's roles, bound to its service account.
 *
 * @returns the bindings, for the controller to wait for
 */
export function failoverAccess(
  { scope, namespace, targets }: FailoverAccessArgs,
  opts: pulumi.CustomResourceOptions,
): readonly pulumi.Resource[] {
  const name = FAILOVER_CONTROLLER;
  // Outside the units' namespace two stacks of one cluster would meet.
  const ofStack = nameIn(scope, name, dns1123Label);
  const objectLabels = labels(name);
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  const { Role, RoleBinding, ClusterRole, ClusterRoleBinding } = kubernetes.rbac.v1;
  const bind = (to: pulumi.Resource) => ({
    ...opts,
    dependsOn: [...dependsOn(opts), to],
  });

  const fleet = { name, namespace, labels: objectLabels };
  const inFleet = new Role(name, { metadata: fleet, rules: rulesInFleet(targets) }, opts);
  const cluster = { name: ofStack, labels: objectLabels };
  const inCluster = new ClusterRole(name, { metadata: cluster, rules: [...rulesInCluster] }, opts);
  const events = { name: ofStack, namespace: "default", labels: objectLabels };
  const inDefault = new Role(
    `${name}-events`,
    { metadata: events, rules: [...rulesInDefault] },
    opts,
  );
  return [
    new RoleBinding(
      name,
      { metadata: fleet, roleRef: roleRef("Role", name), subjects },
      bind(inFleet),
    ),
    new ClusterRoleBinding(
      name,
      { metadata: cluster, roleRef: roleRef("ClusterRole", ofStack), subjects },
      bind(inCluster),
    ),
    new RoleBinding(
      `${name}-events`,
      { metadata: events, roleRef: roleRef("Role", ofStack), subjects },
      bind(inDefault),
    ),
  ];
}

function roleRef(kind: "Role" | "ClusterRole", name: string) {
  return { apiGroup: "rbac.authorization.k8s.io", kind, name };
}

function dependsOn({ dependsOn: given }: pulumi.CustomResourceOptions): pulumi.Resource[] {
  return [given ?? []].flat() as pulumi.Resource[];
}
