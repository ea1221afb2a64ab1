import { ruleSuite } from "./ruleSuite";
import { subject, unknown } from "./subject";

type Props = Readonly<Record<string, unknown>>;

const neuron = "aws.amazon.com/neuron";
const gpu = "nvidia.com/gpu";

const scaled = (spec: Props, namespace = "fleet") =>
  subject("kubernetes:keda.sh/v1alpha1:ScaledObject", {
    metadata: { name: "inf2", namespace },
    spec: { scaleTargetRef: { name: "inf2" }, ...spec },
  });

/** A unit whose pods hold one device each, on machines of the pools that its selector chooses. */
const unit = (limits: unknown = { [neuron]: "1" }, nodeSelector: unknown = { unit: "inf2" }) =>
  subject(
    "kubernetes:apps/v1:Deployment",
    {
      metadata: { name: "inf2", namespace: "fleet" },
      spec: { template: { spec: { nodeSelector, containers: [{ resources: { limits } }] } } },
    },
    { name: "inf2" },
  );

const pool = (types: unknown, limits: unknown = {}, name = "pool") =>
  subject(
    "kubernetes:karpenter.sh/v1:NodePool",
    {
      spec: {
        limits,
        template: {
          metadata: { labels: { unit: "inf2", stack: "dev" } },
          spec: {
            requirements: [
              { key: "kubernetes.io/arch", operator: "In", values: ["amd64"] },
              { key: "node.kubernetes.io/instance-type", operator: "In", values: types },
            ],
          },
        },
      },
    },
    { name },
  );

ruleSuite("scaled-object-target-exists", {
  passes: {
    "a Deployment of its namespace": { of: scaled({}), among: [unit()] },
    "a StatefulSet, by its kind": {
      of: scaled({ scaleTargetRef: { kind: "StatefulSet", name: "queue" } }),
      among: [
        subject("kubernetes:apps/v1:StatefulSet", {
          metadata: { name: "queue", namespace: "fleet" },
        }),
      ],
    },
  },
  fails: {
    nothing: { of: scaled({}), says: [/scales the Deployment inf2, which is not in/] },
    "another name": {
      of: scaled({ scaleTargetRef: { name: "trn1" } }),
      among: [unit()],
      says: [/scales the Deployment trn1/],
    },
    "another namespace": {
      of: scaled({}, "other"),
      among: [unit()],
      says: [/scales the Deployment inf2/],
    },
    "another kind": {
      of: scaled({ scaleTargetRef: { kind: "StatefulSet", name: "inf2" } }),
      among: [unit()],
      says: [/scales the StatefulSet inf2/],
    },
  },
  unknown: {
    "a target that is not known": { of: scaled({ scaleTargetRef: unknown }), among: [unit()] },
    "a target's name that is not known": {
      of: scaled({ scaleTargetRef: { name: unknown } }),
      among: [unit()],
    },
  },
});

ruleSuite("scaled-object-device-supplied", {
  passes: {
    "pods whose machines carry the device": {
      of: scaled({}),
      among: [unit(), pool(["inf2.xlarge"])],
    },
    "pods that want no device": { of: scaled({}), among: [unit({ memory: "1Gi" })] },
    "pods whose machines carry it whichever they are": {
      of: scaled({}),
      among: [unit(), pool(["inf2.xlarge", "trn1.2xlarge"])],
    },
    "no pods at all, which another rule refuses": { of: scaled({}) },
  },
  fails: {
    "pods whose machines carry another device": {
      of: scaled({}),
      among: [unit(), pool(["g5.xlarge"])],
      says: [
        /inf2 requests aws\.amazon\.com\/neuron, and the NodePool pool supplies nvidia\.com\/gpu/,
      ],
    },
    "pods whose machines carry it by chance": {
      of: scaled({}),
      among: [unit({ [gpu]: 1 }), pool(["g5.xlarge", "inf2.xlarge"])],
      says: [/requests nvidia\.com\/gpu, and the NodePool pool supplies none/],
    },
    "pods that no pool is for": {
      of: scaled({}),
      among: [unit({ [neuron]: 1 }, { unit: "trn1" }), pool(["inf2.xlarge"])],
      says: [/no NodePool has the labels that inf2 asks for/],
    },
    "pods that do not say which machines they want": {
      of: scaled({}),
      among: [unit({ [neuron]: 1 }, {}), pool(["inf2.xlarge"])],
      says: [/no NodePool has the labels/],
    },
  },
  unknown: {
    "devices that are not known": { of: scaled({}), among: [unit(unknown), pool(["inf2.xlarge"])] },
    "a node selector that is not known": {
      of: scaled({}),
      among: [unit({ [neuron]: 1 }, { unit: unknown }), pool(["inf2.xlarge"])],
    },
    "machines that are not known": { of: scaled({}), among: [unit(), pool(unknown)] },
    "one machine that is not known": {
      of: scaled({}),
      among: [unit(), pool(["inf2.xlarge", unknown])],
    },
  },
});

ruleSuite("scaled-object-fits-node-pool", {
  passes: {
    "as many replicas as the pool has devices": {
      of: scaled({ maxReplicaCount: 4 }),
      among: [unit(), pool(["inf2.xlarge"], { [neuron]: "4" })],
    },
    "replicas on two pools": {
      of: scaled({ maxReplicaCount: 4 }),
      among: [
        unit(),
        pool(["inf2.xlarge"], { [neuron]: "2" }),
        pool(["inf2.8xlarge"], { [neuron]: "2" }, "larger"),
      ],
    },
    "a pool without a limit in devices": {
      of: scaled({ maxReplicaCount: 4 }),
      among: [unit(), pool(["inf2.xlarge"], { cpu: "4" })],
    },
  },
  fails: {
    "one replica more": {
      of: scaled({ maxReplicaCount: 5 }),
      among: [unit(), pool(["inf2.xlarge"], { [neuron]: "4" })],
      says: [/5 replicas of 1 aws\.amazon\.com\/neuron want more than the limit of 4/],
    },
    "larger replicas": {
      of: scaled({ maxReplicaCount: 4 }),
      among: [unit({ [neuron]: "2" }), pool(["inf2.24xlarge"], { [neuron]: 6 })],
      says: [/4 replicas of 2 aws\.amazon\.com\/neuron want more than the limit of 6/],
    },
  },
  unknown: {
    "a maximum that is not known": {
      of: scaled({ maxReplicaCount: unknown }),
      among: [unit(), pool(["inf2.xlarge"])],
    },
    "a limit that is not known": {
      of: scaled({ maxReplicaCount: 4 }),
      among: [unit(), pool(["inf2.xlarge"], { [neuron]: unknown })],
    },
  },
});

ruleSuite("scaled-object-bounded", {
  passes: {
    "a maximum and a fallback": {
      of: scaled({ minReplicaCount: 1, maxReplicaCount: 4, fallback: { replicas: 2 } }),
    },
    "a maximum where there may be none": { of: scaled({ maxReplicaCount: 4 }) },
  },
  fails: {
    "no maximum": { of: scaled({}), says: [/maxReplicaCount is not set/] },
    "a maximum of nothing": {
      of: scaled({ maxReplicaCount: null }),
      says: [/maxReplicaCount is not set/],
    },
    "a maximum below the minimum": {
      of: scaled({ minReplicaCount: 3, maxReplicaCount: 2, fallback: {} }),
      says: [/maxReplicaCount is 2, less than minReplicaCount 3/],
    },
    "no fallback": {
      of: scaled({ minReplicaCount: 1, maxReplicaCount: 2 }),
      says: [/fallback is not set/],
    },
  },
  unknown: {
    "a maximum that is not known": { of: scaled({ maxReplicaCount: unknown }) },
    "a minimum that is not known": { of: scaled({ minReplicaCount: unknown, maxReplicaCount: 4 }) },
    "a fallback that is not known: there is one": {
      of: scaled({ minReplicaCount: 1, maxReplicaCount: 2, fallback: unknown }),
      comesOut: "passes",
    },
  },
});
