import type { CloudWatch, MetricName } from "./cloudWatch";
import type { Endpoint, Served, Serving } from "./endpoint";
import { dimensionsOf } from "./scalingPolicy";
import { type Worker, Workers } from "./workers";

/** A container that answers each request with an error at once, from one second to another. */
export interface Crash {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  /** Number of the instance or copy; the first is 0. */
  readonly worker: number;
}

/**
 * A realtime endpoint by variant (instances) or an inference component (copies): requests go to the
 * one with the fewest outstanding ones and queue in its container.
 *
 * With none in service a request fails, and NoCapacityInvocationFailures counts it (SageMaker
 * developer guide, "Scale an endpoint to zero instances"). What goes finishes what it has. Without
 * traffic the metrics are 0, not missing. No time limit of a request, no health check
 * that replaces a crashed container: both are SageMaker's and would end the stories sooner.
 */
export class RealtimeEndpoint implements Endpoint {
  readonly #workers: Workers;
  #draining: Worker[] = [];
  readonly #metric: (name: string) => MetricName;
  readonly #names: { concurrency: string; invocations: string };

  constructor(
    resourceId: string,
    private readonly serving: Serving,
    private readonly crashes: readonly Crash[] = [],
  ) {
    this.#workers = new Workers(serving.initialCapacity, serving.startSeconds);
    const Dimensions = dimensionsOf(resourceId);
    this.#metric = (MetricName) => ({ Namespace: "AWS/SageMaker", MetricName, Dimensions });
    this.#names = resourceId.startsWith("inference-component/")
      ? { concurrency: "ConcurrentRequestsPerCopy", invocations: "InvocationsPerCopy" }
      : { concurrency: "ConcurrentRequestsPerModel", invocations: "InvocationsPerInstance" };
  }

  running(now: number): number {
    return this.#workers.running(now).length;
  }

  receive(request: number, now: number, metrics: CloudWatch): Served | undefined {
    const workers = this.#workers.running(now);
    const [least] = [...workers].sort((a, b) => a.inFlight - b.inFlight || a.number - b.number);
    if (!least) {
      metrics.put(this.#metric("NoCapacityInvocationFailures"), now, 1);
      return { request, ok: false };
    }
    metrics.put(this.#metric(this.#names.invocations), now, 1 / workers.length);
    if (this.#crashed(least, now)) return { request, ok: false };
    least.queued.push(request);
    return undefined;
  }

  step(now: number, metrics: CloudWatch): Served[] {
    const { concurrency, serviceSeconds } = this.serving;
    const running = this.#workers.running(now);
    const served = [...running, ...this.#draining].flatMap((worker) => {
      if (this.#crashed(worker, now)) return this.#drop(worker);
      const ended = worker.work(now, concurrency, serviceSeconds);
      return ended.map((request) => ({ request, ok: true }));
    });
    this.#draining = this.#draining.filter(({ inFlight }) => inFlight > 0);
    for (const worker of running) {
      metrics.put(this.#metric(this.#names.concurrency), now, worker.inFlight);
    }
    if (running.length > 0 && now % 60 === 0) {
      metrics.put(this.#metric(this.#names.invocations), now, 0);
    }
    return served;
  }

  resize(capacity: number, now: number): void {
    this.#draining.push(...this.#workers.resize(capacity, now));
  }

  #crashed(worker: Worker, now: number): boolean {
    return this.crashes.some(
      ({ fromSeconds, toSeconds, worker: number }) =>
        number === worker.number && fromSeconds <= now && now < toSeconds,
    );
  }

  #drop(worker: Worker): Served[] {
    const requests = [...worker.queued, ...worker.busy.map(({ request }) => request)];
    worker.queued.length = 0;
    worker.busy = [];
    return requests.map((request) => ({ request, ok: false }));
  }
}
