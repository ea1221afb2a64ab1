import { existsSync } from "node:fs";
import { resolve } from "node:path";

/**
 * The fields of Kubernetes' types, from its official client: what a chart passes on to Kubernetes as
 * it is, Kubernetes judges.
 */

const models = resolve(__dirname, "../../node_modules/@kubernetes/client-node/dist/gen/models");

interface Attribute {
  readonly baseName: string;
  readonly type: string;
}

/**
 * The fields of a type, or nothing when it has none, as texts and numbers have.
 *
 * By file, because the package as a whole loads an HTTP client that wants a newer Node.
 */
export function fieldsOf(type: string): ReadonlyMap<string, string> | undefined {
  const file = resolve(models, `${type}.js`);
  if (!/^\w+$/.test(type) || !existsSync(file)) return undefined;
  const model = require(file)[type] as { getAttributeTypeMap?(): Attribute[] };
  const attributes = model.getAttributeTypeMap?.();
  return attributes && new Map(attributes.map(({ baseName, type }) => [baseName, type]));
}

/** The type of a list's elements. */
export function elementType(type: string): string | undefined {
  return /^Array<(.+)>$/.exec(type)?.[1];
}

/** Whether a type is a map with keys of the user's choice. */
export function isFreeMap(type: string): boolean {
  return type.startsWith("{ [key: string]");
}

/** Kubernetes' type of a value that charts call so. */
export const typesByKey: Readonly<Record<string, string>> = {
  affinity: "V1Affinity",
  env: "Array<V1EnvVar>",
  nodeSelector: "{ [key: string]: string; }",
  podDisruptionBudget: "V1PodDisruptionBudgetSpec",
  podSecurityContext: "V1PodSecurityContext",
  resources: "V1ResourceRequirements",
  securityContext: "V1SecurityContext",
  tolerations: "Array<V1Toleration>",
  topologySpreadConstraints: "Array<V1TopologySpreadConstraint>",
};
