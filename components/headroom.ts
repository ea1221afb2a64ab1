import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labels, UNIT_LABEL } from "../contracts/labels";
import { SERVER_UID } from "../contracts/serverSettings";
import type { Accelerator } from "../fleet/accelerators";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import { deviceTaint, nodeSelectorOf } from "./nodePool";
import type { Scope } from "./scope";

export interface HeadroomArgs {
  readonly scope: Scope;
  readonly namespace: pulumi.Input<string>;
  readonly unit: string;
  readonly accelerator: Accelerator;
  /** Devices per placeholder: as many as a replica has. */
  readonly devices: number;
  /** Machines to keep ready. */
  readonly replicas: number;
  /** PriorityClass below everything else, so that a real replica takes the place at once. */
  readonly priorityClassName: pulumi.Input<string>;
}

/** The container that does nothing, as the kubelet itself uses it. */
const pauseImage =
  "registry.k8s.io/pause:3.10.1@sha256:278fb9dbcca9518083ad1e11276933a2e96f23de604a3a08cc3c80002767d24c";

/** Warm machines of one unit: placeholders that hold a device until a replica wants it. */
export class Headroom extends pulumi.ComponentResource {
  constructor(name: string, args: HeadroomArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:Headroom", name, {}, pulumiOptions(opts));
    // Not the unit's own label: the placeholders are not among the pods that it selects.
    const podLabels = labels(name, { "app.kubernetes.io/component": "headroom" });
    const devices = { [args.accelerator.device]: String(args.devices) };
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
          template: {
            metadata: { labels: podLabels },
            spec: {
              priorityClassName: args.priorityClassName,
              automountServiceAccountToken: false,
              terminationGracePeriodSeconds: 0,
              nodeSelector: nodeSelectorOf(args.scope, args.unit),
              tolerations: [{ ...deviceTaint(args.accelerator), operator: "Equal" }],
              securityContext: {
                runAsNonRoot: true,
                runAsUser: SERVER_UID,
                runAsGroup: SERVER_UID,
                seccompProfile: { type: "RuntimeDefault" },
              },
              containers: [
                {
                  name: "placeholder",
                  image: pauseImage,
                  resources: {
                    requests: { cpu: "10m", memory: "16Mi", ...devices },
                    limits: { memory: "16Mi", ...devices },
                  },
                  securityContext: {
                    allowPrivilegeEscalation: false,
                    readOnlyRootFilesystem: true,
                    capabilities: { drop: ["ALL"] },
                  },
                },
              ],
            },
          },
        },
      },
      childOptions(this, opts),
    );
    this.registerOutputs({});
  }
}
