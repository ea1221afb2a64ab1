/** What the autoscaler and the clock see of a simulated endpoint. */

import type { CloudWatch } from "./cloudWatch";

export interface Served {
  readonly request: number;
  /** False for an error that the client sees. */
  readonly ok: boolean;
}

export interface Endpoint {
  /** @returns an answer that comes in the same second: an error. */
  receive(request: number, now: number, metrics: CloudWatch): Served | undefined;
  /** One second of work, and the metrics of its end. */
  step(now: number, metrics: CloudWatch): Served[];
  resize(capacity: number, now: number): void;
  /** Instances or copies in service. */
  running(now: number): number;
}

export interface Serving {
  readonly serviceSeconds: number;
  /** Requests that one instance or copy works on at a time. */
  readonly concurrency: number;
  /** From the decision to an instance or copy in service. */
  readonly startSeconds: number;
  readonly initialCapacity: number;
}
