import type { CloudWatch } from "./cloudWatch";
import type { Endpoint, Served, Serving } from "./endpoint";
import { dimensionsOf } from "./scalingPolicy";
import { Workers } from "./workers";

/**
 * An asynchronous endpoint: one queue without bound in front of the instances.
 *
 * "Requests that are received when there are zero instances are queued for processing once the
 * endpoint scales up" (SageMaker developer guide, "Autoscale an asynchronous endpoint"). An instance
 * that goes gives what it worked on back to the queue.
 */
export class AsyncEndpoint implements Endpoint {
  /** The next request is the last element. */
  #queue: number[] = [];
  readonly #workers: Workers;
  readonly #variant;
  readonly #endpoint;

  constructor(
    resourceId: string,
    private readonly serving: Serving,
  ) {
    this.#workers = new Workers(serving.initialCapacity, serving.startSeconds);
    this.#variant = dimensionsOf(resourceId);
    this.#endpoint = this.#variant.filter(({ Name }) => Name === "EndpointName");
  }

  get backlog(): number {
    return this.#queue.length;
  }

  running(now: number): number {
    return this.#workers.running(now).length;
  }

  receive(request: number): undefined {
    this.#queue.unshift(request);
  }

  step(now: number, metrics: CloudWatch): Served[] {
    const { concurrency, serviceSeconds } = this.serving;
    const workers = this.#workers.running(now);
    const served = workers.flatMap((worker) => {
      const ended = worker.work(now, concurrency, serviceSeconds);
      while (worker.inFlight < concurrency && this.#queue.length > 0) {
        worker.queued.push(this.#queue.pop()!);
      }
      worker.work(now, concurrency, serviceSeconds);
      return ended;
    });
    if (now % 60 === 0) this.#publish(now, metrics, workers.length);
    return served.map((request) => ({ request, ok: true }));
  }

  resize(capacity: number, now: number): void {
    for (const worker of this.#workers.resize(capacity, now)) {
      this.#queue.push(...worker.queued, ...worker.busy.map(({ request }) => request));
    }
  }

  /**
   * Once a minute. HasBacklogWithoutCapacity is "1 when there are requests in the queue but zero
   * instances behind the endpoint", else 0 (SageMaker developer guide, "Alarms and logs for tracking
   * metrics from asynchronous endpoints"). Only an instance in service has a CPU.
   */
  #publish(now: number, metrics: CloudWatch, running: number): void {
    const put = (MetricName: string, value: number) =>
      metrics.put(
        { Namespace: "AWS/SageMaker", MetricName, Dimensions: this.#endpoint },
        now,
        value,
      );
    const waits = this.#queue.length > 0;
    put("HasBacklogWithoutCapacity", Number(waits && running === 0));
    // "Currently being processed or yet to be processed."
    const backlog = this.#queue.length + this.#workers.inFlight;
    put("ApproximateBacklogSize", backlog);
    if (running > 0) put("ApproximateBacklogSizePerInstance", backlog / running);
    for (let i = 0; i < running; i++) {
      metrics.put(
        {
          Namespace: "/aws/sagemaker/Endpoints",
          MetricName: "CPUUtilization",
          Dimensions: this.#variant,
        },
        now,
        50,
      );
    }
  }
}
