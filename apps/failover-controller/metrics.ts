import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from "prom-client";
import type { ModelStatus } from "../../contracts/failover";

/** Seconds from one hundredth to a minute: what is aimed at is one. */
const buckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** What Prometheus can ask of the controller. */
export class Metrics {
  readonly leader: Gauge;
  readonly switches: Counter<"model" | "direction">;
  readonly evidenceToRoute: Histogram;
  readonly routeTakenUp: Histogram;
  readonly errors: Counter<"operation">;
  readonly overwritten: Counter<"object">;
  readonly watchRestarts: Counter<"kind">;
  readonly #mode: Gauge<"model" | "mode">;
  readonly #failedOver: Gauge<"model">;
  readonly #pinned: Gauge<"model">;
  readonly #unitState: Gauge<"unit" | "state">;
  readonly #evidenceAge: Gauge<"unit" | "cause">;

  /** Exact values for what else publishes them. */
  readonly totals = { errors: 0 };

  constructor(registry: Registry) {
    const registers = [registry];
    collectDefaultMetrics({ register: registry });
    this.leader = new Gauge({
      name: "failover_leader",
      help: "1 in the replica that acts.",
      registers,
    });
    this.#mode = new Gauge({
      name: "failover_mode",
      help: "1 for the mode that a model's route is in.",
      labelNames: ["model", "mode"],
      registers,
    });
    this.#failedOver = new Gauge({
      name: "failover_failed_over",
      help: "1 while fail-over has moved a model's traffic away from what is configured.",
      labelNames: ["model"],
      registers,
    });
    this.#pinned = new Gauge({
      name: "failover_pinned",
      help: "1 while a person holds a model in a mode.",
      labelNames: ["model"],
      registers,
    });
    this.#unitState = new Gauge({
      name: "failover_unit_state",
      help: "1 for the state that a unit is in: well, suspected, short, recovering.",
      labelNames: ["unit", "state"],
      registers,
    });
    this.#evidenceAge = new Gauge({
      name: "failover_evidence_age_seconds",
      help: "Seconds since a unit's evidence of missing machines was last seen.",
      labelNames: ["unit", "cause"],
      registers,
    });
    this.switches = new Counter({
      name: "failover_switches_total",
      help: "Switches that fail-over made: over, and back.",
      labelNames: ["model", "direction"],
      registers,
    });
    this.evidenceToRoute = new Histogram({
      name: "failover_evidence_to_route_seconds",
      help: "From evidence of a shortage to the route that the API server accepted, without the time to confirm.",
      buckets,
      registers,
    });
    this.routeTakenUp = new Histogram({
      name: "failover_route_taken_up_seconds",
      help: "From the accepted route to the load balancer's controller having taken it up.",
      buckets,
      registers,
    });
    this.errors = new Counter({
      name: "failover_errors_total",
      help: "Operations that failed.",
      labelNames: ["operation"],
      registers,
    });
    this.overwritten = new Counter({
      name: "failover_overwritten_total",
      help: "Times that somebody else wrote what fail-over owns.",
      labelNames: ["object"],
      registers,
    });
    this.watchRestarts = new Counter({
      name: "failover_watch_restarts_total",
      help: "Watches that had to be started again after an error.",
      labelNames: ["kind"],
      registers,
    });
  }

  failed(operation: string): void {
    this.totals.errors += 1;
    this.errors.inc({ operation });
  }

  /** Shows what is, and no more of what is gone. */
  show(statuses: readonly ModelStatus[], now: number): void {
    for (const gauge of [
      this.#mode,
      this.#failedOver,
      this.#pinned,
      this.#unitState,
      this.#evidenceAge,
    ])
      gauge.reset();
    for (const { model, mode, failedOverSince, pin, units } of statuses) {
      this.#mode.set({ model, mode }, 1);
      this.#failedOver.set({ model }, failedOverSince === undefined ? 0 : 1);
      this.#pinned.set({ model }, pin === undefined ? 0 : 1);
      for (const [unit, { state, evidence }] of Object.entries(units)) {
        this.#unitState.set({ unit, state }, 1);
        if (evidence !== undefined) {
          const age = (now - Date.parse(evidence.lastSeen)) / 1000;
          this.#evidenceAge.set({ unit, cause: evidence.cause }, Math.max(0, age));
        }
      }
    }
  }
}
