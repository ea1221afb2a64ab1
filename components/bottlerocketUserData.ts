import { stringify, type TomlTable } from "smol-toml";

/**
 * User data of a Bottlerocket node, as TOML. Karpenter merges its own settings (cluster, labels,
 * taints) over it.
 *
 * @param more settings by table, e.g. the image cache's, without the leading `settings`
 */
export function bottlerocketUserData(more: TomlTable): string {
  return stringify({
    settings: {
      ...more,
      kubernetes: {
        // Without it a non-root pod cannot open the Neuron devices that it was given.
        "device-ownership-from-security-context": true,
      },
    },
  });
}
