import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from "prom-client";
import {
  TASK_IMAGES_METRIC,
  TASK_RUN_METRIC,
  TASK_WAIT_METRIC,
  TASKS_COMPLETED_METRIC,
  TASKS_FAILED_METRIC,
  TASKS_RETRIED_METRIC,
} from "../../contracts/metrics";
import type { FailureCode } from "../../contracts/tasks/record";
import type { EmbeddedMetrics } from "./embeddedMetrics";

/** Seconds, from a tenth to the longest task that the config allows. */
const taskBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 21600];

/** Seconds, around the 15 ms that are aimed at. */
const idleBuckets = [0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 1, 5, 30];

/** What Prometheus can ask of an agent, and what it tells CloudWatch. */
export class Metrics {
  readonly #tasks: Counter<"result">;
  readonly #images: Counter;
  readonly #retries: Counter<"code">;
  readonly #failures: Counter<"code">;
  readonly #wait: Histogram;
  readonly #run: Histogram;
  readonly #idle: Histogram;
  readonly #lost: Counter;
  readonly #ready: Gauge;
  readonly #embedded: EmbeddedMetrics;

  constructor(registry: Registry, embedded: EmbeddedMetrics) {
    const registers = [registry];
    this.#embedded = embedded;
    collectDefaultMetrics({ register: registry });
    this.#tasks = new Counter({
      name: "queue_agent_tasks_total",
      help: "Tasks that ended here, by how: completed, failed, cancelled.",
      labelNames: ["result"],
      registers,
    });
    this.#images = new Counter({
      name: "queue_agent_images_total",
      help: "Images that were stored.",
      registers,
    });
    this.#retries = new Counter({
      name: "queue_agent_retries_total",
      help: "Attempts that came to nothing and are made again.",
      labelNames: ["code"],
      registers,
    });
    this.#failures = new Counter({
      name: "queue_agent_dead_letters_total",
      help: "Messages that went to the dead-letter queue.",
      labelNames: ["code"],
      registers,
    });
    this.#wait = new Histogram({
      name: "queue_agent_queue_wait_seconds",
      help: "From the API to the first attempt.",
      buckets: taskBuckets,
      registers,
    });
    this.#run = new Histogram({
      name: "queue_agent_run_seconds",
      help: "What the runtime took, whatever came of it.",
      buckets: taskBuckets,
      registers,
    });
    this.#idle = new Histogram({
      name: "queue_agent_runtime_idle_seconds",
      help: "Between two tasks, where the second had been waiting when the first one ended.",
      buckets: idleBuckets,
      registers,
    });
    this.#lost = new Counter({
      name: "queue_agent_claims_lost_total",
      help: "Tasks that another agent has claimed while this one worked on them.",
      registers,
    });
    this.#ready = new Gauge({
      name: "queue_agent_runtime_ready",
      help: "1 while the runtime can take tasks.",
      registers,
    });
  }

  waited(seconds: number): void {
    this.#wait.observe(seconds);
    this.#embedded.publish([{ name: TASK_WAIT_METRIC, unit: "Seconds", value: seconds }]);
  }

  ran(seconds: number): void {
    this.#run.observe(seconds);
    this.#embedded.publish([{ name: TASK_RUN_METRIC, unit: "Seconds", value: seconds }]);
  }

  wasIdle(seconds: number): void {
    this.#idle.observe(seconds);
  }

  completed(images: number): void {
    this.#tasks.inc({ result: "completed" });
    this.#images.inc(images);
    this.#embedded.publish([
      { name: TASKS_COMPLETED_METRIC, unit: "Count", value: 1 },
      { name: TASK_IMAGES_METRIC, unit: "Count", value: images },
    ]);
  }

  cancelled(): void {
    this.#tasks.inc({ result: "cancelled" });
  }

  retried(code: FailureCode): void {
    this.#retries.inc({ code });
    this.#embedded.publish([{ name: TASKS_RETRIED_METRIC, unit: "Count", value: 1 }]);
  }

  deadLettered(code: FailureCode): void {
    this.#tasks.inc({ result: "failed" });
    this.#failures.inc({ code });
    this.#embedded.publish([{ name: TASKS_FAILED_METRIC, unit: "Count", value: 1 }]);
  }

  lostClaim(): void {
    this.#lost.inc();
  }

  runtimeIs(isReady: boolean): void {
    this.#ready.set(isReady ? 1 : 0);
  }
}
