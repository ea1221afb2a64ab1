import { UNIT_LABEL } from "../../../contracts/labels";
import { condition, label, millis, text } from "./field";

/** A machine that Karpenter asks EC2 for, or has. */
export interface NodeClaim {
  readonly name: string;
  readonly unit: string | undefined;
  readonly nodePool: string | undefined;
  readonly launched:
    | {
        readonly status: "True" | "False" | "Unknown";
        readonly reason: string;
        readonly message: string;
        /** Milliseconds since 1970, to the second. */
        readonly since: number | undefined;
      }
    | undefined;
}

export function nodeClaim(raw: unknown): NodeClaim | undefined {
  const name = text(raw, "metadata.name");
  if (name === undefined) return undefined;
  const launched = condition(raw, "Launched");
  const status = text(launched, "status");
  return {
    name,
    unit: label(raw, UNIT_LABEL),
    nodePool: label(raw, "karpenter.sh/nodepool"),
    launched:
      status === "True" || status === "False" || status === "Unknown"
        ? {
            status,
            reason: text(launched, "reason") ?? "",
            message: text(launched, "message") ?? "",
            since: millis(
              (launched as { readonly lastTransitionTime?: unknown }).lastTransitionTime,
            ),
          }
        : undefined,
  };
}
