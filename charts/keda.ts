import type { Input } from "@pulumi/pulumi";
import { acrossZones, type Placement } from "./placement";
import type { Chart } from "./release";

/** Its CRDs are templates of the chart, so upgrading the release upgrades them. */
export const keda: Chart = {
  name: "keda",
  version: "2.20.2",
  repository: "https://kedacore.github.io/charts",
};

export const kedaNamespace = "keda";
export const kedaOperatorServiceAccount = "keda-operator";

export interface KedaValues {
  readonly clusterName: Input<string>;
  readonly placement: Placement;
}

export function kedaValues(args: KedaValues) {
  const oneAtATime = { maxUnavailable: 1 };
  return {
    clusterName: args.clusterName,
    image: { pullPolicy: "IfNotPresent" },
    crds: { install: true },
    priorityClassName: "system-cluster-critical",
    nodeSelector: args.placement.nodeSelector,
    tolerations: args.placement.tolerations,
    serviceAccount: { operator: { create: true, name: kedaOperatorServiceAccount } },
    operator: { replicaCount: 2 },
    metricsServer: { replicaCount: 2 },
    webhooks: { replicaCount: 2 },
    podDisruptionBudget: {
      operator: oneAtATime,
      // The chart spells this one without the s that `metricsServer` above has.
      metricServer: oneAtATime,
      webhooks: oneAtATime,
    },
    topologySpreadConstraints: {
      operator: [acrossZones({ app: "keda-operator" })],
      metricsServer: [acrossZones({ app: "keda-operator-metrics-apiserver" })],
      webhooks: [acrossZones({ app: "keda-admission-webhooks" })],
    },
    // Otherwise the operator may scale every kind there is; Deployments are built in.
    rbac: { enabledCustomScaledRefKinds: false },
    logging: { operator: { format: "json" }, webhooks: { format: "json" } },
  };
}
