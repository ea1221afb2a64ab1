import assert from "node:assert/strict";
import { type Decision, decide } from "../../../apps/failover-controller/decision";
import { isFailedOver, type ModelState } from "../../../apps/failover-controller/modelState";
import { carriesTraffic } from "../../../contracts/routeTable";
import {
  cuda,
  g5,
  g6,
  hour,
  inf2,
  minute,
  routeTable,
  second,
  seedWeights,
  settings,
} from "./fleet";
import { World } from "./world";

/**
 * Seed 001's experiments, as Karpenter would show them, in simulated time. The seed prints the
 * dates and times of Figures 8 to 11, but not the traffic: replicas are as its text tells.
 */
class Experiment {
  readonly world: World;
  readonly settings = settings();
  readonly switches: string[] = [];
  readonly routes = new Set<string>();
  #state: ModelState | undefined;
  #decision: Decision | undefined;

  constructor(start: string, table = routeTable()) {
    this.world = new World(table, Date.parse(start), this.settings.holdSeconds * second);
    for (const unit of Object.keys(table.units)) {
      this.world.wants(unit, 2);
      this.world.probeWants(unit, 0);
      for (const name of ["a", "b"]) this.world.pod(unit, name, "ready");
    }
    this.look();
  }

  get isAway(): boolean {
    return isFailedOver(this.#state!);
  }

  get weights(): Readonly<Record<string, number>> {
    const { backendRefs } = this.#decision!.rules.find(carriesTraffic)!;
    return Object.fromEntries(backendRefs.map(({ name, weight }) => [name, weight]));
  }

  get decision(): Decision {
    return this.#decision!;
  }

  look(): void {
    const { world } = this;
    const facts = world.observer.facts(world.table, undefined);
    const current = this.#state?.backends;
    const decision = decide(this.settings, { ...facts, current }, this.#state, world.now);
    this.#decision = decision;
    this.#state = decision.state;
    this.routes.add(JSON.stringify(decision.rules));
    if (decision.switched !== undefined)
      this.switches.push(`${new Date(world.now).toISOString()} ${decision.switched}`);
    for (const [unit, { probe }] of Object.entries(world.table.units)) {
      const replicas = decision.probes.includes(unit) ? 1 : 0;
      if (world.observer.probeReplicas(probe!) !== replicas) this.#probe(unit, replicas);
    }
  }

  #probe(unit: string, replicas: 0 | 1): void {
    this.world.probeWants(unit, replicas);
    if (replicas === 1) this.world.pod(unit, "probe", "unschedulable", true);
    else this.world.podIsGone(unit, "probe");
  }

  /** Something happens, and the controller looks. */
  happens(what: (world: World) => void): void {
    what(this.world);
    this.look();
  }

  /** Until a time, looking whenever asked for, and calling every so often. */
  until(time: string | number, everyMs = 0, call = () => {}): void {
    const end = typeof time === "number" ? time : Date.parse(time);
    let next = everyMs === 0 ? Number.POSITIVE_INFINITY : this.world.now + everyMs;
    for (;;) {
      const again = this.#decision!.again ?? Number.POSITIVE_INFINITY;
      const at = Math.min(again, next);
      if (at > end) break;
      this.world.now = at;
      if (at === next) {
        next += everyMs;
        call();
      }
      this.look();
    }
    this.world.now = end;
  }
}

describe("seed 001's experiment of Figures 10 and 11", () => {
  it("moves traffic when Inf2 is insufficient on 11/14, and back with the next wave on 11/15", () => {
    const it = new Experiment("2024-11-14T18:00:00Z");
    it.until("2024-11-14T20:00:00Z");
    assert.deepEqual(it.weights, seedWeights);

    // The wave rises: Inf2 wants five replicas, and EC2 has no machine for the last three.
    it.happens((world) => world.wants(inf2, 5));
    for (const name of ["c", "d", "e"])
      it.happens((world) => world.pod(inf2, name, "unschedulable"));
    it.until("2024-11-14T20:00:01Z");
    it.happens((world) => world.refused(inf2, "soldOut"));
    it.until("2024-11-14T20:00:03Z");
    assert.deepEqual(it.switches, ["2024-11-14T20:00:03.000Z over"]);
    assert.deepEqual(it.weights, { sd21: 1 });
    assert.deepEqual(it.decision.rules, it.world.table.modes.capacity.rules);
    assert.equal(it.decision.triggers, it.world.table.modes.capacity.triggers);

    // Round robin takes the load off Inf2, and its waiting pods go; the probe asks on.
    it.until("2024-11-14T20:05:00Z");
    it.happens((world) => {
      world.wants(inf2, 2);
      for (const name of ["c", "d", "e"]) world.podIsGone(inf2, name);
    });
    assert.deepEqual(it.decision.probes, [inf2]);

    // All night Karpenter asks EC2 whenever it has stopped hiding the offering.
    let asks = 0;
    it.until("2024-11-15T06:29:59Z", minute, () => {
      asks += 1;
      if (asks % 4 === 0) it.world.refused(inf2, "soldOut");
      else it.world.hidden(inf2);
    });
    assert.equal(it.isAway, true);
    assert.deepEqual(it.weights, { sd21: 1 });
    assert.equal(it.switches.length, 1);

    // 11/15: Inf2 is there again, at the beginning of the next wave.
    it.until("2024-11-15T06:30:00Z");
    it.happens((world) => world.launches(inf2));
    it.until("2024-11-15T06:31:30Z");
    it.happens((world) => world.pod(inf2, "probe", "ready", true));
    it.until("2024-11-15T06:34:59Z");
    assert.equal(it.isAway, true);
    it.until("2024-11-15T07:00:00Z");
    assert.deepEqual(it.switches, [
      "2024-11-14T20:00:03.000Z over",
      "2024-11-15T06:35:00.000Z back",
    ]);
    assert.deepEqual(it.weights, seedWeights);
    assert.deepEqual(it.decision.probes, []);
    it.until("2024-11-15T20:00:00Z");
    assert.equal(it.switches.length, 2);
  });

  it("is survived by controllers that are restarted all the time", () => {
    const it = new Experiment("2024-11-14T20:00:00Z");
    it.happens((world) => world.wants(inf2, 3));
    it.happens((world) => world.pod(inf2, "c", "unschedulable"));
    it.happens((world) => world.refused(inf2, "soldOut"));
    it.until("2024-11-14T20:00:02Z");
    it.happens((world) => world.podIsGone(inf2, "c"));
    let asks = 0;
    it.until("2024-11-15T06:00:00Z", 97 * second, () => {
      asks += 1;
      if (asks % 2 === 0) it.world.refused(inf2, "soldOut");
      it.world.restart();
    });
    it.happens((world) => world.launches(inf2));
    it.until("2024-11-15T07:00:00Z", 97 * second, () => it.world.restart());
    assert.deepEqual(it.switches, [
      "2024-11-14T20:00:02.000Z over",
      "2024-11-15T06:05:00.000Z back",
    ]);
  });
});

describe("seed 001's experiment of Figures 8 and 9", () => {
  it("changes no route while L4 is limited from 21:20 to 23:20 in capacity mode", () => {
    const it = new Experiment("2024-11-13T20:00:00Z", routeTable({ configuredMode: "capacity" }));
    it.until("2024-11-13T21:20:00Z");
    it.happens((world) => world.limit(g6, 2, 2));
    it.happens((world) => world.wants(g6, 6));
    for (const name of ["c", "d", "e", "f"])
      it.happens((world) => world.pod(g6, name, "unschedulable"));
    // Inf2 takes the load over.
    it.until("2024-11-13T21:30:00Z");
    it.happens((world) => {
      world.launches(inf2);
      world.pod(inf2, "c", "ready");
    });
    it.until("2024-11-13T23:20:00Z", minute, () => {});
    assert.equal(it.decision.state.units[g6]?.evidence?.cause, "limit", "the limit is shown");
    it.happens((world) => world.limit(g6, 10, 2));
    it.happens((world) => world.launches(g6));
    for (const name of ["c", "d", "e", "f"]) it.happens((world) => world.pod(g6, name, "ready"));
    it.until("2024-11-14T01:00:00Z");
    assert.deepEqual(it.switches, []);
    assert.equal(it.routes.size, 1);
    assert.deepEqual(it.weights, { sd21: 1 });
    assert.deepEqual(it.decision.probes, []);
  });

  it("changes none in cost mode either, for a limit is a choice", () => {
    const it = new Experiment("2024-11-13T21:20:00Z");
    it.happens((world) => world.limit(g6, 2, 2));
    it.happens((world) => world.pod(g6, "c", "unschedulable"));
    it.until("2024-11-13T23:20:00Z", minute, () => {});
    assert.deepEqual(it.switches, []);
    assert.equal(it.routes.size, 1);
    assert.equal(it.decision.state.units[g6]?.evidence?.cause, "limit");
  });
});

describe("flapping every 10 s for an hour", () => {
  const flap = (it: Experiment, units: readonly string[]) => {
    let round = 0;
    it.until(it.world.now + hour, 10 * second, () => {
      round += 1;
      for (const unit of units)
        if (round % 2 === 1) {
          it.world.pod(unit, "c", "unschedulable");
          it.world.refused(unit, "soldOut");
        } else {
          it.world.launches(unit);
          it.world.pod(unit, "c", "ready");
          it.world.podIsGone(unit, "c");
        }
    });
  };

  it("gives one switch with the default times", () => {
    for (const units of [[inf2], [inf2, g5, cuda]]) {
      const it = new Experiment("2024-11-14T20:00:00Z");
      flap(it, units);
      assert.deepEqual(it.switches, ["2024-11-14T20:00:12.000Z over"]);
      it.until(it.world.now + hour);
      assert.equal(it.switches.length, 2, "and one when it has ended");
    }
  });

  it("gives at most the configured number, however impatient the times", () => {
    for (const maxSwitchesPerHour of [2, 3, 4, 6, 10]) {
      const it = new Experiment("2024-11-14T20:00:00Z");
      Object.assign(it.settings, {
        confirmSeconds: 0,
        recoverSeconds: 0,
        dwellSeconds: 0,
        maxSwitchesPerHour,
      });
      flap(it, [inf2]);
      assert.ok(it.switches.length <= maxSwitchesPerHour, `${it.switches.length}`);
      assert.ok(it.switches.length >= maxSwitchesPerHour - 1, "and is not stuck before");
      assert.equal(it.isAway, true, "on the safe side");
    }
  });
});
