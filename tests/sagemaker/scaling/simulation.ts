/** A clock that runs arrivals, an endpoint and its autoscaling together. */

import type { AlarmInput } from "./alarm";
import {
  type Activity,
  ApplicationAutoScaling,
  type MetricDelays,
  type ScalableTarget,
} from "./applicationAutoScaling";
import { CloudWatch, type MetricName } from "./cloudWatch";
import type { Endpoint } from "./endpoint";
import type { ScalingPolicy } from "./scalingPolicy";

export interface Scenario {
  readonly seconds: number;
  readonly endpoint: Endpoint;
  readonly initialCapacity: number;
  readonly target: ScalableTarget;
  readonly policies: readonly ScalingPolicy[];
  readonly alarms?: readonly AlarmInput[];
  readonly delays?: MetricDelays;
  /** Requests that come in a second. */
  readonly arrivals: (second: number) => number;
  /** Seconds after which a client repeats a request that failed; undefined for one that gives up. */
  readonly retrySeconds?: number;
  /** The metric that counts each request where it comes in, if there is one. */
  readonly requestMetric?: MetricName;
}

export interface Outcome {
  readonly activities: readonly Activity[];
  /** Capacity in service by the second. */
  readonly running: readonly number[];
  readonly requests: number;
  /** Seconds from a request to its answers, by request. More than one answer is a fault. */
  readonly answers: ReadonlyMap<number, readonly number[]>;
  readonly errors: number;
}

/** Without a delay, an alarm has each point at the end of its period: a lower bound. */
export const noDelays: MetricDelays = { standard: 0, highResolution: 0 };

export function simulate(scenario: Scenario): Outcome {
  const { endpoint, target, policies, alarms = [], delays = noDelays } = scenario;
  const metrics = new CloudWatch();
  const scaling = new ApplicationAutoScaling(
    target,
    scenario.initialCapacity,
    policies,
    alarms,
    metrics,
    delays,
  );
  const arrivedAt: number[] = [];
  const answers = new Map<number, number[]>();
  const retries = new Map<number, number[]>();
  const running: number[] = [];
  let errors = 0;

  const end = (request: number, ok: boolean, now: number) => {
    if (ok) {
      answers.set(request, [...(answers.get(request) ?? []), now - arrivedAt[request]!]);
      return;
    }
    errors += 1;
    if (scenario.retrySeconds === undefined) return;
    const at = now + scenario.retrySeconds;
    retries.set(at, [...(retries.get(at) ?? []), request]);
  };

  for (let now = 0; now < scenario.seconds; now++) {
    const requests = retries.get(now) ?? [];
    for (let i = scenario.arrivals(now); i > 0; i--) {
      requests.push(arrivedAt.push(now) - 1);
      if (scenario.requestMetric) metrics.put(scenario.requestMetric, now, 1);
    }
    for (const request of requests) {
      const answer = endpoint.receive(request, now, metrics);
      if (answer) end(request, answer.ok, now);
    }
    for (const { request, ok } of endpoint.step(now, metrics)) end(request, ok, now);
    scaling.step(now, endpoint.running(now));
    endpoint.resize(scaling.desired, now);
    running.push(endpoint.running(now));
  }
  return {
    activities: scaling.activities,
    running,
    requests: arrivedAt.length,
    answers,
    errors,
  };
}
