import type { Trigger } from "../../../contracts/routeTable";
import { count, list, text } from "./field";
import { isOurs } from "./trafficOwner";

/** A unit's ScaledObject. */
export interface ScaledObject {
  readonly name: string;
  readonly uid: string;
  /** Whether Pulumi has not taken it back: it does while this controller may still run. */
  readonly isOurs: boolean;
  /** `spec.triggers` as they stand, for comparison only. */
  readonly triggers: readonly Trigger[];
  readonly generation: number;
}

export function scaledObject(raw: unknown): ScaledObject | undefined {
  const name = text(raw, "metadata.name");
  const uid = text(raw, "metadata.uid");
  if (name === undefined || uid === undefined) return undefined;
  return {
    name,
    uid,
    isOurs: isOurs(raw),
    triggers: list(raw, "spec.triggers") as readonly Trigger[],
    generation: count(raw, "metadata.generation") ?? 0,
  };
}
