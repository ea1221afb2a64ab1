import type * as pulumi from "@pulumi/pulumi";
import type { Accelerator } from "../fleet/accelerators";
import { deviceTaint, nodeSelectorOf } from "./nodePool";
import { containerSecurity, podSecurity } from "./restrictedPod";
import type { Scope } from "./scope";

export interface PlaceholderArgs {
  readonly scope: Scope;
  readonly unit: string;
  readonly accelerator: Accelerator;
  /** Devices that it asks for: as many as a replica has. */
  readonly devices: number;
  /** PriorityClass below everything else, so that a real replica takes the place at once. */
  readonly priorityClassName: pulumi.Input<string>;
}

/** The container that does nothing, as the kubelet itself uses it. */
const pauseImage =
  "registry.k8s.io/pause:3.10.1@sha256:278fb9dbcca9518083ad1e11276933a2e96f23de604a3a08cc3c80002767d24c";

/** The pod spec of a placeholder: it holds devices of a unit's machine and does nothing with them. */
export function placeholderPod(args: PlaceholderArgs) {
  const devices = { [args.accelerator.device]: String(args.devices) };
  return {
    priorityClassName: args.priorityClassName,
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 0,
    nodeSelector: nodeSelectorOf(args.scope, { kind: "unit", name: args.unit }),
    tolerations: [{ ...deviceTaint(args.accelerator), operator: "Equal" }],
    securityContext: podSecurity,
    containers: [
      {
        name: "placeholder",
        image: pauseImage,
        resources: {
          requests: { cpu: "10m", memory: "16Mi", ...devices },
          limits: { memory: "16Mi", ...devices },
        },
        securityContext: containerSecurity,
      },
    ],
  };
}
