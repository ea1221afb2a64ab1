import { PROBE_LABEL } from "../contracts/failover";
import { podOf } from "./pods";
import { isSet, ofType, type Resource, type Stack } from "./resource";

/** Workloads, what scales them, and the machines that they may land on. */

export const scaledObjectType = "kubernetes:keda.sh/v1alpha1:ScaledObject";
export const nodePoolType = "kubernetes:karpenter.sh/v1:NodePool";

/** Workloads that can have any number of replicas. */
export const scalable = [
  "kubernetes:apps/v1:Deployment",
  "kubernetes:apps/v1:StatefulSet",
] as const;

const autoscalers = [
  scaledObjectType,
  "kubernetes:autoscaling/v1:HorizontalPodAutoscaler",
  "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
] as const;

/** KEDA's own default for `maxReplicaCount`. */
const kedaMaximum = 100;

/** The workload of the same namespace that an autoscaler scales. */
export function targetOf({ props }: Resource, stack: Stack): Resource | undefined {
  const { kind = "Deployment", name } = props.spec?.scaleTargetRef ?? {};
  return ofType(stack, ...scalable).find(
    (workload) =>
      workload.type.endsWith(`:${kind}`) &&
      workload.props.metadata?.name === name &&
      workload.props.metadata?.namespace === props.metadata?.namespace,
  );
}

/** A capacity probe is written with none; the fail-over controller scales it to one. */
const mostProbes = 1;

/** How many replicas there can be: what a controller may ask for, or else what is written. */
export function mostReplicas(workload: Resource, stack: Stack): number {
  const [most] = ofType(stack, ...autoscalers)
    .filter((autoscaler) => targetOf(autoscaler, stack)?.urn === workload.urn)
    .map(({ props: { spec } }) => spec?.maxReplicaCount ?? spec?.maxReplicas ?? kedaMaximum);
  if (most !== undefined) return most;
  if (isSet(podOf(workload).metadata?.labels, PROBE_LABEL)) return mostProbes;
  return workload.props.spec?.replicas ?? 1;
}

/** The NodePools whose machines a pod may land on: those that have all labels that it asks for. */
export function nodePoolsFor(workload: Resource, stack: Stack): readonly Resource[] {
  const wanted = Object.entries(podOf(workload).spec?.nodeSelector ?? {});
  return ofType(stack, nodePoolType).filter(({ props }) => {
    const labels = props.spec?.template?.metadata?.labels ?? {};
    return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
  });
}
