import type { KubeObject } from "./objects";

/** What a Lease says about who leads. A field that nobody has set is absent. */
export interface LeaseSpec {
  /** "": nobody, because the last one has gone. */
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  /** When the holder came; MicroTime. For people to read: durations are not judged by it. */
  readonly acquireTime?: string;
  /** When the holder was last there; MicroTime. Likewise. */
  readonly renewTime?: string;
  /** How often the holder has changed. */
  readonly leaseTransitions?: number;
}

/** A Lease of coordination.k8s.io/v1. */
export interface Lease extends KubeObject {
  /** Absent while nobody has ever held it. */
  readonly spec?: LeaseSpec;
}

let writes = 0;

/**
 * The time as Kubernetes' MicroTime, e.g. `2026-08-01T12:00:00.123456Z`. Its last three digits
 * count up: a renewal has to differ from the one before also when the clock stands still or goes
 * back, because others see by the difference that the holder is alive.
 */
export function microTime(): string {
  writes = (writes + 1) % 1000;
  return new Date().toISOString().replace("Z", `${String(writes).padStart(3, "0")}Z`);
}
