import { type ModelStatus, modelStatusSchema } from "../../contracts/failover";
import { type ModelRouteTable, ROUTE_TABLES_CONFIG_MAP } from "../../contracts/routeTable";
import type { Log } from "../service/log";
import { sameBackends } from "./backends";
import type { Clock } from "./clock";
import { isNotFound } from "./cluster/apiError";
import { dataOf } from "./configuration";
import { decide } from "./decision";
import type { FleetWriter } from "./fleetWriter";
import { Keeper } from "./keeper";
import type { Metrics } from "./metrics";
import { isFailedOver, type ModelState } from "./modelState";
import { type Notice, pinNotice } from "./notice";
import { backendsOf, type Route } from "./observe/route";
import type { Observer } from "./observer";
import { Ongoing } from "./ongoing";
import type { Plan } from "./plan";
import { stateOf, statusOf } from "./status";
import { StatusBook } from "./statusBook";
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

/** All is looked at again, whatever the watches say. */
const resyncMs = 30_000;
/** The status goes before the route, so that a successor goes on; it must not hold it up. */
const intentTimeoutMs = 500;
const statusTimeoutMs = 5000;
/** Who has heard nothing for so long may be wrong about what is. */
const deafMs = 120_000;

/**
 * Observes, decides and acts. It begins to act with `lead` and ends with `follow`; what it has
 * decided is in the cluster, in the status ConfigMap, and with what can be observed that is all that
 * a successor needs.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #ongoing: Ongoing;
  readonly #book: StatusBook;
  readonly #states = new Map<string, ModelState>();
  readonly #keeper: Keeper;
  /** What was last said of a model's pin. */
  readonly #told = new Map<string, string>();
  #statuses: readonly ModelStatus[] = [];
  /** Counts the times that this one began or ended to lead. */
  #term = 0;
  #leads = false;
  #isRunning = false;
  #isWanted = false;
  #busySince: number | undefined;
  #look: { readonly at: number; readonly forget: () => void } | undefined;

  constructor(options: ControllerOptions) {
    const { clock, writer, onSwitch } = options;
    this.#options = options;
    this.#keeper = new Keeper({
      ...options,
      announce: (route, notice) => this.#announce(route, notice),
      onSwitch: (plan, direction) => onSwitch?.(this.#status(plan), direction),
    });
    this.#book = new StatusBook((statuses, timeoutMs) => writer.status(statuses, timeoutMs));
    this.#ongoing = new Ongoing({
      now: clock.now,
      onFailure: (operation, error) => this.#failed(operation, error),
      onAgain: (afterMs) => (afterMs === 0 ? this.look() : this.#lookAt(clock.now() + afterMs)),
    });
  }

  /** The models as they were when last looked at. */
  get statuses(): readonly ModelStatus[] {
    return this.#statuses;
  }

  /** Whether nothing is being done, and nothing has come in to be looked at. */
  get isIdle(): boolean {
    return !this.#isRunning && this.#ongoing.isIdle;
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
    this.#term += 1;
    const term = this.#term;
    const { writer, log } = this.#options;
    const known = readStatuses(await orNothing(writer.readStatus()), log);
    if (term !== this.#term) return;
    this.#states.clear();
    this.#keeper.forget();
    this.#book.forget();
    this.#ongoing.clear();
    for (const status of known) this.#goOnFrom(status);
    this.#leads = true;
    this.look();
  }

  /** Ends to act: nothing is begun any more. */
  follow(): void {
    this.#term += 1;
    this.#leads = false;
    this.#look?.forget();
    this.#look = undefined;
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

  /**
   * What the last leader decided, unless the route says that it got further than it could write. Of
   * a switch that had not reached the route yet, people are still to be told.
   */
  #goOnFrom(status: ModelStatus): void {
    const { watches } = this.#options;
    const { model } = status;
    const state = stateOf(status);
    const current = backendsOf(watches.route(model));
    const isThere = current === undefined || sameBackends(current, state.backends);
    const table = watches.tables.get(model);
    const isInCapacity =
      current !== undefined &&
      table !== undefined &&
      sameBackends(current, table.modes.capacity.backends);
    if (!isThere && isInCapacity && state.mode !== "capacity") return;
    this.#states.set(model, state);
    if (!isThere && isFailedOver(state))
      this.#keeper.switches(model, { direction: "over", evidenceAt: undefined });
  }

  async #run(): Promise<void> {
    const { log, metrics, clock } = this.#options;
    while (this.#isWanted && this.#leads) {
      this.#isWanted = false;
      this.#busySince = clock.now();
      try {
        await this.#round(this.#term);
      } catch (error) {
        metrics.failed("round");
        log.error({ error }, "a round has failed; the routes stay as they are");
        this.#lookAt(clock.now() + resyncMs);
      }
    }
    this.#busySince = undefined;
    this.#isRunning = false;
  }

  #lookAt(at: number): void {
    if (!this.#leads || (this.#look !== undefined && this.#look.at <= at)) return;
    this.#look?.forget();
    const { clock } = this.#options;
    const forget = clock.after(Math.max(1, at - clock.now()), () => {
      this.#look = undefined;
      this.look();
    });
    this.#look = { at, forget };
  }

  async #round(term: number): Promise<void> {
    const { watches, clock, metrics } = this.#options;
    this.#look?.forget();
    this.#look = undefined;
    if (!watches.isSynced || watches.tables.size === 0) return;
    const now = clock.now();
    const plans = [...watches.tables.values()].map((table) => this.#plan(table, now));
    this.#forgetOthers();
    this.#statuses = plans.map((plan) => this.#status(plan));
    metrics.show(this.#statuses, now);

    if (this.#mayAct(term) && plans.some(isMove))
      await this.#book
        .keep(this.#statuses, now, intentTimeoutMs)
        .catch((error: Error) => this.#failed("status", error));
    const begin = (operation: string, act: () => Promise<void>) => {
      if (this.#mayAct(term)) this.#ongoing.begin(operation, act);
    };
    for (const plan of plans) {
      const { model, units } = plan.table;
      begin(`route ${model}`, () => this.#keeper.route(plan));
      for (const unit of Object.keys(units)) {
        begin(`triggers ${unit}`, () => this.#keeper.triggers(plan, unit));
        begin(`probe ${unit}`, () => this.#keeper.probe(plan, unit));
      }
      this.#tellOfPin(plan);
    }
    begin("status", () => this.#book.keep(this.#statuses, clock.now(), statusTimeoutMs));
    this.#lookAt(this.#nextLook(plans, now));
  }

  #mayAct(term: number): boolean {
    return this.#leads && term === this.#term && this.#options.mayAct?.() !== false;
  }

  /**
   * When something may have to be done although nothing is seen. What has become due since the
   * round began was not dealt with in it.
   */
  #nextLook(plans: readonly Plan[], now: number): number {
    const times = [
      ...plans.map(({ decision }) => decision.again),
      ...this.#keeper.heldUpUntil,
      this.#book.dueAt(this.#statuses),
    ].filter((time): time is number => time !== undefined && time > now);
    return Math.min(now + resyncMs, ...times);
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
      this.#keeper.switches(table.model, { direction: switched, evidenceAt });
    logChanges(log, table.model, before, decision.state);
    return { table, route, facts, before, decision };
  }

  #forgetOthers(): void {
    const { tables } = this.#options.watches;
    for (const model of this.#states.keys()) if (!tables.has(model)) this.#states.delete(model);
  }

  #status({ table, route, facts, decision }: Plan): ModelStatus {
    const { watches } = this.#options;
    const { problems, silenceMs } = watches;
    const errors = [
      route === undefined && `there is no HTTPRoute ${table.model}`,
      route?.isOurs === false && "Pulumi has taken the route back: fail-over is being turned off",
      route?.pin !== undefined &&
        route.pin.mode === undefined &&
        `the pin "${route.pin.text}" is no mode and is ignored; cost and capacity are`,
      ...[table.model, "settings", ROUTE_TABLES_CONFIG_MAP].map((of) => problems.get(of) ?? false),
      silenceMs > deafMs && `a watch has heard nothing for ${Math.round(silenceMs / 1000)} s`,
      ...[...this.#ongoing.errors]
        .filter(([operation]) => concerns(operation, table))
        .map(([operation, message]) => `${operation}: ${message}`),
    ].filter((error) => error !== false);
    const status = statusOf(facts, decision);
    return errors.length === 0 ? status : { ...status, error: errors.join("; ") };
  }

  /** Tells on the route what has become of a pin. */
  #tellOfPin({ route, table, facts, before, decision }: Plan): void {
    const notice = pinNotice(route, facts, before, decision.state);
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
    log.error({ error, operation }, "failed");
  }
}

/** Whether traffic is to go elsewhere, which a successor would have to know. */
function isMove({ before, decision }: Plan): boolean {
  return before === undefined || !sameBackends(before.backends, decision.state.backends);
}

/** Whether an operation is about a model, one of its units, or all. */
function concerns(operation: string, { model, units }: ModelRouteTable): boolean {
  const [what, name] = operation.split(" ");
  if (name === undefined) return true;
  return what === "route" ? name === model : name in units;
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
