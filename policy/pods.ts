import { listed } from "./listed";
import { isSet, type Resource } from "./resource";

/** Kubernetes resources that run pods. */
export const workloads = [
  "kubernetes:apps/v1:Deployment",
  "kubernetes:apps/v1:StatefulSet",
  "kubernetes:apps/v1:DaemonSet",
  "kubernetes:apps/v1:ReplicaSet",
  "kubernetes:batch/v1:Job",
  "kubernetes:batch/v1:CronJob",
  "kubernetes:core/v1:Pod",
] as const;

/** Workloads that run until they are stopped. */
export const services = [
  "kubernetes:apps/v1:Deployment",
  "kubernetes:apps/v1:StatefulSet",
  "kubernetes:apps/v1:DaemonSet",
] as const;

// biome-ignore lint/suspicious/noExplicitAny: manifests, read by path
type Manifest = any;

/** The pod that a workload runs: `{metadata, spec}`. */
export function podOf({ type, props }: Resource): { metadata?: Manifest; spec: Manifest } {
  if (type.endsWith(":Pod")) return props;
  if (type.endsWith(":CronJob")) return props.spec?.jobTemplate?.spec?.template ?? { spec: {} };
  return props.spec?.template ?? { spec: {} };
}

/** A pod's containers, those that run before it and beside it included. */
export function containersOf(resource: Resource): readonly Manifest[] {
  const { spec } = podOf(resource);
  return [...listed(spec?.initContainers), ...listed(spec?.containers)];
}

/** The containers that run as long as the pod: all but the initial ones that end. */
export function lastingContainersOf(resource: Resource): readonly Manifest[] {
  const { spec } = podOf(resource);
  const sidecars = listed(spec?.initContainers).filter(
    ({ restartPolicy }) => restartPolicy === "Always",
  );
  return [...sidecars, ...listed(spec?.containers)];
}

/** Whether a selector of the kind that Deployments and budgets have chooses a workload's pods. */
export function selects(selector: Manifest, resource: Resource): boolean {
  const labels = podOf(resource).metadata?.labels ?? {};
  const wanted = Object.entries(selector?.matchLabels ?? {});
  const expressions = listed(selector?.matchExpressions);
  return (
    wanted.length + expressions.length > 0 &&
    wanted.every(([key, value]) => labels[key] === value) &&
    expressions.every((expression) => satisfies(expression, labels))
  );
}

function satisfies({ key, operator, values }: Manifest, labels: Manifest): boolean {
  if (operator === "Exists") return isSet(labels, key);
  if (operator === "DoesNotExist") return !isSet(labels, key);
  const among = listed(values).includes(labels[key]);
  return operator === "NotIn" ? !among : among;
}

/** Whether a pod tolerates a taint, by Kubernetes' rules. */
export function tolerates(resource: Resource, taint: Manifest): boolean {
  return listed(podOf(resource).spec?.tolerations).some(
    ({ key, operator = "Equal", value, effect }) =>
      (effect === undefined || effect === "" || effect === taint.effect) &&
      (operator === "Exists"
        ? key === undefined || key === "" || key === taint.key
        : key === taint.key && (value ?? "") === (taint.value ?? "")),
  );
}
