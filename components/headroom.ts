import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labels, UNIT_LABEL } from "../contracts/labels";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import { type PlaceholderArgs, placeholderPod } from "./placeholder";

export interface HeadroomArgs extends PlaceholderArgs {
  readonly namespace: pulumi.Input<string>;
  /** Machines to keep ready. */
  readonly replicas: number;
}

/** Warm machines of one unit: placeholders that hold a device until a replica wants it. */
export class Headroom extends pulumi.ComponentResource {
  constructor(name: string, args: HeadroomArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:Headroom", name, {}, pulumiOptions(opts));
    // Not the unit's own label: the placeholders are not among the pods that it selects.
    const podLabels = labels(name, { "app.kubernetes.io/component": "headroom" });
    new kubernetes.apps.v1.Deployment(
      name,
      {
        metadata: {
          name,
          namespace: args.namespace,
          labels: { ...podLabels, [UNIT_LABEL]: args.unit },
          annotations: { "pulumi.com/skipAwait": "true" },
        },
        spec: {
          replicas: args.replicas,
          selector: { matchLabels: podLabels },
          template: { metadata: { labels: podLabels }, spec: placeholderPod(args) },
        },
      },
      childOptions(this, opts),
    );
    this.registerOutputs({});
  }
}
