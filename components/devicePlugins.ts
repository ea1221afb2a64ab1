import * as pulumi from "@pulumi/pulumi";
import { mountpointStartupTaint } from "../charts/mountpointS3Csi";
import { neuronDevicePlugin, neuronDevicePluginValues } from "../charts/neuronDevicePlugin";
import { nvidiaDevicePlugin, nvidiaDevicePluginValues } from "../charts/nvidiaDevicePlugin";
import type { Toleration } from "../charts/placement";
import { release } from "../charts/release";
import { UNIT_LABEL } from "../contracts/labels";
import type { DeviceResource } from "../fleet/accelerators";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";

export interface DevicePluginsArgs {
  /** Plugins that the cluster has already. */
  readonly installed?: { readonly neuron?: boolean; readonly nvidia?: boolean };
}

/**
 * What makes a node's devices known as `aws.amazon.com/neuron` and `nvidia.com/gpu`: the Neuron
 * plugin on every Neuron node, NVIDIA's on AL2023 nodes only, because Bottlerocket has its own.
 */
export class DevicePlugins extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: DevicePluginsArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:DevicePlugins", name, {}, pulumiOptions(opts));
    const { neuron = false, nvidia = false } = args.installed ?? {};
    const ready: pulumi.Resource[] = [];
    if (!neuron) {
      const values = neuronDevicePluginValues({
        tolerations: taintsOf("aws.amazon.com/neuron"),
      });
      ready.push(
        release(
          "neuron-device-plugin",
          { chart: neuronDevicePlugin, namespace: "kube-system", values },
          childOptions(this, opts),
        ),
      );
    }
    if (!nvidia) {
      const values = nvidiaDevicePluginValues({ tolerations: taintsOf("nvidia.com/gpu") });
      ready.push(
        release(
          "nvidia-device-plugin",
          { chart: nvidiaDevicePlugin, namespace: "kube-system", values },
          childOptions(this, opts),
        ),
      );
    }
    this.ready = ready;
    this.registerOutputs({});
  }
}

/**
 * The taints of an accelerated node. The Mountpoint driver's start-up taint is among them, so that
 * plugin and driver start side by side instead of one after the other.
 */
function taintsOf(device: DeviceResource): Toleration[] {
  return [device, UNIT_LABEL, mountpointStartupTaint.key].map((key) => ({
    key,
    operator: "Exists",
  }));
}
