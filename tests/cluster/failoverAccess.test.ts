import assert from "node:assert/strict";
import type { KubernetesObject } from "./controlPlane/client";
import { environments } from "./environments";
import { describeOnApiServer } from "./onApiServer";
import { plannedObjects } from "./plannedObjects";

const namespace = "diffusion-fleet";
const account = `system:serviceaccount:${namespace}:failover-controller`;

/** `VERB GROUP/RESOURCE[/SUBRESOURCE] [NAME]`, in the units' namespace or where it says. */
type Request = readonly [
  verb: string,
  group: string,
  resource: string,
  name?: string | undefined,
  namespace?: string,
];

const routes = ["gateway.networking.k8s.io", "httproutes"] as const;
const scaled = ["keda.sh", "scaledobjects"] as const;
const leases = ["coordination.k8s.io", "leases"] as const;
const scale = ["apps", "deployments/scale"] as const;

/** Everything that the controller asks of the API server. */
const needed: readonly Request[] = [
  ...(["list", "watch"] as const).flatMap((verb): Request[] => [
    [verb, ...routes],
    [verb, ...scaled],
    [verb, "", "pods"],
    [verb, "apps", "deployments"],
    [verb, "", "configmaps", "route-tables"],
    [verb, "", "configmaps", "failover-settings"],
    [verb, "karpenter.sh", "nodeclaims", undefined, ""],
    [verb, "karpenter.sh", "nodepools", undefined, ""],
    [verb, "", "events", undefined, "default"],
  ]),
  ["patch", ...routes, "sd21"],
  ["patch", ...scaled, "sd21-inf2-neuron"],
  ["patch", ...scale, "sd21-inf2-neuron-probe"],
  ["get", "", "configmaps", "failover-status"],
  ["patch", "", "configmaps", "failover-status"],
  ["get", ...leases, "failover-controller"],
  ["update", ...leases, "failover-controller"],
  ["create", "", "events"],
];

const verbs = [
  ...["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"],
  ...["bind", "escalate", "impersonate"],
];

/** What is asked for of every verb: all that it has to do with, and what lies next to it. */
const objects: readonly (readonly [group: string, resource: string, names?: readonly string[]])[] =
  [
    [...routes, ["sd21"]],
    ["gateway.networking.k8s.io", "httproutes/status", ["sd21"]],
    [...scaled, ["sd21-inf2-neuron"]],
    ["keda.sh", "scaledobjects/status", ["sd21-inf2-neuron"]],
    ["", "pods"],
    ["", "pods/eviction"],
    ["", "pods/exec"],
    ["", "pods/log"],
    ["apps", "deployments", ["sd21-inf2-neuron", "sd21-inf2-neuron-probe", "failover-controller"]],
    [...scale, ["sd21-inf2-neuron", "sd21-inf2-neuron-probe", "failover-controller"]],
    ["", "configmaps", ["route-tables", "failover-settings", "failover-status"]],
    [...leases, ["failover-controller"]],
    ["", "events"],
    ["events.k8s.io", "events"],
    ["karpenter.sh", "nodeclaims"],
    ["karpenter.sh", "nodepools"],
    ["", "nodes"],
    ["", "secrets"],
    ["", "serviceaccounts", ["failover-controller"]],
    ["", "serviceaccounts/token", ["failover-controller"]],
    ["rbac.authorization.k8s.io", "roles", ["failover-controller"]],
  ];

/** Karpenter's objects are in no namespace, so that a ClusterRole would allow them in all. */
function placesOf(group: string): readonly string[] {
  return group === "karpenter.sh" ? [""] : [namespace, "default", "kube-system", ""];
}

/** Whether it is among what is needed, for an object of that name or for all. */
function isNeeded([verb, group, resource, name, where = namespace]: Request): boolean {
  return needed.some(
    (it) =>
      it[0] === verb &&
      it[1] === group &&
      it[2] === resource &&
      (it[3] ?? name) === name &&
      (it[4] ?? namespace) === where,
  );
}

const refused: readonly Request[] = [
  ["patch", ...routes, "somebody-elses"],
  ["patch", ...routes],
  ["delete", ...routes, "sd21"],
  ["create", ...routes],
  ["patch", ...routes, "sd21", "default"],
  ["patch", ...scaled, "somebody-elses"],
  ["patch", "apps", "deployments", "sd21-inf2-neuron"],
  ["patch", ...scale, "sd21-inf2-neuron"],
  ["patch", ...scale, "failover-controller"],
  ["patch", "", "configmaps", "route-tables"],
  ["patch", "", "configmaps", "failover-settings"],
  ["list", "", "configmaps"],
  ["create", "", "configmaps"],
  ["create", ...leases],
  ["update", ...leases, "somebody-elses"],
  ["get", "", "secrets", "any"],
  ["list", "", "secrets"],
  ["delete", "", "pods", "any"],
  ["create", "", "pods"],
  ["create", "", "pods/exec", "any"],
  ["patch", "karpenter.sh", "nodepools", "any", ""],
  ["delete", "karpenter.sh", "nodeclaims", "any", ""],
  ["create", "", "events", undefined, "default"],
  ["list", "", "pods", undefined, "kube-system"],
  ["list", "", "nodes", undefined, ""],
];

function inWords([verb, group, resource, name = "", where = namespace]: Request): string {
  return `${verb} ${[group, resource].filter(Boolean).join("/")} ${name} in ${where || "the cluster"}`;
}

describeOnApiServer("The fail-over controller's service account, on the API server,", (server) => {
  before(async () => {
    const rbac = /^(Namespace|ServiceAccount|(Cluster)?Role(Binding)?)$/;
    const objects = plannedObjects(await environments.prod("cost"));
    await server().apply(objects.filter(({ kind }: KubernetesObject) => rbac.test(kind)));
  });

  async function mayDo([verb, group, resource, name, where = namespace]: Request) {
    const [kind, subresource] = resource.split("/");
    const { object } = await server().client.create({
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      // It is answered and not kept, so it must not have a name.
      metadata: {} as KubernetesObject["metadata"],
      spec: {
        user: account,
        groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`],
        resourceAttributes: { verb, group, resource: kind, subresource, name, namespace: where },
      },
    });
    return object.status.allowed;
  }

  it("may do all that the controller does", async () => {
    for (const request of needed) assert.equal(await mayDo(request), true, inWords(request));
  });

  it("may not do what is not its own", async () => {
    for (const request of refused) assert.equal(await mayDo(request), false, inWords(request));
  });

  it("may do nothing with these objects that the controller does not do", async () => {
    const superfluous: string[] = [];
    let asked = 0;
    for (const [group, resource, names = []] of objects)
      for (const name of [undefined, "somebody-elses", ...names])
        for (const where of placesOf(group))
          for (const verb of verbs) {
            const request: Request = [verb, group, resource, name, where];
            if (isNeeded(request)) continue;
            asked++;
            if (await mayDo(request)) superfluous.push(inWords(request));
          }
    assert.deepEqual(superfluous, []);
    assert.ok(asked > 1000);
  });
});
