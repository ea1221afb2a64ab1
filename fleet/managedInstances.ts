import {
  accelerator,
  accelerators,
  type DeviceFamily,
  type InstanceType,
  instanceType,
} from "./accelerators";

/**
 * The instance types that SageMaker hosts endpoints on, for the accelerators of this project, and
 * what an inference component can ask for on one of them.
 *
 * Source: botocore 1.44.5, service model sagemaker 2017-07-24, enum `ProductionVariantInstanceType`
 * (277 types). It has every type of accelerators.ts under the name `ml.` and EC2's name, so nothing
 * is listed twice here; a test holds the two against each other. The enum says what the API takes,
 * not what a region offers or what an account's quota allows ({@link endpointQuota}).
 */

/** SageMaker's name of an instance type, `ml.g5.xlarge`. */
export type ManagedInstanceName = `ml.${string}`;

export interface ManagedInstanceType {
  readonly name: ManagedInstanceName;
  /** Its accelerator's name, `g5`. */
  readonly accelerator: string;
  readonly family: DeviceFamily;
  /** The EC2 type that it is. */
  readonly instance: InstanceType;
  /**
   * Whether the machine has disks of its own, which its hardware encrypts: the endpoint's KMS key
   * does not reach them.
   *
   * botocore's documentation of `CreateEndpointConfig`, `KmsKeyId`: in 1.43.11 "You can't request a
   * KmsKeyId when using an instance type with local storage … the call to CreateEndpointConfig
   * fails"; in 1.44.5 "the KmsKeyId parameter does not encrypt instance local storage". Leaving the
   * key out for such a type is right by both. SageMaker also attaches no EBS volume to one
   * ("Analyze Amazon SageMaker spend … Part 5: Hosting", AWS Machine Learning Blog).
   */
  readonly hasLocalStorage: boolean;
}

/**
 * NeuronCores of one Inferentia2 or Trainium1 chip.
 *
 * Source: AWS Neuron documentation, "Inf2 architecture" and "Trn1 architecture" (inf2.48xlarge: 12
 * chips, 24 NeuronCore-v2; trn1.32xlarge: 16 and 32).
 */
export const NEURON_CORES_PER_DEVICE = 2;

/** The instance type called `name`, or undefined when SageMaker hosts none of ours by that name. */
export function managedInstanceType(name: string): ManagedInstanceType | undefined {
  if (!isManagedName(name)) return undefined;
  const known = instanceType(name.slice("ml.".length));
  if (known === undefined) return undefined;
  const { accelerator: carried, ...instance } = known;
  return {
    name,
    accelerator: carried,
    family: accelerator(carried).family,
    instance,
    hasLocalStorage: instance.instanceStoreGiB > 0,
  };
}

/**
 * The names of the types that carry the accelerator, smallest first: `ml.inf2.xlarge` …
 *
 * @throws RangeError naming the known ones, when there is no accelerator of that name.
 */
export function managedInstanceTypesOf(acceleratorName: string): readonly ManagedInstanceName[] {
  return Object.keys(accelerator(acceleratorName).instanceTypes).map(managedName);
}

/** Of an asynchronous endpoint whose config names none: seed 000's machine, of others the smallest. */
export function defaultAsyncType(acceleratorName: string): ManagedInstanceName {
  const names = managedInstanceTypesOf(acceleratorName);
  return acceleratorName === "inf2" ? "ml.inf2.48xlarge" : names[0]!;
}

/** Every type that SageMaker hosts one of our accelerators on. */
export const managedInstanceNames: readonly ManagedInstanceName[] =
  Object.keys(accelerators).flatMap(managedInstanceTypesOf);

/** SageMaker's name of the EC2 type `name`. */
export function managedName(name: string): ManagedInstanceName {
  return `ml.${name}`;
}

function isManagedName(name: string): name is ManagedInstanceName {
  return name.startsWith("ml.");
}

/** The most that the inference components of one instance can ask for together. */
export interface ComponentCapacity {
  /** Sum of `NumberOfAcceleratorDevicesRequired`. */
  readonly devices: number;
  /** Sum of `NumberOfCpuCoresRequired`. */
  readonly vcpus: number;
  /** Sum of `MinMemoryRequiredInMb`, taking the API's "Mb" for MiB. */
  readonly memoryMiB: number;
}

/**
 * What the instance has for inference components: everything on it.
 *
 * An upper bound. SageMaker's own agents take some memory and CPU of every instance; how much is
 * not documented. A request above this can never be placed; one close to it has to be tried.
 *
 * A device is a GPU or a Neuron chip, as the API's documentation has it ("The number of
 * accelerators to allocate … Accelerators include GPUs and Amazon Web Services Inferentia",
 * botocore 1.44.5, `InferenceComponentComputeResourceRequirements`). It does not say in so many
 * words that an Inferentia is the chip and not one of its two NeuronCores; counted in cores an
 * instance would have {@link NEURON_CORES_PER_DEVICE} times as many, so what fits by this count
 * fits by either.
 */
export function componentCapacity({ instance }: ManagedInstanceType): ComponentCapacity {
  return {
    devices: instance.devices,
    vcpus: instance.vcpus,
    memoryMiB: instance.memoryGiB * 1024,
  };
}

/** Of an instance, what copies get together unless they ask for more: SageMaker keeps some for itself. */
const usableShare = 0.9;

/** What a copy asks for: what is given, else its devices' share of the instance. */
export function copyResources(
  type: ManagedInstanceType,
  wanted: {
    readonly devices: number;
    readonly vcpus?: number | undefined;
    readonly memoryMiB?: number | undefined;
  },
): ComponentCapacity {
  const capacity = componentCapacity(type);
  const share = (usableShare * wanted.devices) / capacity.devices;
  return {
    devices: wanted.devices,
    vcpus: wanted.vcpus ?? Math.floor(capacity.vcpus * share * 4) / 4,
    memoryMiB: wanted.memoryMiB ?? Math.floor((capacity.memoryMiB * share) / 1024) * 1024,
  };
}

/** The least that one component can ask for: botocore 1.44.5, the same shapes' `min`. */
export const componentMinimum = { devices: 1, vcpus: 0.25, memoryMiB: 128 } as const;

/**
 * The Service Quotas quota of service `sagemaker` for instances of the type under endpoints, per
 * account and region. Of most accelerated types it is 0 until raised.
 *
 * Source: Service Quotas, Amazon SageMaker, for example "ml.inf2.48xlarge for endpoint usage"
 * (L-286C98BC).
 */
export function endpointQuota(name: ManagedInstanceName): string {
  return `${name} for endpoint usage`;
}
