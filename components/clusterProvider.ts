import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/** Deploys into a cluster. */
export function clusterProvider(
  name: string,
  clusterName: string,
  kubeconfig: pulumi.Input<string>,
  parent: pulumi.Resource,
): kubernetes.Provider {
  return new kubernetes.Provider(
    name,
    {
      kubeconfig,
      // Without it a changed kubeconfig can look like another cluster, and replace all in it.
      clusterIdentifier: clusterName,
      enableServerSideApply: true,
      // Otherwise a changed ConfigMap is a new one, and whoever watches the old one loses it.
      enableConfigMapMutable: true,
    },
    { parent },
  );
}
