import { PROBE_LABEL } from "../../../../contracts/failover";
import { MODEL_LABEL, UNIT_LABEL } from "../../../../contracts/labels";
import { nodePoolOf } from "../fleet";

/**
 * Objects as an API server shows them: Karpenter 1.14's CRDs (pkg/apis/crds), Gateway API's and
 * KEDA's, and Kubernetes' own.
 */

const namespace = "diffusion-fleet";
const uid = "0c8b0a9e-6a5e-4a39-8c1e-0f6bfa3f1c11";

export const iso = (time: number) => `${new Date(time).toISOString().slice(0, 19)}Z`;

export interface NodeClaimArgs {
  readonly unit: string;
  readonly name?: string;
  readonly at: number;
  /** By default Karpenter has not looked at it yet. */
  readonly launched?: {
    readonly status: string;
    readonly reason: string;
    readonly message?: string;
  };
}

export const launched = { status: "True", reason: "Launched", message: "" };
export const launchFailed = {
  status: "Unknown",
  reason: "LaunchTemplateNotFound",
  message: "Launch template used for instance launch wasn't found",
};
const awaiting = {
  status: "Unknown",
  reason: "AwaitingReconciliation",
  message: "object is awaiting reconciliation",
};

export function nodeClaimObject({ unit, name, at, launched = awaiting }: NodeClaimArgs) {
  const pool = nodePoolOf(unit);
  const conditions = [
    { type: "Launched", ...launched },
    { type: "Initialized", ...awaiting },
    { type: "Registered", ...awaiting },
    { type: "Ready", status: "Unknown", reason: "ReconcilingDependents", message: "" },
  ];
  return {
    apiVersion: "karpenter.sh/v1",
    kind: "NodeClaim",
    metadata: {
      name: name ?? `${pool}-x7k2p`,
      generateName: `${pool}-`,
      uid,
      resourceVersion: "4711",
      generation: 1,
      creationTimestamp: iso(at),
      finalizers: ["karpenter.sh/termination"],
      annotations: { "karpenter.sh/nodepool-hash": "2863311530" },
      labels: {
        "karpenter.sh/nodepool": pool,
        [UNIT_LABEL]: unit,
        "diffusion-fleet.io/stack": "dev",
      },
      ownerReferences: [
        {
          apiVersion: "karpenter.sh/v1",
          kind: "NodePool",
          name: pool,
          uid,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      nodeClassRef: {
        group: "karpenter.k8s.aws",
        kind: "EC2NodeClass",
        name: "diffusion-fleet-dev-neuron",
      },
      requirements: [
        { key: "node.kubernetes.io/instance-type", operator: "In", values: ["inf2.xlarge"] },
      ],
      resources: { requests: { "aws.amazon.com/neuron": "1", cpu: "3", memory: "12Gi" } },
      taints: [{ key: "aws.amazon.com/neuron", effect: "NoSchedule" }],
    },
    status: {
      conditions: conditions.map((condition) => ({
        ...condition,
        lastTransitionTime: iso(at),
        observedGeneration: 1,
      })),
    },
  };
}

export function nodePoolObject(unit: string, device: string, limit: number, used: number) {
  return {
    apiVersion: "karpenter.sh/v1",
    kind: "NodePool",
    metadata: {
      name: nodePoolOf(unit),
      uid,
      generation: 2,
      labels: { "app.kubernetes.io/part-of": "diffusion-fleet", [UNIT_LABEL]: unit },
    },
    spec: {
      limits: { [device]: String(limit), memory: "640Gi" },
      disruption: { consolidationPolicy: "WhenEmpty", consolidateAfter: "60s" },
      template: { spec: { requirements: [], expireAfter: "720h" } },
    },
    status: {
      nodes: used,
      resources: { [device]: String(used), cpu: "16", memory: "64Gi", pods: "58", nodes: "4" },
      conditions: [{ type: "Ready", status: "True", reason: "Ready", message: "" }],
    },
  };
}

export interface EventArgs {
  readonly kind: "NodeClaim" | "NodePool";
  readonly object: string;
  readonly reason: string;
  readonly message: string;
  readonly at: number;
}

export const noneLeft =
  "NodePool requirements filtered out all compatible available instance types";

export function eventObject({ kind, object, reason, message, at }: EventArgs) {
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${object}.18a1b2c3d4e5f607`, namespace: "default", uid },
    involvedObject: {
      apiVersion: "karpenter.sh/v1",
      kind,
      name: object,
      uid,
      resourceVersion: "1",
    },
    reason,
    message,
    source: { component: "karpenter" },
    firstTimestamp: iso(at),
    lastTimestamp: iso(at),
    count: 1,
    type: "Warning",
    eventTime: null,
    reportingComponent: "karpenter",
    reportingInstance: "",
  };
}

export interface PodArgs {
  readonly unit: string;
  readonly name?: string;
  readonly device: string;
  readonly at: number;
  readonly state: "new" | "unschedulable" | "starting" | "ready" | "ending" | "evicted";
  readonly probe?: boolean;
}

export function podObject({ unit, name, device, at, state, probe = false }: PodArgs) {
  const since = { lastProbeTime: null, lastTransitionTime: iso(at) };
  const placed = state !== "new" && state !== "unschedulable";
  const ready = state === "ready" || state === "ending" ? "True" : "False";
  const conditions = {
    new: [],
    unschedulable: [
      {
        ...since,
        type: "PodScheduled",
        status: "False",
        reason: "Unschedulable",
        message: `0/3 nodes are available: 3 Insufficient ${device}.`,
      },
    ],
  };
  const labels = probe
    ? { "app.kubernetes.io/component": "capacity-probe", [PROBE_LABEL]: unit }
    : {
        "app.kubernetes.io/component": "inference-server",
        [UNIT_LABEL]: unit,
        [MODEL_LABEL]: "sd21",
      };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: name ?? `${unit}-6c8f9d7b5-2xk8q`,
      namespace,
      uid,
      creationTimestamp: iso(at),
      ...(state === "ending" ? { deletionTimestamp: iso(at), deletionGracePeriodSeconds: 30 } : {}),
      labels: { ...labels, "pod-template-hash": "6c8f9d7b5" },
    },
    spec: {
      containers: [
        {
          name: "server",
          image: "example.com/server@sha256:00",
          resources: {
            requests: { cpu: "3", memory: "12Gi", [device]: "1" },
            limits: { memory: "12Gi", [device]: "1" },
          },
        },
        { name: "sidecar", image: "example.com/sidecar@sha256:00", resources: {} },
      ],
      ...(placed ? { nodeName: "ip-10-0-1-23.us-west-2.compute.internal" } : {}),
    },
    status: {
      phase: state === "evicted" ? "Failed" : placed ? "Running" : "Pending",
      conditions: placed
        ? [
            { ...since, type: "PodScheduled", status: "True" },
            { ...since, type: "Ready", status: ready },
          ]
        : conditions[state],
    },
  };
}

export function deploymentObject(
  name: string,
  replicas: number | undefined,
  labels: Readonly<Record<string, string>>,
) {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace, uid, generation: 3, labels },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [] } },
    },
    status: { replicas, observedGeneration: 3 },
  };
}

export function routeObject(
  model: string,
  rules: readonly unknown[],
  annotations: Readonly<Record<string, string>> = {},
) {
  const parentRef = { group: "gateway.networking.k8s.io", kind: "Gateway", name: "fleet" };
  const accepted = { type: "Accepted", status: "True", reason: "Accepted", message: "" };
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: model, namespace, uid, generation: 7, annotations },
    spec: { parentRefs: [parentRef], rules },
    status: {
      parents: [
        {
          parentRef,
          controllerName: "gateway.k8s.aws/alb",
          conditions: [
            { ...accepted, observedGeneration: 6, lastTransitionTime: iso(0) },
            { ...accepted, type: "ResolvedRefs", observedGeneration: 7 },
          ],
        },
      ],
    },
  };
}

export function scaledObjectObject(unit: string, triggers: readonly unknown[]) {
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name: unit, namespace, uid, generation: 4, labels: { [UNIT_LABEL]: unit } },
    spec: { scaleTargetRef: { name: unit }, minReplicaCount: 1, maxReplicaCount: 10, triggers },
    status: { conditions: [{ type: "Ready", status: "True" }] },
  };
}
