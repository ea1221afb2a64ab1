import { NVIDIA_PLUGIN_LABEL } from "../contracts/labels";
import type { Toleration } from "./placement";
import type { Chart } from "./release";

export const nvidiaDevicePlugin: Chart = {
  name: "nvidia-device-plugin",
  version: "0.20.0",
  repository: "https://nvidia.github.io/k8s-device-plugin",
};

export interface NvidiaDevicePluginValues {
  readonly tolerations: readonly Toleration[];
}

/**
 * Only nodes that carry the label get the plugin: Bottlerocket has its own inside. The chart's
 * default affinity waits for labels of node-feature-discovery, which nobody sets here; Helm
 * replaces lists, so ours takes the place of the whole of it.
 *
 * The chart always renders a second, privileged DaemonSet for MPS. It needs the node label
 * `nvidia.com/mps.capable` too and runs nowhere.
 */
export function nvidiaDevicePluginValues(args: NvidiaDevicePluginValues) {
  return {
    nodeSelector: { [NVIDIA_PLUGIN_LABEL]: "true" },
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: NVIDIA_PLUGIN_LABEL, operator: "In", values: ["true"] }] },
          ],
        },
      },
    },
    tolerations: args.tolerations,
    resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "256Mi" } },
    podSecurityContext: { seccompProfile: { type: "RuntimeDefault" } },
    gfd: { enabled: false },
    nfd: { enabled: false },
  };
}
