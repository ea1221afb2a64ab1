import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { ClusterFacts } from "./clusterFacts";

/**
 * An EKS add-on, pinned. Where somebody changed its objects by hand, the add-on wins.
 *
 * @param addonName     EKS's name of it, which is its name here too
 * @param configuration values by the add-on's own schema; absent: its defaults
 */
export function eksAddon(
  addonName: string,
  addonVersion: string,
  cluster: ClusterFacts,
  opts: pulumi.CustomResourceOptions,
  configuration?: Readonly<Record<string, unknown>>,
): aws.eks.Addon {
  return new aws.eks.Addon(
    addonName,
    {
      clusterName: cluster.name,
      addonName,
      addonVersion,
      ...(configuration === undefined
        ? {}
        : { configurationValues: JSON.stringify(configuration) }),
      resolveConflictsOnCreate: "OVERWRITE",
      resolveConflictsOnUpdate: "OVERWRITE",
    },
    opts,
  );
}
