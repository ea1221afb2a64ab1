import { createHash } from "node:crypto";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Scope } from "./scope";

export interface SecretSettingsArgs {
  readonly scope: Scope;
  readonly namespace: pulumi.Input<string>;
  readonly labels: Readonly<Record<string, string>>;
  /** By the name of the variable. */
  readonly values: Readonly<Record<string, string>>;
}

/**
 * Settings of a pod that are secrets. The Secret's name carries a hash of them, so that pods are
 * rolled over when one changes; the old one stays, for pods of the old revision, and goes with the
 * namespace.
 *
 * @returns nothing where there are none
 */
export function secretSettings(
  name: string,
  { scope: { project, stack }, namespace, labels, values }: SecretSettingsArgs,
  opts: pulumi.CustomResourceOptions,
): kubernetes.core.v1.Secret | undefined {
  if (Object.keys(values).length === 0) return undefined;
  const hash = createHash("sha256")
    .update(JSON.stringify([project, stack, name, values]))
    .digest("hex")
    .slice(0, 8);
  return new kubernetes.core.v1.Secret(
    name,
    {
      metadata: { name: `${name}-${hash}`, namespace, labels: { ...labels } },
      immutable: true,
      stringData: pulumi.secret({ ...values }),
    },
    { ...opts, retainOnDelete: true },
  );
}
