import assert from "node:assert/strict";
import type { Plan } from "../../cli/plan/makePlan";
import { type KubernetesObject, Refusal } from "./controlPlane/client";
import { hasSchema } from "./controlPlane/crds";
import { environments } from "./environments";
import { describeOnApiServer } from "./onApiServer";
import { firstPod, nameOf, plannedObjects } from "./plannedObjects";

const ENFORCE = "pod-security.kubernetes.io/enforce";

/** What a Helm release runs beyond what `restricted` allows. */
interface NodeAgent {
  readonly needs: string;
  /** As much of a pod's spec as shows the need. */
  readonly pod: { readonly [field: string]: unknown };
  readonly container?: { readonly [field: string]: unknown };
}

/**
 * The releases whose pods reach into the node. Each chart's manifests say so; a plan has only their
 * values.
 */
const nodeAgents: Readonly<Record<string, NodeAgent>> = {
  "aws-mountpoint-s3-csi-driver": {
    needs:
      "mounts for other pods: a privileged container with the host's processes and kubelet folder",
    pod: { hostPID: true, volumes: [{ name: "kubelet", hostPath: { path: "/var/lib/kubelet" } }] },
    container: { securityContext: { privileged: true } },
  },
  "neuron-device-plugin": {
    needs: "root, and the kubelet's socket for device plugins",
    pod: {
      volumes: [{ name: "plugins", hostPath: { path: "/var/lib/kubelet/device-plugins" } }],
    },
  },
  "nvidia-device-plugin": {
    needs:
      "the kubelet's socket; its MPS daemon, which no node of ours is labelled for, is privileged",
    pod: {
      hostPID: true,
      volumes: [{ name: "plugins", hostPath: { path: "/var/lib/kubelet/device-plugins" } }],
    },
    container: { securityContext: { privileged: true } },
  },
};

/** The releases that run with what `restricted` allows, or in a namespace that enforces it. */
const ordinary = ["aws-load-balancer-controller", "karpenter", "karpenter-crd", "keda"];

/** Where AWS's add-ons and the node agents are; not the program's, so without a level. */
const AGENTS_NAMESPACE = "kube-system";

function releasesOf(plan: Plan): Readonly<Record<string, string>> {
  return Object.fromEntries(
    plan.document.resources
      .filter(({ type }) => type === "kubernetes:helm.sh/v3:Release")
      .map(({ name, inputs }) => [name, String(inputs.namespace)]),
  );
}

function agentPod({ pod, container }: NodeAgent, namespace: string): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "agent", namespace },
    spec: {
      ...pod,
      serviceAccountName: "default",
      containers: [{ name: "agent", image: "agent", ...container }],
    },
  };
}

describeOnApiServer("Pod Security", (server) => {
  let plans: readonly Plan[];
  let everything: readonly KubernetesObject[];

  /** What a namespace's controller makes in each. */
  const defaultAccount = (namespace: string): KubernetesObject => ({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "default", namespace },
  });

  const namespacesOf = (objects: readonly KubernetesObject[]) =>
    objects.filter(({ kind }) => kind === "Namespace");

  const admitted = (pod: KubernetesObject) => server().client.create(pod, { dryRun: true });

  before(async () => {
    plans = [];
    for (const planIn of Object.values(environments)) plans = [...plans, await planIn("cost")];
    everything = plannedObjects(plans.at(-1)!);
    await server().apply(everything.filter(hasSchema));
    const names = [...namespacesOf(everything).map(({ metadata }) => metadata.name)];
    await server().apply([...names, AGENTS_NAMESPACE].map(defaultAccount));
  });

  it("is `restricted`, enforced, in every namespace of ours", () => {
    for (const plan of plans)
      for (const { metadata } of namespacesOf(plannedObjects(plan)))
        assert.equal(metadata.labels?.[ENFORCE], "restricted", metadata.name);
  });

  it("has every pod of ours in such a namespace", () => {
    for (const plan of plans) {
      const objects = plannedObjects(plan);
      const ours = namespacesOf(objects).map(({ metadata }) => metadata.name);
      for (const { kind, metadata } of objects)
        if (kind === "Deployment") assert.ok(ours.includes(metadata.namespace as string));
    }
  });

  it("admits the pods of every Deployment without a warning, placeholders among them", async () => {
    const deployments = everything.filter(({ kind }) => kind === "Deployment");
    assert.ok(deployments.length > 5);
    for (const deployment of deployments) {
      const { warnings } = await admitted(firstPod(deployment));
      assert.deepEqual(warnings, [], nameOf(deployment));
    }
  });

  it("has a name for every Helm release: a node agent, or one that needs no more", () => {
    for (const plan of plans)
      assert.deepEqual(
        Object.keys(releasesOf(plan))
          .filter((name) => nodeAgents[name] === undefined)
          .sort(),
        ordinary,
        "a new release is to be named here, as ordinary or with what it needs",
      );
  });

  for (const [name, agent] of Object.entries(nodeAgents)) {
    it(`confines ${name} to ${AGENTS_NAMESPACE} (${agent.needs})`, async () => {
      for (const plan of plans) assert.equal(releasesOf(plan)[name], AGENTS_NAMESPACE);
      await admitted(agentPod(agent, AGENTS_NAMESPACE));
      for (const { metadata } of namespacesOf(everything))
        await assert.rejects(admitted(agentPod(agent, metadata.name)), (error) => {
          assert.ok(error instanceof Refusal);
          assert.match(error.message, /violates PodSecurity "restricted:latest"/);
          return true;
        });
    });
  }
});
