import type { EndpointPlacement } from "./endpointPlacement";

/** The instances of an endpoint. */
export interface EndpointMachines {
  /** `ml.g5.xlarge` … */
  readonly instanceType: string;
  /** Whether it has disks of its own, which its hardware encrypts and no key reaches. */
  readonly hasLocalStorage: boolean;
  /** GPUs or Neuron chips of one instance. */
  readonly devices: number;
  /** Seconds that the model may take to be there, and again the container to be healthy. */
  readonly startupSeconds: number;
}

/** The least and the most instances, or copies, of something that scales. */
export interface ScalingBounds {
  readonly min: number;
  readonly max: number;
}

/** The one variant of every endpoint, by the name that SageMaker's SDK gives it and the seeds use. */
export const VARIANT = "AllTraffic";

/** How long SageMaker waits for a model and its container. */
export function startupTimeouts({ startupSeconds }: Pick<EndpointMachines, "startupSeconds">) {
  return {
    modelDataDownloadTimeoutInSeconds: startupSeconds,
    containerStartupHealthCheckTimeoutInSeconds: startupSeconds,
  };
}

/**
 * Instances, or copies, to begin with: CreateEndpointConfig takes no fewer than one instance, and a
 * model that cannot start should show so at once. The autoscaler then takes away what nobody needs.
 */
export function initialCount({ min }: Pick<ScalingBounds, "min">): number {
  return Math.max(1, min);
}

/**
 * Left as it was made: the bounds are the autoscaler's, and another number here would make another
 * configuration, and so replace the whole fleet.
 */
export const INITIAL_COUNT = "productionVariants[0].initialInstanceCount";

/** The customer's key for the instances' volumes: only where they have any. */
export function volumeKey(
  { hasLocalStorage }: Pick<EndpointMachines, "hasLocalStorage">,
  { kmsKeyArn }: Pick<EndpointPlacement, "kmsKeyArn">,
): string | undefined {
  return hasLocalStorage ? undefined : kmsKeyArn;
}
