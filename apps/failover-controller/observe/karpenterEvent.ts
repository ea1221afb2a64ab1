import { field, millis, text } from "./field";

/** A warning of Karpenter about one of its objects. */
export interface KarpenterEvent {
  readonly kind: "NodeClaim" | "NodePool";
  readonly object: string;
  readonly reason: string;
  readonly message: string;
  /** When it was last said, milliseconds since 1970, to the second. */
  readonly at: number | undefined;
}

/** Warnings about NodeClaims and NodePools, which are in no namespace: events in `default`. */
export const karpenterEvents = {
  path: "/api/v1/namespaces/default/events",
  fieldSelector: "involvedObject.apiVersion=karpenter.sh/v1,type=Warning",
};

/** The two that say that there is no machine; of thousands of others nothing is kept. */
const reasons = ["InsufficientCapacityError", "NoCompatibleInstanceTypes"];

/** @returns undefined for events about other things */
export function karpenterEvent(raw: unknown): KarpenterEvent | undefined {
  const kind = text(raw, "involvedObject.kind");
  const object = text(raw, "involvedObject.name");
  const reason = text(raw, "reason");
  if (object === undefined || reason === undefined || !reasons.includes(reason)) return undefined;
  if (kind !== "NodeClaim" && kind !== "NodePool") return undefined;
  const at =
    millis(field(raw, "series.lastObservedTime")) ??
    millis(field(raw, "lastTimestamp")) ??
    millis(field(raw, "eventTime")) ??
    millis(field(raw, "firstTimestamp"));
  return { kind, object, reason, message: text(raw, "message") ?? "", at };
}
