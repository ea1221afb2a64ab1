import { accelerators } from "../fleet/accelerators";
import type { Toleration } from "./placement";
import type { Chart } from "./release";

export const neuronDevicePlugin: Chart = {
  name: "neuron-helm-chart",
  version: "1.10.0",
  repository: "oci://public.ecr.aws/neuron",
};

export interface NeuronDevicePluginValues {
  readonly tolerations: readonly Toleration[];
}

/**
 * The device plugin and nothing else of the chart. Its node problem detector, on by default, is
 * privileged, tolerates everything and wants rights of its own; its scheduler serves shares of a
 * device, which no unit asks for.
 *
 * The chart's affinity keeps the plugin to `neuronInstances`, so the catalogue's types are given.
 */
export function neuronDevicePluginValues(args: NeuronDevicePluginValues) {
  return {
    neuronInstances: neuronInstanceTypes(),
    devicePlugin: {
      enabled: true,
      tolerations: args.tolerations,
      resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "256Mi" } },
      podSecurityContext: { seccompProfile: { type: "RuntimeDefault" } },
    },
    npd: { enabled: false },
    scheduler: { enabled: false },
    draDriver: { enabled: false },
    ultraserverOperator: { enabled: false },
  };
}

function neuronInstanceTypes(): string[] {
  return Object.values(accelerators)
    .filter(({ family }) => family === "neuron")
    .flatMap(({ instanceTypes }) => Object.keys(instanceTypes));
}
