import { UNIT_LABEL } from "../../../contracts/labels";
import { field, label, text } from "./field";

/** The machines of a unit, and how many of them there may be. */
export interface NodePool {
  readonly name: string;
  readonly unit: string | undefined;
  /** Limit and use by resource, as whole devices; only resources with a limit. */
  readonly limits: Readonly<Record<string, { readonly limit: number; readonly used: number }>>;
}

export function nodePool(raw: unknown): NodePool | undefined {
  const name = text(raw, "metadata.name");
  if (name === undefined) return undefined;
  const limits = entries(field(raw, "spec.limits"));
  const used = new Map(entries(field(raw, "status.resources")));
  return {
    name,
    unit: label(raw, UNIT_LABEL),
    limits: Object.fromEntries(
      limits.map(([resource, limit]) => [resource, { limit, used: used.get(resource) ?? 0 }]),
    ),
  };
}

/** Whether a pool has as many of a device as it may, so that one more is its own refusal. */
export function isAtLimit({ limits }: NodePool, device: string): boolean {
  const found = limits[device];
  return found !== undefined && found.used >= found.limit;
}

/** Devices are counted in whole numbers; other quantities (`100m`, `4Gi`) are of no interest. */
function entries(value: unknown): (readonly [string, number])[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([resource, quantity]) => {
    const isWritten =
      typeof quantity === "number" || (typeof quantity === "string" && /^\d+$/.test(quantity));
    return isWritten ? [[resource, Number(quantity)] as const] : [];
  });
}
