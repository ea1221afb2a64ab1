import { listed } from "../listed";
import { tolerates, workloads } from "../pods";
import { nodePoolType } from "../replicas";
import { ofType } from "../resource";
import { type Area, resourceRule, stackRule } from "../rule";

const instanceMetadata = resourceRule({
  name: "instance-metadata-v2",
  level: "mandatory",
  protectsFrom:
    "A pod, or a request that a pod is tricked into, that reads the machine's own credentials.",
  remedy: "Set httpTokens to required and httpPutResponseHopLimit to 1.",
  types: [
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ec2/instance:Instance",
    "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass",
  ],
  check: ({ type, props }, report) => {
    const options = type.endsWith(":EC2NodeClass")
      ? props.spec?.metadataOptions
      : props.metadataOptions;
    if (options?.httpEndpoint === "disabled") return;
    if (options?.httpTokens !== "required")
      report(`metadataOptions.httpTokens is ${options?.httpTokens ?? "not set"}, not required`);
    if (options?.httpPutResponseHopLimit !== 1)
      report(
        `metadataOptions.httpPutResponseHopLimit is ${options?.httpPutResponseHopLimit ?? "not set"}, not 1`,
      );
  },
});

const nodePoolLimits = resourceRule({
  name: "node-pool-limits",
  level: "mandatory",
  protectsFrom:
    "A scaling bug, or somebody's script, that buys machines until the account's quota ends it.",
  remedy: "Set spec.limits, best in devices.",
  types: [nodePoolType],
  check: ({ props }, report) => {
    if (Object.keys(props.spec?.limits ?? {}).length === 0) report("spec.limits is empty");
  },
});

const nodePoolBudget = resourceRule({
  name: "node-pool-disruption-budget",
  level: "mandatory",
  protectsFrom: "Machines that are replaced all at once, by consolidation or a new machine image.",
  remedy: "Give spec.disruption.budgets a number of nodes, or a share below 100%.",
  types: [nodePoolType],
  check: ({ props }, report) => {
    const always = listed(props.spec?.disruption?.budgets).filter(
      ({ schedule, reasons }) => !schedule && listed(reasons).length === 0,
    );
    if (always.length === 0)
      report("spec.disruption.budgets has no budget that holds at any time, for any reason");
    else if (always.every(({ nodes }) => nodes === "100%"))
      report("spec.disruption.budgets lets every node go at once");
  },
});

const nodePoolTaints = stackRule({
  name: "node-pool-taints-tolerated",
  level: "mandatory",
  protectsFrom: "A NodePool that nobody can run on: its unit's pods wait for ever.",
  remedy: "Give the pods that are meant for the pool a toleration for each of its taints.",
  types: [nodePoolType],
  check: ({ props }, stack, report) => {
    const taints = listed<{ key: string; value?: string; effect: string }>(
      props.spec?.template?.spec?.taints,
    );
    const pods = ofType(stack, ...workloads);
    for (const taint of taints)
      if (!pods.some((workload) => tolerates(workload, taint)))
        report(`no pod tolerates the taint ${taint.key}=${taint.value ?? ""}:${taint.effect}`);
    if (taints.length > 1 && !pods.some((pod) => taints.every((taint) => tolerates(pod, taint))))
      report("no pod tolerates all of its taints");
  },
});

const nodePoolClass = stackRule({
  name: "node-pool-class-exists",
  level: "mandatory",
  protectsFrom: "A NodePool that launches nothing, because the EC2NodeClass it names is not there.",
  remedy: "Name an EC2NodeClass of this stack in spec.template.spec.nodeClassRef.",
  types: [nodePoolType],
  check: ({ props }, stack, report) => {
    const name = props.spec?.template?.spec?.nodeClassRef?.name;
    const classes = ofType(stack, "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass");
    if (name === undefined) report("spec.template.spec.nodeClassRef names no EC2NodeClass");
    else if (!classes.some((nodeClass) => nodeClass.props.metadata?.name === name))
      report(`there is no EC2NodeClass ${name}`);
  },
});

export const nodes: Area = {
  title: "Nodes",
  rules: [instanceMetadata, nodePoolLimits, nodePoolBudget, nodePoolTaints, nodePoolClass],
};
