import type { PlannedResource } from "../../cli/plan/document";
import { SECRET } from "../../cli/plan/wire";
import { filled, type Planned } from "../program/filled";
import type { KubernetesObject } from "./controlPlane/client";

/** A chart or a file from elsewhere: what it brings is not in the plan. */
const FROM_ELSEWHERE = /^kubernetes:(helm\.sh|yaml)\//;

/**
 * The Kubernetes objects of a plan, in its order, as the provider would send them: with an example
 * where the plan says that a value is not known before `pulumi up`, or is a secret.
 */
export function plannedObjects(plan: Planned): readonly KubernetesObject[] {
  return plan.document.resources
    .filter(({ type }) => type.startsWith("kubernetes:") && !FROM_ELSEWHERE.test(type))
    .map((resource) => {
      const object = JSON.parse(filled(plan, JSON.stringify(withExampleSecrets(resource))));
      if (!object.apiVersion || !object.kind) throw new Error(`${resource.urn} is no manifest`);
      return object;
    });
}

/** A Secret is hidden as a whole, where the API wants a map. */
function withExampleSecrets({ inputs }: PlannedResource): PlannedResource["inputs"] {
  return inputs.stringData === SECRET ? { ...inputs, stringData: { EXAMPLE: "secret" } } : inputs;
}

/** `Kind namespace/name`, or without a namespace where an object has none. */
export function nameOf({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${[metadata.namespace, metadata.name].filter(Boolean).join("/")}`;
}

/** The pod that a Deployment's controller would make first. */
export function firstPod({ metadata, spec }: KubernetesObject): KubernetesObject {
  const { template } = spec;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...template.metadata, name: `${metadata.name}-0`, namespace: metadata.namespace },
    spec: template.spec,
  };
}
