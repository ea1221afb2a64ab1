import { ruleSuite } from "./ruleSuite";
import { type Circumstances, subject, unknown } from "./subject";

type Props = Readonly<Record<string, unknown>>;

const nodeClass = (spec: Props, name: unknown = "inf2") =>
  subject("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", { metadata: { name }, spec });
const launchTemplate = (metadataOptions: unknown) =>
  subject("aws:ec2/launchTemplate:LaunchTemplate", { metadataOptions });
const v2 = { httpTokens: "required", httpPutResponseHopLimit: 1 };

ruleSuite("instance-metadata-v2", {
  passes: {
    "a node class": { of: nodeClass({ metadataOptions: v2 }) },
    "a launch template": { of: launchTemplate(v2) },
    "a machine that tells nobody": {
      of: subject("aws:ec2/instance:Instance", { metadataOptions: { httpEndpoint: "disabled" } }),
    },
  },
  fails: {
    "a machine by default": {
      of: subject("aws:ec2/instance:Instance"),
      says: [/httpTokens is not set, not required/, /httpPutResponseHopLimit is not set, not 1/],
    },
    "a launch template without tokens": {
      of: launchTemplate({ ...v2, httpTokens: "optional" }),
      says: [/httpTokens is optional, not required/],
    },
    "a node class whose answers reach pods": {
      of: nodeClass({ metadataOptions: { ...v2, httpPutResponseHopLimit: 2 } }),
      says: [/httpPutResponseHopLimit is 2, not 1/],
    },
  },
  unknown: {
    "options that are not known": { of: launchTemplate(unknown) },
    "tokens of which it is not known": {
      of: nodeClass({ metadataOptions: { ...v2, httpTokens: unknown } }),
    },
    "a hop limit that is not known": {
      of: launchTemplate({ ...v2, httpPutResponseHopLimit: unknown }),
    },
  },
});

const pool = (spec: Props, more: Circumstances = {}) =>
  subject("kubernetes:karpenter.sh/v1:NodePool", { spec }, more);

ruleSuite("node-pool-limits", {
  passes: { "a limit in devices": { of: pool({ limits: { "aws.amazon.com/neuron": "21" } }) } },
  fails: {
    "a pool without": { of: pool({}), says: [/spec\.limits is empty/] },
    "a pool with none": { of: pool({ limits: {} }), says: [/spec\.limits is empty/] },
  },
  unknown: {
    "limits that are not known": { of: pool({ limits: unknown }) },
    "a limit of a size that is not known: there is one": {
      of: pool({ limits: { "aws.amazon.com/neuron": unknown } }),
      comesOut: "passes",
    },
  },
});

const budgets = (...budgets: readonly unknown[]) => pool({ disruption: { budgets } });
const never = [/no budget that holds at any time, for any reason/];

ruleSuite("node-pool-disruption-budget", {
  passes: {
    "one node at a time": { of: budgets({ nodes: "1" }) },
    "one that narrows another": { of: budgets({ nodes: "100%" }, { nodes: "10%" }) },
    "one with no reasons named, which is all": { of: budgets({ nodes: "1", reasons: [] }) },
  },
  fails: {
    "a pool without": { of: pool({}), says: never },
    "a budget at some times only": {
      of: budgets({ nodes: "1", schedule: "@daily", duration: "1h" }),
      says: never,
    },
    "a budget for some reasons only": {
      of: budgets({ nodes: "1", reasons: ["Empty"] }),
      says: never,
    },
    "a budget of all nodes": {
      of: budgets({ nodes: "100%" }, { nodes: "0", reasons: ["Empty"] }),
      says: [/lets every node go at once/],
    },
  },
  unknown: {
    "budgets that are not known": { of: pool({ disruption: { budgets: unknown } }) },
    "a budget that is not known": { of: budgets(unknown) },
    "a number of nodes that is not known": { of: budgets({ nodes: unknown }) },
  },
});

const deployment = (...tolerations: readonly unknown[]) =>
  subject("kubernetes:apps/v1:Deployment", { spec: { template: { spec: { tolerations } } } });
const taint = { key: "aws.amazon.com/neuron", value: "true", effect: "NoSchedule" };
const other = { key: "spare", effect: "NoExecute" };
const tainted = (...taints: readonly unknown[]) => pool({ template: { spec: { taints } } });

ruleSuite("node-pool-taints-tolerated", {
  passes: {
    "a pool without taints": { of: pool({}) },
    "a taint that is tolerated by its value": { of: tainted(taint), among: [deployment(taint)] },
    "a taint that is tolerated by its key": {
      of: tainted(taint),
      among: [deployment({ key: taint.key, operator: "Exists" })],
    },
    "taints that are tolerated whatever they are": {
      of: tainted(taint, other),
      among: [deployment({ operator: "Exists" })],
    },
    "taints that one pod tolerates": {
      of: tainted(taint, other),
      among: [deployment(), deployment({ ...taint, operator: "Equal" }, other)],
    },
    "a DaemonSet's toleration": {
      of: tainted(taint),
      among: [
        subject("kubernetes:apps/v1:DaemonSet", {
          spec: { template: { spec: { tolerations: [taint] } } },
        }),
      ],
    },
  },
  fails: {
    "a taint that nobody tolerates": {
      of: tainted(taint),
      among: [deployment()],
      says: [/no pod tolerates the taint aws\.amazon\.com\/neuron=true:NoSchedule/],
    },
    "a taint of another value": {
      of: tainted(taint),
      among: [deployment({ ...taint, value: "false" })],
      says: [/neuron=true/],
    },
    "a taint of another effect": {
      of: tainted(taint),
      among: [deployment({ ...taint, effect: "NoExecute" })],
      says: [/NoSchedule/],
    },
    "two taints that no pod tolerates together": {
      of: tainted(taint, other),
      among: [deployment(taint), deployment(other)],
      says: [/no pod tolerates all of its taints/],
    },
  },
  unknown: {
    "taints that are not known": { of: pool({ template: { spec: { taints: unknown } } }) },
    "a taint's value that is not known": {
      of: tainted({ ...taint, value: unknown }),
      among: [deployment(taint)],
    },
    "tolerations that are not known": {
      of: tainted(taint),
      among: [
        subject("kubernetes:apps/v1:Deployment", {
          spec: { template: { spec: { tolerations: unknown } } },
        }),
      ],
    },
  },
});

const named = (name: unknown) => pool({ template: { spec: { nodeClassRef: { name } } } });

ruleSuite("node-pool-class-exists", {
  passes: { "a pool of a class that is there": { of: named("inf2"), among: [nodeClass({})] } },
  fails: {
    "a pool of a class that is not": {
      of: named("trn1"),
      among: [nodeClass({})],
      says: [/there is no EC2NodeClass trn1/],
    },
    "a pool of no class, beside a class without a name": {
      of: pool({}),
      among: [subject("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass")],
      says: [/names no EC2NodeClass/],
    },
  },
  unknown: {
    "a class that is not known": { of: named(unknown), among: [nodeClass({})] },
    "a class whose name is not known": { of: named("inf2"), among: [nodeClass({}, unknown)] },
  },
});
