import { type InstanceType, instanceType } from "./accelerators";
import { replicasPerMachine } from "./scaling";

/**
 * What a unit's pod may request so that it fits on the unit's machines. A pod that asks for a
 * little more than a node has stays pending for ever, on a node that Karpenter launched for it or
 * on none.
 */

/** CPU and memory, in Kubernetes' units "m" and "Mi". */
export interface Resources {
  readonly cpuMillis: number;
  readonly memoryMiB: number;
}

/** What a replica's pod requests beside its devices: the sum over its containers. */
export interface PodResources extends Resources {
  /** Size of the memory volume at /dev/shm, which counts towards the pod's memory. */
  readonly sharedMemoryMiB: number;
}

/**
 * The part of a machine's memory that never reaches the operating system, as Karpenter assumes it
 * before it has seen a machine of the type.
 *
 * Source: Karpenter, "Settings", VM_MEMORY_OVERHEAD_PERCENT, "default = 0.075".
 */
export const vmMemoryOverhead = 0.075;

/**
 * Memory at which the kubelet starts to evict, MiB.
 *
 * Source: Kubernetes, "Node-pressure Eviction", default hard threshold memory.available<100Mi;
 * Karpenter, pkg/providers/instancetype/types.go, evictionThreshold.
 */
export const evictionThresholdMiB = 100;

/**
 * What everything else on an accelerated node may request. Daemon sets ask for 746 m on Neuron nodes
 * and 730 m on NVIDIA ones: CloudWatch agent 250, neuron-monitor 256 or dcgm-exporter 250, fluent-bit
 * 50 (amazon-cloudwatch-observability chart 4.8.0, values.yaml), kube-proxy 100 (EKS add-on), VPC CNI
 * 50, S3 CSI driver 30, Neuron plugin 10. The rest is an allowance of this project for the Mountpoint
 * pod of the model volume and for a daemon set more: 200 m; memory likewise, 700 MiB and 512 MiB.
 */
export const nodeOverhead: Resources = { cpuMillis: 950, memoryMiB: 1229 };

/**
 * The part of what is left that pods do not ask for, so that a daemon set more, or a new release of
 * one, does not leave replicas pending. This project's choice.
 */
export const safetyMargin = 0.05;

/**
 * The largest /dev/shm a pod gets, MiB, and its part of the pod's memory. This project's choice.
 */
export const sharedMemory = { maxMiB: 8192, part: 0.25 } as const;

/**
 * CPU that the kubelet reserves, millicores: 6 % of the first core, 1 % of the second, 0.5 % of the
 * third and fourth, 0.25 % of the rest.
 *
 * Source: Karpenter, pkg/providers/instancetype/types.go, kubeReservedResources; Bottlerocket,
 * sources/api/schnauzer/src/helpers.rs, kube_cpu_helper.
 */
export function kubeReservedCpuMillis(vcpus: number): number {
  const tiers = [
    { from: 0, to: 1, part: 0.06 },
    { from: 1, to: 2, part: 0.01 },
    { from: 2, to: 4, part: 0.005 },
    { from: 4, to: Number.POSITIVE_INFINITY, part: 0.0025 },
  ];
  return tiers.reduce((sum, { from, to, part }) => {
    const cores = Math.max(0, Math.min(vcpus, to) - from);
    return sum + Math.floor(Math.round(cores * 1000 * part * 1e6) / 1e6);
  }, 0);
}

/**
 * Memory that the kubelet reserves, MiB: 255 and 11 for each pod that the node can hold.
 *
 * Source: as {@link kubeReservedCpuMillis}; kube_memory_helper there.
 */
export function kubeReservedMemoryMiB(maxPods: number): number {
  return 11 * maxPods + 255;
}

/**
 * What a machine offers to all pods together: the node's allocatable CPU and memory, as Karpenter
 * computes it (its "Instance Types" page prints 3920m and 14162Mi for inf2.xlarge).
 */
export function allocatable(
  type: Pick<InstanceType, "vcpus" | "memoryGiB" | "maxPods">,
): Resources {
  const memoryMiB = type.memoryGiB * 1024;
  return {
    cpuMillis: type.vcpus * 1000 - kubeReservedCpuMillis(type.vcpus),
    memoryMiB:
      memoryMiB -
      Math.ceil(memoryMiB * vmMemoryOverhead) -
      kubeReservedMemoryMiB(type.maxPods) -
      evictionThresholdMiB,
  };
}

/**
 * What a machine has for a unit's replicas: allocatable less {@link nodeOverhead} and the margin.
 */
export function schedulableResources(
  type: Pick<InstanceType, "vcpus" | "memoryGiB" | "maxPods">,
): Resources {
  const all = allocatable(type);
  const keep = 1 - safetyMargin;
  return {
    cpuMillis: Math.floor((all.cpuMillis - nodeOverhead.cpuMillis) * keep),
    memoryMiB: Math.floor((all.memoryMiB - nodeOverhead.memoryMiB) * keep),
  };
}

/**
 * What a replica's pod can request on every one of the types: each machine's schedulable resources
 * over the replicas that its devices allow, the least of them, rounded down to 50 m and 64 MiB.
 *
 * @param instanceTypeNames EC2's names of the unit's machines, at least one
 * @param devicesPerReplica whole devices of one replica
 * @throws RangeError for no types, one that is not accelerated, or one with too few devices.
 */
export function podResources(
  instanceTypeNames: readonly string[],
  devicesPerReplica: number,
): PodResources {
  if (instanceTypeNames.length === 0) throw new RangeError("A unit needs an instance type.");
  const perReplica = instanceTypeNames.map((name) => {
    const type = instanceType(name);
    if (type === undefined) throw new RangeError(`No accelerated instance type is ${name}.`);
    const replicas = replicasPerMachine(type.devices, devicesPerReplica);
    const { cpuMillis, memoryMiB } = schedulableResources(type);
    return { cpuMillis: cpuMillis / replicas, memoryMiB: memoryMiB / replicas };
  });
  const cpuMillis = floorTo(50, Math.min(...perReplica.map((one) => one.cpuMillis)));
  const memoryMiB = floorTo(64, Math.min(...perReplica.map((one) => one.memoryMiB)));
  const sharedMemoryMiB = Math.min(sharedMemory.maxMiB, floorTo(64, memoryMiB * sharedMemory.part));
  return { cpuMillis, memoryMiB, sharedMemoryMiB };
}

function floorTo(step: number, value: number): number {
  return Math.floor(value / step) * step;
}
