/** How many replicas and machines a load asks for, as Kubernetes and Karpenter would answer. */

/**
 * How a metric's value is to be read: `AverageValue` is the sum over all replicas and is divided by
 * their number, `Value` is compared with the target as it is, `Utilization` likewise (per cent).
 */
export type MetricType = "AverageValue" | "Value" | "Utilization";

/**
 * How far a metric may be from its target before the autoscaler acts.
 *
 * Source: Kubernetes, "Horizontal Pod Autoscaling", "Algorithm details":
 * `--horizontal-pod-autoscaler-tolerance`, "0.1, by default".
 */
export const defaultTolerance = 0.1;

/**
 * The replicas that a HorizontalPodAutoscaler asks for from one metric, before its minimum, maximum
 * and behaviour.
 *
 * `Value` and `Utilization`: ceil(current × value / target). `AverageValue`: ceil(value / target).
 * Within the tolerance (1 − tolerance ≤ ratio ≤ 1 + tolerance) nothing changes.
 *
 * Source: Kubernetes, "Horizontal Pod Autoscaling", "Algorithm details", and the controller's
 * replica_calculator.go: GetExternalMetricReplicas and GetExternalPerPodMetricReplicas.
 *
 * @param current replicas now, all of them ready (for `Value`, Kubernetes multiplies the ready
 *   ones); 0 means the autoscaler is off and stays off
 * @param value the metric: the total over all replicas for `AverageValue`, else as measured
 * @param target the target in the metric's unit
 * @throws RangeError for a count that is not a whole number ≥ 0, a negative value, or a target that
 *   is not positive.
 */
export function desiredReplicas(
  current: number,
  value: number,
  target: number,
  metricType: MetricType,
  tolerance: number = defaultTolerance,
): number {
  if (!Number.isInteger(current) || current < 0) {
    throw new RangeError(`Replicas must be a whole number, not ${current}.`);
  }
  if (!(value >= 0)) throw new RangeError(`A metric's value must be 0 or more, not ${value}.`);
  if (!(target > 0)) throw new RangeError(`A target must be more than 0, not ${target}.`);
  if (current === 0) return 0;

  const perReplica = metricType === "AverageValue";
  const ratio = perReplica ? value / (target * current) : value / target;
  if (1 - tolerance <= ratio && ratio <= 1 + tolerance) return current;
  return Math.ceil(perReplica ? value / target : current * ratio);
}

/**
 * The replicas that an HorizontalPodAutoscaler asks for from several metrics: the largest answer,
 * held between its minimum and maximum.
 *
 * Source: Kubernetes, "Horizontal Pod Autoscaling", "Algorithm details": "the largest of the
 * desired replica counts is chosen".
 *
 * @throws RangeError as {@link desiredReplicas}, or when the minimum is above the maximum.
 */
export function replicasFor(
  current: number,
  metrics: readonly { value: number; target: number; type: MetricType }[],
  bounds: { readonly min: number; readonly max: number },
): number {
  if (bounds.min > bounds.max) {
    throw new RangeError(`The minimum of ${bounds.min} replicas is above ${bounds.max}.`);
  }
  const wanted = metrics.map(({ value, target, type }) =>
    desiredReplicas(current, value, target, type),
  );
  const largest = wanted.length === 0 ? current : Math.max(...wanted);
  return Math.min(bounds.max, Math.max(bounds.min, largest));
}

/**
 * Replicas that fit on one machine by devices alone; `podResources` makes sure that they fit by CPU
 * and memory too.
 *
 * @throws RangeError when a replica needs more devices than the machine has, or a count is not a
 *   whole number of at least 1.
 */
export function replicasPerMachine(devices: number, devicesPerReplica: number): number {
  for (const count of [devices, devicesPerReplica]) {
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(`Devices must be a whole number of at least 1, not ${count}.`);
    }
  }
  if (devicesPerReplica > devices) {
    throw new RangeError(
      `A replica needs ${devicesPerReplica} devices; the machine has ${devices}.`,
    );
  }
  return Math.floor(devices / devicesPerReplica);
}

/** Machines of one type that `replicas` replicas need, packed as tightly as devices allow. */
export function machinesFor(replicas: number, devices: number, devicesPerReplica: number): number {
  return Math.ceil(replicas / replicasPerMachine(devices, devicesPerReplica));
}
