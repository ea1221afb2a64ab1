import { PROBE_LABEL } from "../../../contracts/failover";
import { UNIT_LABEL } from "../../../contracts/labels";
import { count, label, text } from "./field";

/** How many replicas of a unit, or of its capacity probe, are wanted. */
export interface Deployment {
  readonly name: string;
  readonly unit: string;
  readonly isProbe: boolean;
  readonly desired: number;
}

/** @returns undefined for a Deployment that belongs to no unit */
export function deployment(raw: unknown): Deployment | undefined {
  const name = text(raw, "metadata.name");
  const probeOf = label(raw, PROBE_LABEL);
  const unit = probeOf ?? label(raw, UNIT_LABEL);
  if (name === undefined || unit === undefined) return undefined;
  const isProbe = probeOf !== undefined;
  // A unit's Deployment has its name; headroom's has the unit's label, too.
  if (!isProbe && name !== unit) return undefined;
  return { name, unit, isProbe, desired: count(raw, "spec.replicas") ?? 1 };
}
