import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { PROBE_LABEL } from "../contracts/failover";
import { labels, UNIT_LABEL } from "../contracts/labels";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import { type PlaceholderArgs, placeholderPod } from "./placeholder";

export interface CapacityProbeArgs extends PlaceholderArgs {
  readonly namespace: pulumi.Input<string>;
}

/**
 * Asks for one machine of a unit, to find out whether EC2 has any again.
 *
 * When traffic has left a unit its autoscaler takes the pending pods away, and silence proves
 * nothing. So the fail-over controller scales this from none to one placeholder in a shortage; that
 * its machine is launched is the proof. The number of replicas is the controller's.
 */
export class CapacityProbe extends pulumi.ComponentResource {
  readonly deployment: kubernetes.apps.v1.Deployment;

  constructor(name: string, args: CapacityProbeArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:CapacityProbe", name, {}, pulumiOptions(opts));
    // Not the unit's own label, nor the model's: no Service and no budget selects a probe.
    const podLabels = labels(name, {
      "app.kubernetes.io/component": "capacity-probe",
      [PROBE_LABEL]: args.unit,
    });
    this.deployment = new kubernetes.apps.v1.Deployment(
      name,
      {
        metadata: {
          name,
          namespace: args.namespace,
          labels: { ...podLabels, [UNIT_LABEL]: args.unit },
          annotations: { "pulumi.com/skipAwait": "true", "pulumi.com/patchForce": "true" },
        },
        spec: {
          replicas: 0,
          selector: { matchLabels: podLabels },
          // Never two machines, not even while the placeholder itself is changed.
          strategy: { type: "Recreate" },
          template: { metadata: { labels: podLabels }, spec: placeholderPod(args) },
        },
      },
      { ...childOptions(this, opts), ignoreChanges: ["spec.replicas"] },
    );
    this.registerOutputs({});
  }
}
