import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { mountpointStartupTaint } from "../charts/mountpointS3Csi";
import {
  ACCELERATOR_LABEL,
  COMPILATION_LABEL,
  labels,
  MODEL_LABEL,
  NVIDIA_PLUGIN_LABEL,
  PRICE_ANNOTATION,
  RUNTIME_LABEL,
  STACK_LABEL,
  UNIT_LABEL,
} from "../contracts/labels";
import type { Accelerator, InstanceType } from "../fleet/accelerators";
import { dns1123Label, physicalName } from "../fleet/names";
import { machinesFor } from "../fleet/scaling";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import { nameIn, type Scope } from "./scope";

/**
 * Whose machines they are: a deployment unit's, a runtime's of the asynchronous path, or for a model
 * to be compiled on.
 */
export interface NodeOwner {
  readonly kind: "unit" | "runtime" | "compilation";
  readonly name: string;
}

export interface NodePoolArgs {
  readonly scope: Scope;
  readonly owner: NodeOwner;
  /** The model that a unit serves. */
  readonly model?: string | undefined;
  readonly accelerator: Accelerator;
  /** Sizes that may be launched. */
  readonly instanceTypes: readonly InstanceType[];
  /** What may be launched; Karpenter prefers reserved, then spot, then on-demand. */
  readonly capacityTypes: readonly ("on-demand" | "spot" | "reserved")[];
  readonly nodeClass: { readonly name: string; readonly resource: pulumi.Resource };
  /** Replicas and placeholders at most, and devices that each of them asks for. */
  readonly maxReplicas: number;
  readonly devicesPerReplica: number;
  readonly nodeImage: "bottlerocket" | "al2023";
  /** US dollars an hour for one machine, where the config names a price. */
  readonly pricePerHour?: number | undefined;
  readonly disruption: {
    readonly consolidateAfter: string;
    readonly expireAfter: string;
    readonly terminationGracePeriod: string;
    /** Nodes that may be disrupted at a time, a count or a percentage. */
    readonly budget: string;
  };
}

/** The machines of one deployment unit, runtime or compilation. */
export class NodePool extends pulumi.ComponentResource {
  readonly resource: kubernetes.apiextensions.CustomResource;

  constructor(name: string, args: NodePoolArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:NodePool", name, {}, pulumiOptions(opts));
    this.resource = new kubernetes.apiextensions.CustomResource(
      name,
      {
        apiVersion: "karpenter.sh/v1",
        kind: "NodePool",
        // Not in a namespace, so its name is the stack's own.
        metadata: {
          name: nodePoolName(args.scope, name),
          labels: labels(name, ownerLabel(args.owner)),
          ...(args.pricePerHour === undefined
            ? {}
            : { annotations: { [PRICE_ANNOTATION]: String(args.pricePerHour) } }),
        },
        spec: nodePoolSpec(args),
      },
      {
        ...childOptions(this, opts, [args.nodeClass.resource]),
        // A pool goes when its machines have: they wait for their pods, and EC2 for them.
        customTimeouts: { delete: "60m" },
      },
    );
    this.registerOutputs({});
  }
}

/** Physical name of an owner's NodePool, which is also the label of its machines and NodeClaims. */
export function nodePoolName(scope: Pick<Scope, "project" | "stack">, owner: string): string {
  return nameIn(scope, owner, dns1123Label);
}

/** The value of the node label that names the stack. */
export function stackLabelValue({ stack }: Pick<Scope, "stack">): string {
  return physicalName([stack], dns1123Label);
}

const ownerLabels: Readonly<Record<NodeOwner["kind"], string>> = {
  unit: UNIT_LABEL,
  runtime: RUNTIME_LABEL,
  compilation: COMPILATION_LABEL,
};

/** The label that names the owner of machines, pods and other objects. */
export function ownerLabel({ kind, name }: NodeOwner): Record<string, string> {
  return { [ownerLabels[kind]]: name };
}

/** Finds the machines of one owner in this stack, and of no other stack in the same cluster. */
export function nodeSelectorOf(scope: Scope, owner: NodeOwner): Record<string, string> {
  return { [STACK_LABEL]: stackLabelValue(scope), ...ownerLabel(owner) };
}

/** The taint of accelerated nodes: only pods that ask for the device belong there. */
export function deviceTaint(accelerator: Accelerator) {
  return { key: accelerator.device, value: "true", effect: "NoSchedule" } as const;
}

function nodePoolSpec(args: NodePoolArgs) {
  const { accelerator, disruption } = args;
  return {
    template: {
      metadata: { labels: nodeLabels(args) },
      spec: {
        nodeClassRef: {
          group: "karpenter.k8s.aws",
          kind: "EC2NodeClass",
          name: args.nodeClass.name,
        },
        requirements: [
          requirement(
            "node.kubernetes.io/instance-type",
            args.instanceTypes.map((type) => type.name),
          ),
          requirement("karpenter.sh/capacity-type", args.capacityTypes),
          requirement("kubernetes.io/arch", ["amd64"]),
          requirement("kubernetes.io/os", ["linux"]),
        ],
        taints: [deviceTaint(accelerator)],
        startupTaints: [mountpointStartupTaint],
        expireAfter: disruption.expireAfter,
        terminationGracePeriod: disruption.terminationGracePeriod,
      },
    },
    limits: { [accelerator.device]: String(deviceLimit(args)) },
    disruption: {
      consolidationPolicy: "WhenEmptyOrUnderutilized",
      consolidateAfter: disruption.consolidateAfter,
      budgets: [{ nodes: disruption.budget }],
    },
  };
}

function requirement(key: string, values: readonly string[]) {
  return { key, operator: "In", values: [...values] };
}

function nodeLabels({
  scope,
  owner,
  model,
  accelerator,
  nodeImage,
}: NodePoolArgs): Record<string, string> {
  return {
    ...nodeSelectorOf(scope, owner),
    ...(model === undefined ? {} : { [MODEL_LABEL]: model }),
    [ACCELERATOR_LABEL]: accelerator.name,
    ...(accelerator.family === "nvidia" && nodeImage === "al2023"
      ? { [NVIDIA_PLUGIN_LABEL]: "true" }
      : {}),
  };
}

/**
 * The pool's limit in devices: what all replicas need in whole machines of whichever listed size
 * wastes most of them, and one machine more, so that a full pool can still replace a node.
 */
function deviceLimit({ maxReplicas, devicesPerReplica, instanceTypes }: NodePoolArgs): number {
  return Math.max(
    ...instanceTypes.map(
      ({ devices }) => (machinesFor(maxReplicas, devices, devicesPerReplica) + 1) * devices,
    ),
  );
}
