import type { Trigger } from "../../../contracts/routeTable";
import { count, list, text } from "./field";

/** A unit's ScaledObject. */
export interface ScaledObject {
  readonly name: string;
  readonly uid: string;
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
    triggers: list(raw, "spec.triggers") as readonly Trigger[],
    generation: count(raw, "metadata.generation") ?? 0,
  };
}
