import { type Decision, decide } from "../../../apps/failover-controller/decision";
import {
  isFailedOver,
  type ModelFacts,
  type ModelState,
} from "../../../apps/failover-controller/modelState";
import type { UnitFacts } from "../../../apps/failover-controller/unitState";
import type { FailoverSettings } from "../../../contracts/failover";
import { carriesTraffic, type ModelRouteTable } from "../../../contracts/routeTable";
import {
  evidence,
  healthy,
  midnight,
  modelFacts,
  routeTable,
  second,
  settings,
  soldOut,
} from "./fleet";

/** A night on call: facts that come and go, and what is decided about them as time passes. */
export class Night {
  now = midnight;
  settings: FailoverSettings;
  table: ModelRouteTable;
  pin: ModelFacts["pin"];
  state: ModelState | undefined;
  /** What the route does; the controller has written it. */
  current: ModelFacts["current"];
  readonly units = new Map<string, UnitFacts>();
  readonly switches: { readonly at: number; readonly direction: "over" | "back" }[] = [];
  #last: Decision | undefined;

  constructor(some: Partial<FailoverSettings> = {}, table: ModelRouteTable = routeTable()) {
    this.settings = settings(some);
    this.table = table;
    this.current = table.modes[table.configuredMode].backends;
  }

  get facts(): ModelFacts {
    const { table, pin, current } = this;
    const units = Object.keys(table.units).map((name) => {
      const unit = this.units.get(name) ?? healthy();
      const probe = table.units[name]!.probe === undefined ? "absent" : unit.probe;
      return [name, { ...unit, probe }] as const;
    });
    return modelFacts(table, Object.fromEntries(units), { pin, current });
  }

  get last(): Decision {
    return this.#last ?? this.look();
  }

  get isAway(): boolean {
    return isFailedOver(this.last.state);
  }

  /** Weights of the rule that carries traffic. */
  get weights(): Readonly<Record<string, number>> {
    const rule = this.last.rules.find(carriesTraffic)!;
    return Object.fromEntries(rule.backendRefs.map(({ name, weight }) => [name, weight]));
  }

  /** Seconds since midnight. */
  get seconds(): number {
    return (this.now - midnight) / second;
  }

  /** Decides about what is seen now. */
  look(): Decision {
    const decision = decide(this.settings, this.facts, this.state, this.now);
    this.#last = decision;
    this.state = decision.state;
    this.current = decision.rules
      .find(carriesTraffic)!
      .backendRefs.map(({ name, weight }) => ({ service: name, weight }));
    if (decision.switched !== undefined)
      this.switches.push({ at: this.now, direction: decision.switched });
    return decision;
  }

  /** Lets time pass; decides whenever the last decision has asked for it. */
  pass(seconds: number): Decision {
    const until = this.now + seconds * second;
    for (let { again } = this.last; again !== undefined && again <= until; { again } = this.last) {
      this.now = again;
      this.look();
    }
    this.now = until;
    return this.last;
  }

  /** Changes what is seen of a unit, and decides. */
  see(unit: string, facts: Partial<UnitFacts>): Decision {
    this.units.set(unit, { ...(this.units.get(unit) ?? healthy()), ...facts });
    return this.look();
  }

  /** A pod waits, and Karpenter says that EC2 has no machine for it. */
  sellOut(unit: string, some: Partial<UnitFacts> = {}): Decision {
    this.units.set(unit, soldOut(this.now, some));
    return this.look();
  }

  /** Karpenter says it again. */
  stillSoldOut(unit: string): Decision {
    const { firstSeen = this.now } = this.units.get(unit)?.evidence.capacity ?? {};
    return this.see(unit, { evidence: evidence("capacity", firstSeen, this.now) });
  }

  /** Traffic has left, and the autoscaler has taken the waiting pods away. */
  quieten(unit: string): Decision {
    return this.see(unit, { pending: 0, pendingSince: undefined, desired: 1, ready: 1 });
  }

  /** A machine is launched. */
  launch(unit: string): Decision {
    return this.see(unit, { launchedAt: this.now });
  }

  /** Sold out, confirmed, moved, and quiet: how most tests begin. */
  failOver(unit: string): this {
    this.sellOut(unit);
    this.pass(this.settings.confirmSeconds);
    this.quieten(unit);
    return this;
  }
}
