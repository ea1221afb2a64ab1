/** Labels and taints that the program, the apps and the docs share. */

export const PART_OF = "diffusion-fleet";

/** Names the deployment unit that an object belongs to. */
export const UNIT_LABEL = "diffusion-fleet.io/unit";

/** Names the runtime of the asynchronous path that an object belongs to. */
export const RUNTIME_LABEL = "diffusion-fleet.io/runtime";

/** Names the compilation that a machine is for. */
export const COMPILATION_LABEL = "diffusion-fleet.io/compilation";

/** Names the model that an object belongs to; the cross-unit Service selects pods by it. */
export const MODEL_LABEL = "diffusion-fleet.io/model";

/** Names the accelerator of a node or pod, e.g. `inf2`. */
export const ACCELERATOR_LABEL = "diffusion-fleet.io/accelerator";

/** The stack whose machines and pods these are: two stacks may share one cluster. */
export const STACK_LABEL = "diffusion-fleet.io/stack";

/**
 * US dollars an hour for one machine of a NodePool, where the config knows better than the price
 * list (a reservation, spot): an annotation.
 */
export const PRICE_ANNOTATION = "diffusion-fleet.io/usd-per-hour";

/** `system` on nodes that carry controllers only; they are tainted with the same key. */
export const NODE_ROLE_LABEL = "diffusion-fleet.io/node-role";

/** Only nodes of AL2023 pools carry it: they need the NVIDIA device plugin, Bottlerocket does not. */
export const NVIDIA_PLUGIN_LABEL = "diffusion-fleet.io/nvidia-device-plugin";

/** The labels that every Kubernetes object of ours carries. */
export function labels(name: string, more: Readonly<Record<string, string>> = {}) {
  return {
    "app.kubernetes.io/name": name,
    "app.kubernetes.io/part-of": PART_OF,
    "app.kubernetes.io/managed-by": "pulumi",
    ...more,
  };
}
