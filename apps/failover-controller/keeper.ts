import type { RouteRule, Trigger } from "../../contracts/routeTable";
import type { Log } from "../service/log";
import type { Clock } from "./clock";
import type { FleetWriter } from "./fleetWriter";
import type { Metrics } from "./metrics";
import { type Notice, overwritten, switchNotice } from "./notice";
import type { Route } from "./observe/route";
import type { Observer } from "./observer";
import { OwnedField } from "./ownedField";
import type { Plan } from "./plan";
import type { Watches } from "./watches";

export interface KeeperOptions {
  readonly observer: Observer;
  readonly watches: Watches;
  readonly writer: FleetWriter;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  /** Says something on a route. */
  readonly announce: (route: Route, notice: Notice) => void;
  /** Told of a switch that the route has accepted. */
  readonly onSwitch: (plan: Plan, direction: Switch["direction"]) => void;
}

/** A switch of fail-over, and since when there has been evidence for it. */
export interface Switch {
  readonly direction: "over" | "back";
  readonly evidenceAt: number | undefined;
}

/** How long a probe's Deployment may take to show what was written. */
const probeShowsMs = 5000;

/** Keeps routes, triggers and probes as they were decided to be. Everything rejects as a write does. */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #rules = new Map<string, OwnedField<readonly RouteRule[]>>();
  readonly #triggers = new Map<string, OwnedField<readonly Trigger[]>>();
  readonly #probes = new Map<string, { readonly replicas: 0 | 1; readonly at: number }>();
  /** Switches that are decided and not yet in the route. */
  readonly #switching = new Map<string, Switch>();
  readonly #takingUp = new Map<string, { readonly generation: number; readonly at: number }>();

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** A switch was decided: when the route has accepted it, people are to be told. */
  switches(model: string, decided: Switch): void {
    this.#switching.set(model, decided);
  }

  /** Forgets what was written: another may have written since. */
  forget(): void {
    for (const memory of [this.#rules, this.#triggers, this.#probes, this.#switching])
      memory.clear();
  }

  /** When something that another writer holds up may be written, by the clock. */
  get heldUpUntil(): readonly number[] {
    return [...this.#rules.values(), ...this.#triggers.values()].map(({ notBefore }) => notBefore);
  }

  /** The route's rules. */
  async route(plan: Plan): Promise<void> {
    const { table, route, decision } = plan;
    if (route === undefined || !route.isOurs) return;
    const { clock, metrics, log, writer, watches } = this.#options;
    const { model } = table;
    const field = fieldOf(this.#rules, model, (rules) =>
      // The route of now: it may have been made anew since the field was first written.
      writer.rules(watches.route(model) ?? route, rules).then((generation) => {
        this.#takingUp.set(model, { generation, at: clock.now() });
        return generation;
      }),
    );
    const { overwrites } = field;
    const { uid, generation, rules } = route;
    const outcome = await field.ensure(
      { uid, generation, value: rules },
      decision.rules,
      clock.now(),
    );
    if (field.overwrites > overwrites) {
      metrics.overwritten.inc({ object: `httproute/${model}` });
      log.warn({ model, times: field.overwrites }, "somebody else wrote the route's rules");
      this.#options.announce(route, overwritten);
    }
    this.#noteTakenUp(model, route);
    if (outcome !== "deferred") this.#completeSwitch(plan, route);
  }

  /** The route does what was decided: that is the time that counts, and when people are told. */
  #completeSwitch(plan: Plan, route: Route): void {
    const { clock, metrics, log, watches, announce, onSwitch } = this.#options;
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
    announce(route, switchNotice(direction, plan.decision.state));
    onSwitch(plan, direction);
  }

  /** The load balancer's own part begins when its controller has seen the route. */
  #noteTakenUp(model: string, { takenUp }: Route): void {
    const written = this.#takingUp.get(model);
    if (written === undefined || takenUp < written.generation) return;
    const { clock, metrics } = this.#options;
    metrics.routeTakenUp.observe((clock.now() - written.at) / 1000);
    this.#takingUp.delete(model);
  }

  /** A unit's triggers. */
  async triggers({ decision }: Plan, unit: string): Promise<void> {
    const { watches, writer, clock, metrics, log } = this.#options;
    const wanted = decision.triggers[unit];
    const live = watches.scaledObject(unit);
    if (wanted === undefined || live === undefined || !live.isOurs) return;
    const field = fieldOf(this.#triggers, unit, (triggers) =>
      writer.triggers(watches.scaledObject(unit) ?? live, triggers),
    );
    const { overwrites } = field;
    const { uid, generation, triggers } = live;
    await field.ensure({ uid, generation, value: triggers }, wanted, clock.now());
    if (field.overwrites === overwrites) return;
    metrics.overwritten.inc({ object: `scaledobject/${unit}` });
    log.warn({ unit, times: field.overwrites }, "somebody else wrote the ScaledObject's triggers");
  }

  /** Whether a unit's probe asks for a machine. */
  async probe({ table, decision }: Plan, unit: string): Promise<void> {
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
