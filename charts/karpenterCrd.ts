import { karpenter } from "./karpenter";
import type { Chart } from "./release";

/**
 * Karpenter's CRDs as a chart of their own, because Helm installs a chart's `crds/` folder once and
 * never upgrades it. Always of the controller's version.
 */
export const karpenterCrd: Chart = {
  name: "karpenter-crd",
  version: karpenter.version,
  repository: karpenter.repository,
};
