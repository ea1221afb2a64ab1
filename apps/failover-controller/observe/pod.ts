import { PROBE_LABEL } from "../../../contracts/failover";
import { UNIT_LABEL } from "../../../contracts/labels";
import { condition, field, label, list, millis, text } from "./field";

/** A pod of a unit, or of its capacity probe. */
export interface Pod {
  readonly name: string;
  readonly unit: string;
  /** Whether it is a probe's, which serves nobody. */
  readonly isProbe: boolean;
  /** `waiting`: the scheduler has found no machine for it; `starting`: it has one, or nobody looked yet. */
  readonly state: "waiting" | "starting" | "ready" | "ending";
  /** Devices that it requests, by resource. */
  readonly devices: readonly string[];
  /** Whether it is on a machine. */
  readonly placed: boolean;
  /** When the scheduler first found no machine, milliseconds since 1970, to the second. */
  readonly waitingSince: number | undefined;
}

/** @returns undefined for a pod that belongs to no unit, such as headroom */
export function pod(raw: unknown): Pod | undefined {
  const name = text(raw, "metadata.name");
  const probeOf = label(raw, PROBE_LABEL);
  const unit = probeOf ?? label(raw, UNIT_LABEL);
  if (name === undefined || unit === undefined) return undefined;
  const placed = text(raw, "spec.nodeName") !== undefined;
  const scheduled = condition(raw, "PodScheduled");
  const waiting = !placed && text(scheduled, "status") === "False";
  return {
    name,
    unit,
    isProbe: probeOf !== undefined,
    state: stateOf(raw, waiting),
    devices: devicesOf(raw),
    placed,
    waitingSince: waiting ? millis(field(scheduled, "lastTransitionTime")) : undefined,
  };
}

function stateOf(raw: unknown, waiting: boolean): Pod["state"] {
  const phase = text(raw, "status.phase");
  const isEnding = field(raw, "metadata.deletionTimestamp") !== undefined;
  if (isEnding || phase === "Succeeded" || phase === "Failed") return "ending";
  if (waiting) return "waiting";
  return text(condition(raw, "Ready"), "status") === "True" ? "ready" : "starting";
}

/** Extended resources: the ones with a domain, which is how devices are requested. */
function devicesOf(raw: unknown): readonly string[] {
  const names = list(raw, "spec.containers").flatMap((container) => {
    const requests = field(container, "resources.requests") ?? field(container, "resources.limits");
    return typeof requests === "object" && requests !== null ? Object.keys(requests) : [];
  });
  return [...new Set(names.filter((name) => name.includes("/")))];
}
