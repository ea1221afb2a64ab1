import type { Input } from "@pulumi/pulumi";

/** A taint that pods put up with, as Kubernetes takes it. */
export interface Toleration {
  /** The taint's key; absent with `Exists`: every taint. */
  readonly key?: string;
  readonly operator: "Exists" | "Equal";
  /** The taint's value, with `Equal` only. */
  readonly value?: string;
  /** Absent: every effect. */
  readonly effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
}

/** Where a controller's pods run. */
export interface Placement {
  /** Labels that a node must carry; empty: any node. */
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Toleration[];
}

/** Spreads a controller's replicas over the zones, without keeping them from starting. */
export function acrossZones(matchLabels?: Readonly<Record<string, Input<string>>>) {
  return {
    maxSkew: 1,
    topologyKey: "topology.kubernetes.io/zone",
    whenUnsatisfiable: "ScheduleAnyway",
    ...(matchLabels === undefined ? {} : { labelSelector: { matchLabels } }),
  };
}
