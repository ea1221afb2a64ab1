/** How fast the autoscaler follows a demand: up at once, down slowly. */
export interface ScalingPace {
  /** Seconds that a lower demand must last before pods go. */
  readonly scaleInStabilizationSeconds: number;
  readonly scaleInPodsPerMinute: number;
}

/** `spec.advanced` of a ScaledObject. */
export function scalingBehaviour(pace: ScalingPace) {
  return {
    // A deleted ScaledObject leaves the replicas as they are.
    restoreToOriginalReplicaCount: false,
    horizontalPodAutoscalerConfig: {
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 0,
          selectPolicy: "Max",
          policies: [
            { type: "Percent", value: 100, periodSeconds: 15 },
            { type: "Pods", value: 4, periodSeconds: 15 },
          ],
        },
        scaleDown: {
          stabilizationWindowSeconds: pace.scaleInStabilizationSeconds,
          policies: [{ type: "Pods", value: pace.scaleInPodsPerMinute, periodSeconds: 60 }],
        },
      },
    },
  };
}

/** `spec.fallback`: when AWS does not answer, hold what there is, and never less than the minimum. */
export function holdingFallback(afterFailures: number, minReplicas: number) {
  return {
    failureThreshold: afterFailures,
    // With 0 here KEDA would take a failure for an empty queue; none is started from 0 either way.
    replicas: Math.max(1, minReplicas),
    behavior: "currentReplicasIfHigher",
  };
}
