import {
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  type KubeConfig,
  PatchStrategy,
  setHeaderOptions,
} from "@kubernetes/client-node";
import { STACK_LABEL, UNIT_LABEL } from "../../../contracts/labels";
import type { ModelRouteTable } from "../../../contracts/routeTable";
import type { KubernetesObject } from "../controlPlane/client";

const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);

/** What Karpenter 1.14 says when EC2 has no machine of a kind (a CreateFleet error). */
export const soldOut =
  "insufficient capacity, with fleet error(s), InsufficientInstanceCapacity: We currently do not have sufficient capacity in the Availability Zone you requested";

/** When EC2 has machines, but the account may not have more of them. */
export const overQuota =
  "insufficient capacity, with fleet error(s), VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit allows";

/**
 * The part of everyone who is not there beside an API server: Karpenter, the scheduler, the kubelet,
 * the autoscaler. It writes what they would, with the times it is told. Times: ms since 1970.
 */
export class Machines {
  readonly #core: CoreV1Api;
  readonly #apps: AppsV1Api;
  readonly #custom: CustomObjectsApi;
  readonly #pods = new Map<string, string[]>();
  #count = 0;

  constructor(
    config: KubeConfig,
    readonly table: ModelRouteTable,
    readonly namespace: string,
    readonly stack: string,
    /** The units' Deployments and probes. */
    readonly deployments: ReadonlyMap<string, KubernetesObject>,
    readonly now: () => number,
  ) {
    this.#core = config.makeApiClient(CoreV1Api);
    this.#apps = config.makeApiClient(AppsV1Api);
    this.#custom = config.makeApiClient(CustomObjectsApi);
  }

  /** The autoscaler wants so many replicas. */
  async scale(deployment: string, replicas: number): Promise<void> {
    await this.#apps.patchNamespacedDeploymentScale(
      { name: deployment, namespace: this.namespace, body: { spec: { replicas } } },
      merge,
    );
  }

  async replicasOf(deployment: string): Promise<number> {
    const { namespace } = this;
    const found = await this.#apps.readNamespacedDeployment({ name: deployment, namespace });
    return found.spec?.replicas ?? 1;
  }

  /** A unit with so many ready pods, which is all it wants. */
  async serve(unit: string, replicas: number): Promise<void> {
    await this.scale(unit, replicas);
    for (let pod = 0; pod < replicas; pod++) await this.addPod(unit, "ready");
  }

  /** @returns its name */
  async addPod(deployment: string, state: "ready" | "waiting" | "placed"): Promise<string> {
    const { template } = this.deployments.get(deployment)!.spec;
    const name = `${deployment}-${++this.#count}`;
    const { namespace } = this;
    await this.#core.createNamespacedPod({
      namespace,
      body: {
        metadata: { ...template.metadata, name, namespace },
        spec: { ...template.spec, ...(state === "waiting" ? {} : { nodeName: "a-node" }) },
      },
    });
    this.#pods.set(deployment, [...(this.#pods.get(deployment) ?? []), name]);
    const at = new Date(this.now()).toISOString();
    const condition = (type: string, status: string, reason = "") => ({
      type,
      status,
      reason,
      lastTransitionTime: at,
    });
    const status =
      state === "waiting"
        ? { phase: "Pending", conditions: [condition("PodScheduled", "False", "Unschedulable")] }
        : {
            phase: "Running",
            conditions: [
              condition("PodScheduled", "True"),
              condition("Ready", state === "ready" ? "True" : "False"),
            ],
          };
    await this.#core.patchNamespacedPodStatus({ name, namespace, body: { status } }, merge);
    return name;
  }

  async removePod(deployment: string, name: string): Promise<void> {
    const { namespace } = this;
    await this.#core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
    const left = (this.#pods.get(deployment) ?? []).filter((pod) => pod !== name);
    this.#pods.set(deployment, left);
  }

  /** All pods of a Deployment. */
  podsOf(deployment: string): readonly string[] {
    return this.#pods.get(deployment) ?? [];
  }

  async removeAllPods(): Promise<void> {
    for (const [deployment, pods] of this.#pods)
      for (const pod of [...pods]) await this.removePod(deployment, pod);
  }

  /** Karpenter asks EC2 for a machine, and is refused: an event, and the NodeClaim goes at once. */
  async refuse(unit: string, message: string = soldOut): Promise<void> {
    const name = await this.#createNodeClaim(unit);
    await this.#event("NodeClaim", name, "InsufficientCapacityError", {
      message: `NodeClaim ${name} event: ${message}`.slice(0, 300),
    });
    await this.#custom.deleteClusterCustomObject({ ...nodeClaims, name });
  }

  /** What Karpenter says while it hides an offering that was refused. */
  async nothingLeft(unit: string): Promise<void> {
    await this.#event("NodePool", this.table.units[unit]!.nodePool, "NoCompatibleInstanceTypes", {
      message: "NodePool requirements filtered out all compatible available instance types",
    });
  }

  /** A NodePool has as many devices as it may have, or so many. */
  async fill(nodePool: string, device: string, devices?: number): Promise<void> {
    const pools = { group: "karpenter.sh", version: "v1", plural: "nodepools", name: nodePool };
    const { spec } = (await this.#custom.getClusterCustomObject(pools)) as {
      readonly spec: { readonly limits: Readonly<Record<string, string>> };
    };
    const used = devices === undefined ? spec.limits[device] : String(devices);
    await this.#custom.patchClusterCustomObjectStatus(
      { ...pools, body: { status: { resources: { [device]: used } } } },
      merge,
    );
  }

  /** EC2 has launched a machine. @returns the NodeClaim's name */
  async launch(unit: string): Promise<string> {
    const name = await this.#createNodeClaim(unit);
    const launched = {
      type: "Launched",
      status: "True",
      reason: "Launched",
      message: "",
      lastTransitionTime: new Date(this.now()).toISOString(),
    };
    await this.#custom.patchClusterCustomObjectStatus(
      { ...nodeClaims, name, body: { status: { conditions: [launched] } } },
      merge,
    );
    return name;
  }

  async #createNodeClaim(unit: string): Promise<string> {
    const { nodePool } = this.table.units[unit]!;
    const name = `${nodePool}-${(++this.#count).toString(36).padStart(5, "0")}`;
    await this.#custom.createClusterCustomObject({
      ...nodeClaims,
      body: {
        apiVersion: "karpenter.sh/v1",
        kind: "NodeClaim",
        metadata: {
          name,
          labels: {
            "karpenter.sh/nodepool": nodePool,
            [UNIT_LABEL]: unit,
            [STACK_LABEL]: this.stack,
          },
        },
        spec: {
          nodeClassRef: { group: "karpenter.k8s.aws", kind: "EC2NodeClass", name: "any" },
          requirements: [{ key: "kubernetes.io/arch", operator: "In", values: ["amd64"] }],
        },
      },
    });
    return name;
  }

  async #event(
    kind: string,
    name: string,
    reason: string,
    { message }: { readonly message: string },
  ): Promise<void> {
    // client-go's recorder writes whole seconds.
    const at = new Date(Math.floor(this.now() / 1000) * 1000);
    await this.#core.createNamespacedEvent({
      namespace: "default",
      body: {
        metadata: { name: `${name}.${(++this.#count).toString(16)}`, namespace: "default" },
        involvedObject: { apiVersion: "karpenter.sh/v1", kind, name },
        type: "Warning",
        reason,
        message,
        firstTimestamp: at,
        lastTimestamp: at,
        count: 1,
        source: { component: "karpenter" },
      },
    });
  }
}

const nodeClaims = { group: "karpenter.sh", version: "v1", plural: "nodeclaims" };
