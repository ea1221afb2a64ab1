import type { WireObject } from "../../../cli/plan/wire";
import type { Component } from "./component";

/** Kubernetes' ConfigFile. The double fetches nothing: one definition stands for all in the file. */
export async function configFile(component: Component): Promise<WireObject> {
  const name = `${component.name}.example.com`;
  const definition = await component.child(
    "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
    `${component.name}:${name}`,
    {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name },
    },
  );
  return { resources: [definition.reference] };
}
