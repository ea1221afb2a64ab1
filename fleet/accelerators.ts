/**
 * The accelerators a deployment unit can run on, and the EC2 instance types that carry them.
 *
 * Source of every figure in {@link accelerators}: Karpenter's generated "Instance Types" page
 * (aws/karpenter-provider-aws, website/content/en/preview/reference/instance-types.md at commit
 * 1d927085, August 2026), which prints what EC2's DescribeInstanceTypes answers: labels
 * instance-cpu, -memory, -gpu-count, -gpu-memory, -accelerator-count, -local-nvme and
 * -network-bandwidth, and the resource `pods`. Neuron device memory, which that page leaves out, is
 * in the same repository's pkg/fake/zz_generated.describe_instance_types.go (32768 MiB).
 */

/** What runs the model: the Neuron SDK, eager CUDA, or torch.compile with Triton. */
export type Framework = "neuron" | "cuda" | "triton";

/** Which device plugin, operating system variant and EC2NodeClass a device needs. */
export type DeviceFamily = "neuron" | "nvidia";

/** The extended resource a pod requests to get a whole device. */
export type DeviceResource = "aws.amazon.com/neuron" | "nvidia.com/gpu";

/** One EC2 instance type with at least one accelerator device. */
export interface InstanceType {
  /** EC2's name, `g5.xlarge`. */
  readonly name: string;
  /** Whole devices on the machine: GPUs, or Neuron chips (each with two NeuronCores). */
  readonly devices: number;
  /** Memory of one device in GiB, as EC2 reports it (an L4 sold as 24 GB has 22888 MiB). */
  readonly deviceMemoryGiB: number;
  readonly vcpus: number;
  readonly memoryGiB: number;
  /**
   * All local NVMe disks together, in GB (10^9 bytes) as EC2 counts them despite the name; 0 =
   * none.
   */
  readonly instanceStoreGiB: number;
  /** Baseline network bandwidth in Gbit/s, not the "up to" of EC2's marketing pages. */
  readonly networkGbps: number;
  /**
   * Most pods with the VPC CNI and no prefix delegation: what kube-reserved memory follows from.
   */
  readonly maxPods: number;
}

/** A device resource and the instance family that carries it. */
export interface Accelerator {
  /** The EC2 family, `inf2`; the middle part of a deployment unit's name. */
  readonly name: string;
  /** The chip as its maker calls it. */
  readonly chip: string;
  readonly family: DeviceFamily;
  readonly device: DeviceResource;
  /** What can run the model on this device. */
  readonly frameworks: readonly Framework[];
  /** The size a unit gets when its config names none: the smallest with one device. */
  readonly defaultInstanceType: string;
  /** By EC2 name, smallest first. */
  readonly instanceTypes: Readonly<Record<string, InstanceType>>;
  /** Where the figures come from. */
  readonly source: string;
}

const deviceFamilies: Readonly<
  Record<DeviceFamily, { device: DeviceResource; frameworks: readonly Framework[] }>
> = {
  neuron: { device: "aws.amazon.com/neuron", frameworks: ["neuron"] },
  nvidia: { device: "nvidia.com/gpu", frameworks: ["cuda", "triton"] },
};

const source =
  "aws/karpenter-provider-aws@1d927085 (2026-08), " +
  "website/content/en/preview/reference/instance-types.md";

/** size, devices, vCPU, GiB, instance store GB, Gbit/s, pods */
type Size = readonly [string, number, number, number, number, number, number];

function describe(
  name: string,
  chip: string,
  family: DeviceFamily,
  deviceMemoryGiB: number,
  sizes: readonly Size[],
): Accelerator {
  const instanceTypes = Object.fromEntries(
    sizes.map(([size, devices, vcpus, memoryGiB, instanceStoreGiB, networkGbps, maxPods]) => {
      const type: InstanceType = {
        name: `${name}.${size}`,
        devices,
        deviceMemoryGiB,
        vcpus,
        memoryGiB,
        instanceStoreGiB,
        networkGbps,
        maxPods,
      };
      return [type.name, type];
    }),
  );
  const [smallest] = sizes;
  if (smallest === undefined) throw new Error(`accelerator ${name} has no sizes`);
  return {
    name,
    chip,
    family,
    ...deviceFamilies[family],
    defaultInstanceType: `${name}.${smallest[0]}`,
    instanceTypes,
    source,
  };
}

/**
 * Every accelerator this project knows, by EC2 family. Bare-metal sizes are left out: Karpenter
 * boots them, but ten minutes later.
 */
export const accelerators: Readonly<Record<string, Accelerator>> = {
  inf2: describe("inf2", "AWS Inferentia2", "neuron", 32, [
    ["xlarge", 1, 4, 16, 0, 2.083, 58],
    ["8xlarge", 1, 32, 128, 0, 16.667, 234],
    ["24xlarge", 6, 96, 384, 0, 50, 737],
    ["48xlarge", 12, 192, 768, 0, 100, 737],
  ]),
  trn1: describe("trn1", "AWS Trainium", "neuron", 32, [
    ["2xlarge", 1, 8, 32, 474, 3.125, 58],
    ["32xlarge", 16, 128, 512, 7600, 800, 247],
  ]),
  g4dn: describe("g4dn", "NVIDIA T4", "nvidia", 16, [
    ["xlarge", 1, 4, 16, 125, 5, 29],
    ["2xlarge", 1, 8, 32, 225, 10, 29],
    ["4xlarge", 1, 16, 64, 225, 20, 29],
    ["8xlarge", 1, 32, 128, 900, 50, 58],
    ["12xlarge", 4, 48, 192, 900, 50, 234],
    ["16xlarge", 1, 64, 256, 900, 50, 58],
  ]),
  g5: describe("g5", "NVIDIA A10G", "nvidia", 22.35, [
    ["xlarge", 1, 4, 16, 250, 2.5, 58],
    ["2xlarge", 1, 8, 32, 450, 5, 58],
    ["4xlarge", 1, 16, 64, 600, 10, 234],
    ["8xlarge", 1, 32, 128, 900, 25, 234],
    ["12xlarge", 4, 48, 192, 3800, 40, 737],
    ["16xlarge", 1, 64, 256, 1900, 25, 234],
    ["24xlarge", 4, 96, 384, 3800, 50, 737],
    ["48xlarge", 8, 192, 768, 7600, 100, 345],
  ]),
  g6: describe("g6", "NVIDIA L4", "nvidia", 22.35, [
    ["xlarge", 1, 4, 16, 250, 2.5, 58],
    ["2xlarge", 1, 8, 32, 450, 5, 58],
    ["4xlarge", 1, 16, 64, 600, 10, 234],
    ["8xlarge", 1, 32, 128, 900, 25, 234],
    ["12xlarge", 4, 48, 192, 3760, 40, 234],
    ["16xlarge", 1, 64, 256, 1880, 25, 737],
    ["24xlarge", 4, 96, 384, 3760, 50, 737],
    ["48xlarge", 8, 192, 768, 7520, 100, 737],
  ]),
  g6e: describe("g6e", "NVIDIA L40S", "nvidia", 44.7, [
    ["xlarge", 1, 4, 32, 250, 2.5, 58],
    ["2xlarge", 1, 8, 64, 450, 5, 58],
    ["4xlarge", 1, 16, 128, 600, 20, 234],
    ["8xlarge", 1, 32, 256, 900, 25, 234],
    ["12xlarge", 4, 48, 384, 3800, 100, 292],
    ["16xlarge", 1, 64, 512, 1900, 35, 737],
    ["24xlarge", 4, 96, 768, 3800, 200, 492],
    ["48xlarge", 8, 192, 1536, 7600, 400, 492],
  ]),
  p4d: describe("p4d", "NVIDIA A100", "nvidia", 40, [["24xlarge", 8, 96, 1152, 8000, 400, 737]]),
  p5: describe("p5", "NVIDIA H100", "nvidia", 80, [
    ["4xlarge", 1, 16, 256, 3800, 100, 118],
    ["48xlarge", 8, 192, 2048, 30400, 3200, 100],
  ]),
};

/**
 * The accelerator called `name`.
 *
 * @throws RangeError naming the known ones, when there is none of that name.
 */
export function accelerator(name: string): Accelerator {
  const known = Object.hasOwn(accelerators, name) ? accelerators[name] : undefined;
  if (known === undefined) {
    const names = Object.keys(accelerators).join(", ");
    throw new RangeError(`There is no accelerator "${name}". Known: ${names}.`);
  }
  return known;
}

const instanceTypeIndex: ReadonlyMap<string, InstanceType & { readonly accelerator: string }> =
  new Map(
    Object.values(accelerators).flatMap((one) =>
      Object.values(one.instanceTypes).map((type) => [
        type.name,
        { ...type, accelerator: one.name },
      ]),
    ),
  );

/**
 * The accelerated instance type called `name` (`inf2.xlarge`) with its accelerator's name, or
 * undefined when this project does not know it (system node types are not accelerated).
 */
export function instanceType(
  name: string,
): (InstanceType & { readonly accelerator: string }) | undefined {
  return instanceTypeIndex.get(name);
}
