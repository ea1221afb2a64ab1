import type { DeviceFamily } from "../fleet/accelerators";

/**
 * Metrics of CloudWatch Container Insights with enhanced observability for EKS, and what tells a
 * Deployment's apart: `PodName` is the workload's name, not a pod's.
 *
 * Source: aws/amazon-cloudwatch-agent, translator/translate/otel/exporter/awsemf/kubernetes.go, the
 * metric declarations of deployments, clusters, GPUs and Neuron.
 */
export const CONTAINER_INSIGHTS = "ContainerInsights";

/** Replicas that a Deployment wants, and those that are ready. */
export const REPLICAS_DESIRED = "replicas_desired";
export const REPLICAS_READY = "replicas_ready";

/** Nodes with a condition that Kubernetes calls a problem. */
export const FAILED_NODES = "cluster_failed_node_count";

/** How busy a pod's devices are, in percent. */
export function utilisationMetric(family: DeviceFamily): string {
  return family === "neuron" ? "pod_neuroncore_utilization" : "pod_gpu_utilization";
}

/** Dimensions of a Deployment's metrics, by name. */
export function workloadDimensions(clusterName: string, namespace: string, workload: string) {
  return { ClusterName: clusterName, Namespace: namespace, PodName: workload };
}
