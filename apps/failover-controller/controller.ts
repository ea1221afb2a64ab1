import { type ModelStatus, modelStatusSchema } from "../../contracts/failover";
import type { ModelRouteTable, RouteRule, Trigger } from "../../contracts/routeTable";
import type { Log } from "../service/log";
import type { Clock } from "./clock";
import { isNotFound } from "./cluster/apiError";
import { dataOf } from "./configuration";
import {
  type Decision,
  decide,
  isFailedOver,
  type ModelFacts,
  type ModelState,
  sameBackends,
} from "./decision";
import type { FleetWriter, Notice } from "./fleetWriter";
import type { Metrics } from "./metrics";
import { backendsOf, type Route } from "./observe/route";
import type { Observer } from "./observer";
import { OwnedField } from "./ownedField";
import { stateOf, statusOf } from "./status";
import type { Watches } from "./watches";

/** Somebody who wants to know of a switch. */
export type OnSwitch = (status: ModelStatus, direction: "over" | "back") => void;

export interface ControllerOptions {
  readonly observer: Observer;
  readonly watches: Watches;
  readonly writer: FleetWriter;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly onSwitch?: OnSwitch;
  /** Asked before each write, since a process may have slept while another began to lead. */
  readonly mayAct?: () => boolean;
}

/** What has not been written for this long although it changes all the time, e.g. an age. */
const statusEveryMs = 10_000;
/** All is looked at again, whatever the watches say. */
const resyncMs = 30_000;
const firstRetryMs = 250;
const longestRetryMs = 5000;
/** The status goes before the route, so that a successor goes on; it must not hold it up. */
const intentTimeoutMs = 500;
/** How long a probe's Deployment may take to show what was written. */
const probeShowsMs = 5000;

/**
 * Observes, decides and acts, in that order and one at a time. It begins to act with `lead` and
 * ends with `follow`; what it knows and has decided is in the cluster, in the status ConfigMap, and
 * nothing else is needed to go on.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #states = new Map<string, ModelState>();
  readonly #rules = new Map<string, OwnedField<readonly RouteRule[]>>();
  readonly #triggers = new Map<string, OwnedField<readonly Trigger[]>>();
  readonly #probes = new Map<string, { readonly replicas: 0 | 1; readonly at: number }>();
  /** Switches that are decided and not yet in the route. */
  readonly #switching = new Map<string, Switch>();
  readonly #takingUp = new Map<string, { readonly generation: number; readonly at: number }>();
  readonly #errors = new Map<string, string>();
  /** What was last said of a model's pin. */
  readonly #told = new Map<string, string>();
  #statuses: readonly ModelStatus[] = [];
  #written: { readonly text: string; readonly essence: string; readonly at: number } | undefined;
  #leads = false;
  #isRunning = false;
  #isWanted = false;
  #failures = 0;
  #forgetTimer = () => {};
  #busySince: number | undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /** The models as they were when last looked at. */
  get statuses(): readonly ModelStatus[] {
    return this.#statuses;
  }

  /** Whether nothing is being done, and nothing has come in to be looked at. */
  get isIdle(): boolean {
    return !this.#isRunning;
  }

  /** How long the present round has been going on, milliseconds; 0: there is none. */
  get busyMs(): number {
    return this.#busySince === undefined ? 0 : this.#options.clock.now() - this.#busySince;
  }

  /**
   * Begins to act, where the last leader has stopped.
   *
   * Rejects when the status cannot be read: whoever does not know what was decided must not decide.
   */
  async lead(): Promise<void> {
    const { writer, log } = this.#options;
    const known = readStatuses(await orNothing(writer.readStatus()), log);
    this.#states.clear();
    this.#switching.clear();
    for (const status of known) {
      const state = stateOf(status);
      this.#states.set(status.model, state);
      if (isFailedOver(state) && !this.#isInRoute(state, status.model))
        this.#switching.set(status.model, { direction: "over", evidenceAt: undefined });
    }
    this.#rules.clear();
    this.#triggers.clear();
    this.#probes.clear();
    this.#written = undefined;
    this.#leads = true;
    this.look();
  }

  /** Whether what was decided has reached the route, as far as that is known. */
  #isInRoute({ backends }: ModelState, model: string): boolean {
    const current = backendsOf(this.#options.watches.route(model));
    return current === undefined || sameBackends(current, backends);
  }

  /** Ends to act: nothing is begun any more. */
  follow(): void {
    this.#leads = false;
    this.#forgetTimer();
    this.#statuses = [];
    this.#options.metrics.show([], this.#options.clock.now());
  }

  /** Something has changed: look at it, soon. */
  look(): void {
    this.#isWanted = true;
    if (this.#isRunning || !this.#leads) return;
    this.#isRunning = true;
    // What has come in at once is looked at at once.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    const { log, metrics } = this.#options;
    while (this.#isWanted && this.#leads) {
      this.#isWanted = false;
      this.#busySince = this.#options.clock.now();
      try {
        await this.#round();
      } catch (error) {
        this.#failures += 1;
        metrics.failed("round");
        log.error({ error }, "a round has failed; the routes stay as they are");
        this.#lookAfter(this.#retryMs());
      }
    }
    this.#busySince = undefined;
    this.#isRunning = false;
  }

  #retryMs(): number {
    return Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(this.#failures, 10));
  }

  #lookAfter(ms: number): void {
    this.#forgetTimer();
    this.#forgetTimer = this.#options.clock.after(ms, () => this.look());
  }

  async #round(): Promise<void> {
    const { watches, clock, metrics } = this.#options;
    if (!watches.isSynced) return;
    const now = clock.now();
    const plans = [...watches.tables.values()].map((table) => this.#plan(table, now));
    this.#forgetOthers(new Set(watches.tables.keys()));
    this.#statuses = plans.map((plan) => this.#status(plan));
    metrics.show(this.#statuses, now);

    let problems = 0;
    const attempt = async (operation: string, act: () => Promise<void>) => {
      if (!this.#leads || this.#options.mayAct?.() === false) return;
      try {
        await act();
        this.#errors.delete(operation);
      } catch (error) {
        problems += 1;
        this.#failed(operation, error as Error);
      }
    };
    if (plans.some(({ decision, before }) => decision.state.backends !== before?.backends))
      await attempt("status", () => this.#writeStatus(now, "changed", intentTimeoutMs));
    await Promise.all(
      plans.map((plan) => attempt(`route ${plan.table.model}`, () => this.#ensureRoute(plan))),
    );
    await Promise.all([
      ...plans.flatMap((plan) =>
        Object.keys(plan.table.units).flatMap((unit) => [
          attempt(`triggers ${unit}`, () => this.#ensureTriggers(plan, unit)),
          attempt(`probe ${unit}`, () => this.#ensureProbe(plan, unit)),
        ]),
      ),
    ]);
    for (const plan of plans) this.#tellOfPin(plan);
    this.#statuses = plans.map((plan) => this.#status(plan));
    await attempt("status", () => this.#writeStatus(clock.now(), "due"));
    this.#failures = problems === 0 ? 0 : this.#failures + 1;
    this.#lookAfter(problems === 0 ? this.#pauseMs(plans) : this.#retryMs());
  }

  /** How long nothing has to be done if nothing is seen. */
  #pauseMs(plans: readonly Plan[]): number {
    const { clock } = this.#options;
    const now = clock.now();
    const times = [
      ...plans.map(({ decision }) => decision.again),
      ...[...this.#rules.values(), ...this.#triggers.values()].map(({ notBefore }) => notBefore),
      ...(this.#isBehind() ? [this.#written!.at + statusEveryMs] : []),
    ].filter((time): time is number => time !== undefined && time > now);
    return Math.max(1, Math.min(resyncMs, ...times.map((time) => time - now)));
  }

  #plan(table: ModelRouteTable, now: number): Plan {
    const { watches, observer, log } = this.#options;
    const route = watches.route(table.model);
    const facts = observer.facts(table, route);
    const before = this.#states.get(table.model);
    const decision = decide(watches.settings, facts, before, now);
    this.#states.set(table.model, decision.state);
    const { switched, evidenceAt } = decision;
    if (switched !== undefined)
      this.#switching.set(table.model, { direction: switched, evidenceAt });
    logChanges(log, table.model, before, decision.state);
    return { table, route, facts, before, decision };
  }

  #forgetOthers(models: ReadonlySet<string>): void {
    for (const model of this.#states.keys()) if (!models.has(model)) this.#states.delete(model);
  }

  #status({ table, route, facts, decision }: Plan): ModelStatus {
    const { watches } = this.#options;
    const errors = [
      ...(route === undefined ? [`there is no HTTPRoute ${table.model}`] : []),
      ...(route?.pin !== undefined && route.pin.mode === undefined
        ? [`the pin "${route.pin.text}" is no mode and is ignored; cost and capacity are`]
        : []),
      ...[watches.problems.get(table.model), watches.problems.get("settings")],
      ...[...this.#errors]
        .filter(([operation]) => concerns(operation, table))
        .map(([operation, message]) => `${operation}: ${message}`),
    ].filter((error) => error !== undefined);
    const status = statusOf(facts, decision);
    return errors.length === 0 ? status : { ...status, error: errors.join("; ") };
  }

  async #ensureRoute(plan: Plan): Promise<void> {
    const { table, route, decision } = plan;
    if (route === undefined) return;
    const { clock, metrics, log, writer, watches } = this.#options;
    const { model } = table;
    const field = fieldOf(this.#rules, model, (rules) =>
      // The route of now: it may have been made anew since the field was first written.
      writer.rules(watches.route(model) ?? route, rules).then((generation) => {
        this.#takingUp.set(model, { generation, at: clock.now() });
        return generation;
      }),
    );
    const overwrites = field.overwrites;
    const live = { value: route.rules, generation: route.generation };
    const outcome = await field.ensure(live, decision.rules, clock.now());
    if (field.overwrites > overwrites) {
      metrics.overwritten.inc({ object: `httproute/${model}` });
      log.warn({ model, times: field.overwrites }, "somebody else wrote the route's rules");
      this.#announce(route, {
        type: "Warning",
        reason: "RouteOverwritten",
        message: `Somebody else wrote this route's rules; fail-over owns them. To hold a mode, pin it.`,
      });
    }
    this.#noteTakenUp(model, route);
    if (outcome !== "deferred") this.#completeSwitch(plan, route);
  }

  /** The route does what was decided: that is the time that counts, and when people are told. */
  #completeSwitch(plan: Plan, route: Route): void {
    const { clock, metrics, log, watches, onSwitch } = this.#options;
    const { model } = plan.table;
    const completed = this.#switching.get(model);
    if (completed === undefined) return;
    this.#switching.delete(model);
    const { direction, evidenceAt } = completed;
    metrics.switches.inc({ model, direction });
    if (evidenceAt !== undefined) {
      const confirmMs = watches.settings.confirmSeconds * 1000;
      const seconds = Math.max(0, clock.now() - evidenceAt - confirmMs) / 1000;
      metrics.evidenceToRoute.observe(seconds);
      log.info({ model, seconds }, "the route was accepted so long after the evidence");
    }
    const message = plan.decision.state.reason;
    this.#announce(
      route,
      direction === "over"
        ? { type: "Warning", reason: "FailedOver", message }
        : { type: "Normal", reason: "ReturnedToConfig", message },
    );
    onSwitch?.(this.#status(plan), direction);
  }

  /** The load balancer's own part begins when its controller has seen the route. */
  #noteTakenUp(model: string, { takenUp }: Route): void {
    const written = this.#takingUp.get(model);
    if (written === undefined || takenUp < written.generation) return;
    const { clock, metrics } = this.#options;
    metrics.routeTakenUp.observe((clock.now() - written.at) / 1000);
    this.#takingUp.delete(model);
  }

  async #ensureTriggers({ decision }: Plan, unit: string): Promise<void> {
    const { watches, writer, clock, metrics, log } = this.#options;
    const wanted = decision.triggers[unit];
    const live = watches.scaledObject(unit);
    if (wanted === undefined || live === undefined) return;
    const field = fieldOf(this.#triggers, unit, (triggers) =>
      writer.triggers(watches.scaledObject(unit) ?? live, triggers),
    );
    const overwrites = field.overwrites;
    await field.ensure({ value: live.triggers, generation: live.generation }, wanted, clock.now());
    if (field.overwrites === overwrites) return;
    metrics.overwritten.inc({ object: `scaledobject/${unit}` });
    log.warn({ unit, times: field.overwrites }, "somebody else wrote the ScaledObject's triggers");
  }

  async #ensureProbe({ table, decision }: Plan, unit: string): Promise<void> {
    const { observer, writer, clock, log } = this.#options;
    const { probe } = table.units[unit]!;
    if (probe === undefined) return;
    const replicas = decision.probes.includes(unit) ? 1 : 0;
    const shown = observer.probeReplicas(probe);
    const last = this.#probes.get(probe);
    const isOnItsWay = last?.replicas === replicas && clock.now() - last.at < probeShowsMs;
    if (shown === undefined || shown === replicas || isOnItsWay) return;
    await writer.probe(probe, replicas);
    this.#probes.set(probe, { replicas, at: clock.now() });
    log.info({ unit, probe, replicas }, replicas === 1 ? "probe asks for a machine" : "probe ends");
  }

  async #writeStatus(now: number, when: "changed" | "due", timeoutMs = 5000): Promise<void> {
    const text = JSON.stringify(this.#statuses);
    const essence = JSON.stringify(this.#statuses, withoutNews);
    const before = this.#written;
    const isDue = before === undefined || essence !== before.essence;
    const isLate = before !== undefined && text !== before.text && now - before.at >= statusEveryMs;
    if (!isDue && !(when === "due" && isLate)) return;
    await this.#options.writer.status(this.#statuses, timeoutMs);
    this.#written = { text, essence, at: now };
  }

  #isBehind(): boolean {
    return this.#written !== undefined && this.#written.text !== JSON.stringify(this.#statuses);
  }

  /** Tells on the route what has become of a pin. */
  #tellOfPin(plan: Plan): void {
    const { route, table } = plan;
    const notice = pinNotice(plan);
    if (route === undefined || notice === undefined) return;
    const isNews = this.#told.get(table.model) !== notice.message;
    this.#told.set(table.model, notice.message);
    if (isNews) this.#announce(route, notice);
  }

  /** An event that is lost is no harm; it must not hold anything up. */
  #announce(route: Route, notice: Notice): void {
    const { writer, clock } = this.#options;
    writer.event(route, notice, clock.now()).catch((error: Error) => this.#failed("event", error));
  }

  #failed(operation: string, error: Error): void {
    const { log, metrics } = this.#options;
    metrics.failed(operation.split(" ")[0]!);
    if (this.#errors.get(operation) !== error.message) log.error({ error, operation }, "failed");
    if (operation !== "event") this.#errors.set(operation, error.message);
  }
}

/** A model in one round. */
interface Plan {
  readonly table: ModelRouteTable;
  readonly route: Route | undefined;
  readonly facts: ModelFacts;
  readonly before: ModelState | undefined;
  readonly decision: Decision;
}

/** A switch of fail-over, and since when there has been evidence for it. */
interface Switch {
  readonly direction: "over" | "back";
  readonly evidenceAt: number | undefined;
}

function fieldOf<Value>(
  fields: Map<string, OwnedField<Value>>,
  name: string,
  write: (value: Value) => Promise<number>,
): OwnedField<Value> {
  const field = fields.get(name) ?? new OwnedField(write);
  fields.set(name, field);
  return field;
}

function concerns(operation: string, { model, units }: ModelRouteTable): boolean {
  const [, name] = operation.split(" ");
  return name === undefined || name === model || (name in units && name !== model);
}

function pinNotice({ before, decision, facts, route }: Plan): Notice | undefined {
  const { reason } = decision.state;
  if (route?.pin !== undefined && route.pin.mode === undefined)
    return {
      type: "Warning",
      reason: "PinIgnored",
      message: `"${route.pin.text}" is no mode: cost and capacity are.`,
    };
  if (facts.pin !== undefined) return { type: "Normal", reason: "Pinned", message: reason };
  const wasPinned = before?.reason.startsWith("pinned") ?? false;
  return wasPinned ? { type: "Normal", reason: "Unpinned", message: reason } : undefined;
}

function logChanges(
  log: Log,
  model: string,
  before: ModelState | undefined,
  after: ModelState,
): void {
  for (const [unit, { state, evidence }] of Object.entries(after.units)) {
    const was = before?.units[unit]?.state;
    if (state === was || (was === undefined && state === "well")) continue;
    log.info({ model, unit, from: was, to: state, evidence }, `${unit} is ${state}`);
  }
  if (before?.reason === after.reason && before.mode === after.mode) return;
  log.info(
    { model, mode: after.mode, failedOver: isFailedOver(after), backends: after.backends },
    after.reason,
  );
}

/** A status that somebody has deleted leaves what the routes say. */
function orNothing(status: Promise<unknown>): Promise<unknown> {
  return status.catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
}

/** A status that is not as it should be is none: what the routes say is then gone by. */
function readStatuses(raw: unknown, log: Log): readonly ModelStatus[] {
  return Object.entries(dataOf(raw)).flatMap(([key, text]) => {
    try {
      return [modelStatusSchema.parse(JSON.parse(String(text)))];
    } catch (error) {
      log.warn({ error, key }, "the last status cannot be read");
      return [];
    }
  });
}

/** What changes all the time without anything having happened. */
function withoutNews(key: string, value: unknown): unknown {
  return ["lastSeen", "ready", "desired", "pending", "pendingSince", "message"].includes(key)
    ? undefined
    : value;
}
