import assert from "node:assert/strict";
import { decide } from "../../../apps/failover-controller/decision";
import type { UnitFacts } from "../../../apps/failover-controller/unitState";
import { shortageCauses } from "../../../contracts/failover";
import {
  cuda,
  evidence,
  g5,
  g6,
  healthy,
  hour,
  inf2,
  midnight,
  minute,
  modelFacts,
  routeTable,
  second,
  seedWeights,
  settings,
  soldOut,
  trn1,
  waiting,
} from "./fleet";
import { Night } from "./night";

const capacityWeights = { sd21: 1 };

describe("when a unit is sold out", () => {
  it("traffic leaves in the one decision at the end of confirm, and not before", () => {
    const night = new Night();
    const first = night.sellOut(inf2);
    assert.equal(first.state.units[inf2]?.state, "suspected");
    assert.equal(first.again, midnight + 2 * second, "it asks to be called at the end of confirm");
    assert.deepEqual(night.weights, seedWeights);
    assert.match(first.state.reason, /waiting for confirmation that sd21-inf2-neuron/);

    night.pass(1.999);
    assert.equal(night.isAway, false);
    night.pass(0.001);
    assert.deepEqual(night.switches, [{ at: midnight + 2 * second, direction: "over" }]);
    assert.deepEqual(night.weights, capacityWeights);
    assert.deepEqual(night.last.rules, night.table.modes.capacity.rules);
    assert.deepEqual(night.last.triggers, night.table.modes.capacity.triggers);
    assert.equal(night.last.evidenceAt, midnight);
    assert.equal(night.state?.since, night.now);
    assert.equal(night.state?.failedOverSince, night.now);
    assert.match(
      night.state!.reason,
      /sd21-inf2-neuron is short of machines \(capacity, NodeClaim/,
    );
  });

  it("traffic leaves at once where no confirmation is wanted", () => {
    const night = new Night({ confirmSeconds: 0 });
    assert.equal(night.sellOut(inf2).switched, "over");
  });

  it("confirm runs from when evidence and waiting pod are there together", () => {
    const night = new Night();
    night.see(inf2, { evidence: evidence("capacity", midnight) });
    assert.equal(night.state?.units[inf2]?.state, "well", "evidence alone harms nobody");
    night.pass(30);
    night.see(inf2, waiting(night.now, { evidence: evidence("capacity", midnight) }));
    night.pass(1.9);
    assert.equal(night.isAway, false);
    night.pass(0.1);
    assert.equal(night.isAway, true);

    const other = new Night();
    other.see(inf2, waiting(midnight));
    other.pass(30);
    other.see(inf2, { evidence: evidence("capacity", other.now) });
    other.pass(1.9);
    assert.equal(other.isAway, false);
    other.pass(0.1);
    assert.equal(other.isAway, true);
  });

  it("a launch within confirm cancels it", () => {
    const night = new Night();
    night.sellOut(inf2);
    night.pass(1);
    night.launch(inf2);
    assert.equal(night.state?.units[inf2]?.state, "well");
    night.pass(3600);
    assert.deepEqual(night.switches, []);
  });

  it("confirm begins anew when it is sold out again after a launch", () => {
    const night = new Night();
    night.sellOut(inf2);
    night.pass(1);
    night.launch(inf2);
    night.pass(60);
    night.see(inf2, { evidence: evidence("capacity", night.now) });
    night.pass(1.9);
    assert.equal(night.isAway, false);
    night.pass(0.1);
    assert.equal(night.isAway, true);
  });

  it("confirm runs from the last launch for who has just begun and knows only what a list shows", () => {
    const night = new Night();
    night.now = midnight + 1.5 * second;
    const known = { evidence: evidence("capacity", midnight, night.now) };
    night.see(inf2, waiting(midnight, { ...known, launchedAt: midnight + second }));
    night.pass(1.4);
    assert.equal(night.isAway, false);
    night.pass(0.1);
    assert.equal(night.isAway, true);
    assert.equal(night.seconds, 3);
  });

  it("nothing moves when its waiting pods go within confirm", () => {
    const night = new Night();
    night.sellOut(inf2);
    night.pass(1);
    night.quieten(inf2);
    night.pass(3600);
    assert.deepEqual(night.switches, []);
    assert.equal(night.state?.reason, "as configured");
  });

  it("evidence holds for 190 s, which bridges the three minutes in which Karpenter is silent", () => {
    const night = new Night();
    night.see(inf2, { evidence: evidence("capacity", midnight) });
    night.pass(190);
    night.see(inf2, { pending: 1, pendingSince: night.now });
    assert.equal(night.state?.units[inf2]?.state, "suspected");

    const late = new Night();
    late.see(inf2, { evidence: evidence("capacity", midnight) });
    late.pass(190.001);
    late.see(inf2, { pending: 1, pendingSince: late.now });
    late.pass(3600);
    assert.equal(late.state?.units[inf2]?.state, "well");
    assert.deepEqual(late.switches, []);
  });

  it("it stays short for as long as pods wait, however long nothing is said", () => {
    const night = new Night();
    night.sellOut(inf2);
    night.pass(3 * 3600);
    assert.equal(night.state?.units[inf2]?.state, "short");
    assert.equal(night.switches.length, 1);
  });

  it("and others are, too, all of them are named and all of them have to recover", () => {
    const night = new Night();
    night.sellOut(inf2);
    night.sellOut(g5);
    night.pass(2);
    assert.match(night.state!.reason, /sd21-inf2-neuron is short .*; sd21-g5-triton is short/);
    for (const unit of [inf2, g5]) night.quieten(unit);
    night.pass(60);
    night.launch(inf2);
    night.pass(1200);
    assert.equal(night.isAway, true);
    assert.match(night.state!.reason, /^sd21-g5-triton is short/);
    night.launch(g5);
    night.pass(300);
    assert.equal(night.isAway, false);
    assert.equal(
      night.state?.reason,
      "back to what is configured: sd21-inf2-neuron, sd21-g5-triton gets machines again",
    );
  });

  it("while traffic is away, another one that sells out has to recover as well", () => {
    const night = new Night().failOver(inf2);
    night.pass(60);
    night.launch(inf2);
    night.sellOut(trn1);
    night.pass(2);
    night.quieten(trn1);
    night.pass(3600);
    assert.equal(night.isAway, true);
    night.launch(trn1);
    night.pass(300);
    assert.equal(night.isAway, false);
    assert.equal(night.switches.length, 2);
  });
});

describe("when machines are missing for another reason", () => {
  const others = shortageCauses.filter((cause) => cause !== "capacity");

  for (const cause of others)
    it(`${cause}: it is shown and moves nothing`, () => {
      const night = new Night();
      night.see(inf2, waiting(midnight, { evidence: evidence(cause, midnight) }));
      night.pass(3600);
      assert.deepEqual(night.switches, []);
      assert.deepEqual(night.weights, seedWeights);
      assert.equal(night.state?.units[inf2]?.evidence?.cause, cause);
      assert.equal(night.state?.units[inf2]?.state, "well");
    });

  for (const cause of others)
    it(`${cause}: it moves traffic where the config says so`, () => {
      const night = new Night({ actOn: [cause] });
      night.see(inf2, waiting(midnight, { evidence: evidence(cause, midnight) }));
      night.pass(2);
      assert.equal(night.isAway, true);
      assert.match(night.state!.reason, new RegExp(`\\(${cause}, NodeClaim of ${cause}\\)`));
    });

  it("a quota does not hide that EC2 has nothing", () => {
    const night = new Night();
    const both = { ...evidence("capacity", midnight), ...evidence("quota", midnight + 1) };
    night.see(inf2, waiting(midnight, { evidence: both }));
    night.pass(2);
    assert.equal(night.isAway, true);
    assert.equal(night.state?.units[inf2]?.evidence?.cause, "capacity");
  });

  it("nothing moves for capacity where only something else is acted on", () => {
    const night = new Night({ actOn: ["quota"] });
    night.sellOut(inf2);
    night.pass(3600);
    assert.deepEqual(night.switches, []);
    assert.equal(night.state?.units[inf2]?.evidence?.cause, "capacity");
  });
});

describe("what is no shortage", () => {
  it("a unit that is new, whose first pods wait for their machines", () => {
    const night = new Night();
    night.see(inf2, waiting(midnight, { ready: 0, desired: 5, pending: 5 }));
    night.pass(3600);
    assert.deepEqual(night.switches, []);
    assert.equal(night.state?.units[inf2]?.state, "well");
  });

  it("a unit that was scaled to zero and is scaled up, long after an old shortage", () => {
    const night = new Night();
    const old = { evidence: evidence("capacity", midnight - hour) };
    night.see(inf2, healthy({ ready: 0, desired: 0, ...old }));
    night.pass(60);
    night.see(inf2, waiting(night.now, { ready: 0, desired: 1, ...old }));
    night.pass(3600);
    assert.deepEqual(night.switches, []);
  });

  it("old evidence that is told again to a controller that has just begun", () => {
    const night = new Night();
    night.see(inf2, waiting(midnight, { evidence: evidence("capacity", midnight - 191 * second) }));
    night.pass(3600);
    assert.deepEqual(night.switches, []);
  });

  it("a unit without weight, which gets no traffic that could be moved", () => {
    const weights = { [inf2]: 0, [trn1]: 50, [g5]: 50 };
    const night = new Night({}, routeTable({ weights }));
    night.sellOut(inf2);
    night.pass(3600);
    assert.deepEqual(night.switches, []);
    assert.equal(night.state?.units[inf2]?.state, "short", "but it is shown");
  });
});

describe("a unit without weight", () => {
  const weights = { [inf2]: 0, [trn1]: 50, [g5]: 50 };

  it("neither asks for a machine nor keeps traffic away", () => {
    const night = new Night({}, routeTable({ weights }));
    night.sellOut(inf2);
    night.pass(60);
    night.failOver(trn1);
    night.quieten(inf2);
    assert.deepEqual(night.last.probes, [trn1]);
    assert.equal(night.switches[0]?.at, midnight + 62 * second);
    night.pass(60);
    night.launch(trn1);
    night.pass(600);
    assert.equal(night.isAway, false);
  });

  it("is no part of how long the shortage is known that moved traffic", () => {
    const night = new Night({}, routeTable({ weights }));
    night.sellOut(inf2);
    night.pass(600);
    night.sellOut(trn1);
    night.pass(2);
    assert.equal(night.last.evidenceAt, midnight + 600 * second);
  });
});

describe("the way back", () => {
  it("needs a launch: silence means nothing while traffic is away", () => {
    const night = new Night().failOver(inf2);
    night.pass(12 * 3600);
    assert.equal(night.isAway, true);
    assert.equal(night.state?.units[inf2]?.state, "short");
  });

  it("begins with a launch and is over after the recover time without a new shortage", () => {
    const night = new Night({ dwellSeconds: 0 }).failOver(inf2);
    night.pass(600);
    night.launch(inf2);
    assert.equal(night.state?.units[inf2]?.state, "recovering");
    assert.match(night.state!.reason, /has got a machine; no new shortage for 300 s ends it/);
    night.pass(299.999);
    assert.equal(night.isAway, true);
    night.pass(0.001);
    assert.equal(night.last.switched, "back");
    assert.deepEqual(night.weights, seedWeights);
    assert.deepEqual(night.last.rules, night.table.modes.cost.rules);
    assert.deepEqual(night.last.triggers, night.table.modes.cost.triggers);
    assert.deepEqual(night.last.probes, []);
    assert.equal(night.last.evidenceAt, undefined);
    assert.equal(night.state?.failedOverSince, undefined);
    assert.equal(
      night.state?.reason,
      "back to what is configured: sd21-inf2-neuron gets machines again",
    );
    night.pass(3600);
    assert.match(night.state!.reason, /^back to/, "and it says so until something else happens");
  });

  it("is begun anew by new evidence", () => {
    const night = new Night({ dwellSeconds: 0 }).failOver(inf2);
    night.launch(inf2);
    night.pass(200);
    night.stillSoldOut(inf2);
    assert.equal(night.state?.units[inf2]?.state, "short");
    night.pass(1000);
    assert.equal(night.isAway, true);
    night.launch(inf2);
    night.pass(299);
    assert.equal(night.isAway, true);
    night.pass(1);
    assert.equal(night.isAway, false);
  });

  it("is begun anew by evidence that comes with the next launch", () => {
    const night = new Night({ dwellSeconds: 0 }).failOver(inf2);
    night.launch(inf2);
    night.pass(200);
    const both = { evidence: evidence("capacity", night.now), launchedAt: night.now + 1 };
    night.now += 1;
    night.see(inf2, both);
    night.pass(299);
    assert.equal(night.isAway, true);
    night.pass(1);
    assert.equal(night.isAway, false);
  });

  it("is begun anew when the unit is sold out again while the model still dwells", () => {
    const night = new Night({ dwellSeconds: 7200 }).failOver(inf2);
    night.launch(inf2);
    night.pass(600);
    assert.equal(night.state?.units[inf2]?.state, "well");
    night.stillSoldOut(inf2);
    assert.equal(night.state?.units[inf2]?.state, "short", "though no pod of its own waits");
    night.pass(7200);
    assert.equal(night.isAway, true);
    night.launch(inf2);
    night.pass(300);
    assert.equal(night.isAway, false);
  });

  it("is not begun by a launch from before the last evidence", () => {
    const night = new Night().failOver(inf2);
    night.see(inf2, { launchedAt: midnight - 1 });
    assert.equal(night.state?.units[inf2]?.state, "short");
    night.see(inf2, { launchedAt: midnight });
    assert.equal(night.state?.units[inf2]?.state, "short", "nor by one of the same moment");
  });

  it("is not taken before the model has stayed away for the dwell time", () => {
    const night = new Night({ recoverSeconds: 0 }).failOver(inf2);
    night.pass(1);
    night.launch(inf2);
    night.pass(598.999);
    assert.equal(night.isAway, true);
    assert.equal(night.state?.reason, "recovered; failed over for 600 s at least");
    night.pass(0.001);
    assert.equal(night.last.switched, "back");
    assert.equal(night.now, midnight + 602 * second);
  });

  it("is not taken while another unit is suspected, which would take traffic away again", () => {
    const night = new Night({ dwellSeconds: 0 }).failOver(inf2);
    night.launch(inf2);
    night.pass(299);
    night.sellOut(trn1);
    night.pass(1);
    assert.equal(night.isAway, true);
    assert.match(night.state!.reason, /waiting for confirmation that sd21-trn1-neuron/);
    night.launch(trn1);
    assert.equal(night.last.switched, "back");
  });

  it("waits for a ready replica, for a machine alone serves nobody", () => {
    const night = new Night({ dwellSeconds: 0 }).failOver(inf2);
    night.see(inf2, { ready: 0, desired: 1 });
    night.launch(inf2);
    night.pass(900);
    assert.equal(night.isAway, true);
    assert.equal(night.state?.reason, "sd21-inf2-neuron has a machine, but no ready replica yet");
    night.see(inf2, { ready: 1 });
    assert.equal(night.last.switched, "back");
  });

  it("does not wait for replicas of a unit that wants none", () => {
    const night = new Night({ dwellSeconds: 0 }).failOver(inf2);
    night.see(inf2, { ready: 0, desired: 0 });
    night.launch(inf2);
    night.pass(300);
    assert.equal(night.isAway, false);
  });

  it("is not taken to units of which none has a ready replica while another has", () => {
    const table = routeTable({ weights: { [inf2]: 100, [g5]: 0 } });
    const night = new Night({ dwellSeconds: 0 }, table).failOver(inf2);
    night.see(inf2, { ready: 0, desired: 0 });
    night.launch(inf2);
    night.pass(900);
    assert.equal(night.isAway, true);
    assert.equal(
      night.state?.reason,
      "no unit that carries traffic as configured has a ready replica",
    );
    night.see(g5, { ready: 0 });
    assert.equal(night.isAway, false, "where nobody has one, nothing is lost");
  });

  it("is taken on silence where probes are switched off, or a unit has none", () => {
    for (const night of [
      new Night({ probeMinutes: 0 }),
      new Night({}, routeTable({ probes: false })),
    ]) {
      night.failOver(inf2);
      assert.deepEqual(night.last.probes, []);
      night.pass(188.001);
      assert.equal(night.state?.units[inf2]?.state, "recovering");
      night.pass(600);
      assert.equal(night.isAway, false);
    }
  });

  it("is a normal one for a unit that never moved traffic: silence ends the shortage", () => {
    const night = new Night({}, routeTable({ weights: { [inf2]: 0, [g5]: 1 } }));
    night.sellOut(inf2);
    night.pass(60);
    night.quieten(inf2);
    night.pass(129.999);
    assert.equal(night.state?.units[inf2]?.state, "short");
    night.pass(0.002);
    assert.equal(night.state?.units[inf2]?.state, "well");
  });
});

describe("the number of switches in an hour", () => {
  const quick = { confirmSeconds: 0, recoverSeconds: 0, dwellSeconds: 0 };
  const flap = (night: Night) => {
    night.sellOut(inf2);
    night.pass(10);
    night.quieten(inf2);
    night.launch(inf2);
    night.pass(10);
  };

  it("is never more than configured, and the way back leaves the last one", () => {
    const night = new Night({ ...quick, maxSwitchesPerHour: 6 });
    for (let round = 0; round < 20; round++) flap(night);
    assert.equal(night.switches.length, 5, "over, back, over, back, over");
    assert.equal(night.isAway, true);
    assert.equal(
      night.state?.reason,
      "recovered; 5 of 6 switches in the last hour are used, and one has to be left",
    );
  });

  it("is counted over the last hour: the way back is taken when one has aged out", () => {
    const night = new Night({ ...quick, maxSwitchesPerHour: 2 });
    flap(night);
    assert.equal(night.switches.length, 1);
    night.pass(3600 - 20 - 0.001);
    assert.equal(night.isAway, true);
    night.pass(0.001);
    assert.deepEqual(
      night.switches.map(({ at }) => at),
      [midnight, midnight + hour],
    );
  });

  it("never keeps traffic on a unit that is sold out", () => {
    const night = new Night({ ...quick, maxSwitchesPerHour: 2 });
    for (let round = 0; round < 400; round++) {
      night.sellOut(inf2);
      assert.equal(night.isAway, true, `in round ${round}`);
      night.pass(10);
      night.quieten(inf2);
      night.launch(inf2);
      night.pass(10);
    }
    assert.ok(night.switches.length <= 6);
  });
});

describe("a person's pin", () => {
  it("holds the mode whatever happens, and shows, with its reason", () => {
    const night = new Night();
    night.pin = { mode: "cost", reason: "load test, Ann" };
    night.sellOut(inf2);
    night.pass(3600);
    assert.deepEqual(night.weights, seedWeights);
    assert.equal(night.state?.reason, "pinned to cost: load test, Ann");
    assert.equal(night.state?.units[inf2]?.state, "short", "the shortage is shown");
    assert.deepEqual(night.last.probes, []);
    night.pin = { mode: "capacity", reason: undefined };
    night.look();
    assert.deepEqual(night.weights, capacityWeights);
    assert.equal(night.state?.reason, "pinned to capacity");
    assert.equal(night.state?.since, night.now);
    assert.deepEqual(night.switches, [], "that is no switch of fail-over");
  });

  it("gives way to fail-over at once when it is removed in a shortage", () => {
    const night = new Night();
    night.pin = { mode: "cost", reason: undefined };
    night.sellOut(inf2);
    night.pass(600);
    night.pin = undefined;
    night.look();
    assert.equal(night.last.switched, "over");
    assert.equal(night.last.evidenceAt, undefined, "that was no evidence of now");
    assert.deepEqual(night.weights, capacityWeights);
  });

  it("gives way to the config when it is removed and all is well", () => {
    const night = new Night();
    night.pin = { mode: "capacity", reason: undefined };
    night.look();
    night.pass(60);
    night.pin = undefined;
    night.look();
    assert.deepEqual(night.weights, seedWeights);
    assert.equal(night.last.switched, undefined);
    assert.equal(night.state?.reason, "as configured");
  });

  it("ends a fail-over, and the shortage moves traffic again when it is removed", () => {
    const night = new Night().failOver(inf2);
    night.pass(60);
    night.pin = { mode: "cost", reason: undefined };
    night.look();
    assert.deepEqual(night.weights, seedWeights);
    assert.equal(night.isAway, false);
    assert.equal(night.last.switched, undefined);
    night.pass(30);
    night.pin = undefined;
    night.look();
    assert.equal(night.last.switched, "over");
    assert.equal(night.switches.length, 2);
  });

  it("moves no traffic of fail-over's own: pins are not counted as switches", () => {
    const night = new Night();
    for (let round = 0; round < 50; round++) {
      night.pin = round % 2 === 0 ? { mode: "capacity", reason: undefined } : undefined;
      night.look();
      night.pass(1);
    }
    assert.deepEqual(night.state?.switches, []);
  });
});

describe("a model that is configured for capacity", () => {
  it("never moves: every ready pod has its share already (seed 001, Figures 8 and 9)", () => {
    for (const strategy of ["switch", "reweight"] as const) {
      const table = routeTable({ configuredMode: "capacity" });
      const night = new Night({ strategy, actOn: ["capacity", "limit"] }, table);
      for (const unit of [inf2, g6]) night.sellOut(unit);
      night.see(cuda, waiting(night.now, { evidence: evidence("limit", night.now) }));
      night.pass(7200);
      assert.deepEqual(night.switches, []);
      assert.deepEqual(night.weights, capacityWeights);
      assert.equal(night.state?.reason, "as configured");
      assert.deepEqual(night.last.probes, []);
      assert.equal(night.state?.units[inf2]?.state, "short", "but it is shown");
    }
  });
});

describe("the capacity probe", () => {
  it("asks for a machine only while traffic is away, and only for units of the shortage", () => {
    const night = new Night();
    assert.deepEqual(night.look().probes, []);
    night.sellOut(inf2);
    assert.deepEqual(night.last.probes, []);
    night.pass(2);
    assert.deepEqual(night.last.probes, [], "the unit's own pods ask");
    night.quieten(inf2);
    assert.deepEqual(night.last.probes, [inf2]);
    night.see(inf2, { pending: 1, pendingSince: night.now });
    assert.deepEqual(night.last.probes, []);
  });

  it("is not wanted where the unit has none", () => {
    const night = new Night({}, routeTable({ probes: false })).failOver(inf2);
    assert.deepEqual(night.last.probes, []);
  });

  it("holds its machine through the recovery, and lets it go when traffic is back", () => {
    const night = new Night().failOver(inf2);
    night.pass(60);
    night.see(inf2, { probe: "waiting" });
    night.pass(120);
    night.launch(inf2);
    night.pass(30);
    night.see(inf2, { probe: "running" });
    assert.equal(night.state?.units[inf2]?.probeStartedAt, night.now);
    night.pass(200);
    assert.deepEqual(night.last.probes, [inf2]);
    night.pass(600);
    assert.equal(night.isAway, false);
    assert.deepEqual(night.last.probes, []);
    assert.equal(night.state?.units[inf2]?.probeStartedAt, undefined);
    assert.equal(night.state?.units[inf2]?.affected, false);
  });

  it("rests after it has landed on a machine that was left over, which proves nothing", () => {
    const night = new Night().failOver(inf2);
    night.pass(10);
    night.see(inf2, { probe: "running" });
    assert.equal(night.state?.units[inf2]?.state, "short");
    assert.deepEqual(night.last.probes, []);
    night.pass(1);
    night.see(inf2, { probe: "off" });
    const rest = night.state!.units[inf2]!.probeRestsUntil!;
    assert.equal(
      rest,
      midnight + (2 + 10 + 600 + 120) * second,
      "as long as a machine stays empty",
    );
    night.pass((rest - night.now) / second - 0.001);
    assert.deepEqual(night.last.probes, []);
    night.pass(0.001);
    assert.deepEqual(night.last.probes, [inf2], "and asks again by itself");
  });

  it("lets the return be tried when a probe has found room on what there is a second time", () => {
    const night = new Night().failOver(inf2);
    night.see(inf2, { probe: "running" });
    night.see(inf2, { probe: "off" });
    night.pass(720);
    night.see(inf2, { probe: "running" });
    assert.equal(night.state?.units[inf2]?.state, "recovering");
    night.pass(300);
    assert.equal(night.isAway, false);
  });

  it("rests for as long as the pool keeps an empty machine, and no less than evidence holds", () => {
    for (const [emptyMachineSeconds, rest] of [
      [60, 190],
      [3600, 3720],
    ] as const) {
      const night = new Night().failOver(inf2);
      night.see(inf2, { probe: "running", emptyMachineSeconds });
      const until = night.state!.units[inf2]!.probeRestsUntil!;
      assert.equal((until - night.now) / second, rest);
    }
  });

  it("holds a machine for no longer than configured in one shortage", () => {
    const night = new Night({ dwellSeconds: 7200, probeMinutes: 15 }).failOver(inf2);
    night.launch(inf2);
    night.see(inf2, { probe: "running" });
    night.pass(15 * 60 - 0.001);
    assert.deepEqual(night.last.probes, [inf2]);
    night.pass(0.001);
    assert.deepEqual(night.last.probes, []);
    night.see(inf2, { probe: "off" });
    night.pass(600);
    assert.deepEqual(night.last.probes, []);
    assert.equal(night.isAway, true);
  });

  it("may hold a machine again when it was sold out again", () => {
    const night = new Night({ dwellSeconds: 7200 }).failOver(inf2);
    night.launch(inf2);
    night.see(inf2, { probe: "running" });
    night.pass(15 * 60);
    night.see(inf2, { probe: "off" });
    night.pass(60);
    night.stillSoldOut(inf2);
    assert.deepEqual(night.last.probes, [inf2]);
    assert.equal(night.state?.units[inf2]?.probeStartedAt, undefined);
  });
});

describe("reweighting", () => {
  const reweight = { strategy: "reweight" } as const;

  it("gives a unit in shortage the share that it has of what it wants", () => {
    const night = new Night(reweight);
    // Two ready of four wanted: 20, 20, 15, 10 and 15 of 80.
    night.sellOut(inf2, { ready: 2, desired: 4 });
    night.pass(2);
    assert.equal(night.last.switched, "over");
    assert.deepEqual(night.weights, { [inf2]: 25, [trn1]: 25, [g5]: 19, [g6]: 12, [cuda]: 19 });
    assert.equal(night.state?.mode, "cost");
    assert.deepEqual(night.last.triggers, night.table.modes.cost.triggers);
    assert.deepEqual(
      night.last.rules[1],
      night.table.modes.cost.rules[1],
      "the standby rule stays as it is",
    );
  });

  it("takes all traffic off a unit that has nothing", () => {
    const night = new Night(reweight);
    night.sellOut(inf2, { ready: 0, desired: 3 });
    night.pass(2);
    assert.deepEqual(night.weights, { [inf2]: 0, [trn1]: 33, [g5]: 25, [g6]: 17, [cuda]: 25 });
  });

  it("does not blame units that are just scaling up", () => {
    const night = new Night(reweight);
    night.see(g5, { ready: 1, desired: 4 });
    night.sellOut(inf2, { ready: 0, desired: 3 });
    night.pass(2);
    assert.equal(night.weights[g5], night.weights[cuda]);
  });

  it("compares with what was wanted at first, for that falls with the traffic that has left", () => {
    const night = new Night(reweight);
    night.sellOut(inf2, { ready: 1, desired: 4 });
    night.pass(2);
    const before = night.weights;
    night.see(inf2, { desired: 1, ready: 1, pending: 0, pendingSince: undefined });
    night.pass(600);
    assert.deepEqual(night.weights, before);
  });

  it("gives the configured weights exactly when all units have all that they want", () => {
    const night = new Night(reweight);
    night.sellOut(inf2, { ready: 3, desired: 3 });
    night.pass(2);
    assert.equal(night.isAway, true);
    assert.deepEqual(night.weights, seedWeights);
  });

  it("follows the replicas once a minute at most", () => {
    const night = new Night(reweight);
    night.sellOut(inf2, { ready: 0, desired: 4 });
    night.pass(2);
    const moved = night.now;
    night.see(inf2, { ready: 1 });
    night.pass(59.999);
    assert.equal(night.weights[inf2], 0);
    night.pass(0.001);
    assert.equal(night.weights[inf2], 14, "10 of 70");
    assert.equal(night.state?.since, moved + minute);
    night.see(inf2, { ready: 2 });
    night.see(inf2, { ready: 0 });
    night.see(inf2, { ready: 2 });
    assert.equal(night.weights[inf2], 14);
    night.pass(60);
    assert.equal(night.weights[inf2], 25);
    assert.equal(night.switches.length, 1, "following is no switch");
  });

  it("does not wait for the minute when another unit is sold out", () => {
    const night = new Night(reweight);
    night.sellOut(inf2, { ready: 0, desired: 4 });
    night.pass(2);
    night.pass(5);
    night.sellOut(trn1, { ready: 0, desired: 2 });
    night.pass(2);
    assert.equal(night.weights[trn1], 0);
    assert.equal(night.now, midnight + 9 * second);
  });

  it("keeps the weights where nothing else would be served", () => {
    const two = routeTable({ weights: { [inf2]: 60, [g5]: 40 } });
    const night = new Night(reweight, two);
    night.see(g5, { ready: 0, desired: 0 });
    night.sellOut(inf2, { ready: 0, desired: 3 });
    night.sellOut(g5, { ready: 0, desired: 3 });
    night.pass(2);
    assert.deepEqual(night.weights, { [inf2]: 60, [g5]: 40 });
  });

  it("does not leave the only ready unit without traffic", () => {
    // The units that have a share of all they want have no replica yet: they want none.
    const two = routeTable({ weights: { [inf2]: 60, [g5]: 40, [g6]: 0 } });
    const night = new Night(reweight, two);
    night.units.set(g5, healthy({ ready: 0, desired: 0 }));
    night.units.set(g6, healthy());
    night.sellOut(inf2, { ready: 1, desired: 300 });
    night.pass(2);
    assert.ok(night.weights[inf2]! >= 1);
    night.see(inf2, { ready: 0 });
    night.pass(60);
    assert.ok(Object.values(night.weights).some((weight) => weight > 0));
  });

  it("keeps the weights where new ones of the config would be served by nobody", () => {
    const table = (weights: Record<string, number>) => routeTable({ weights });
    const night = new Night(reweight, table({ [inf2]: 60, [g5]: 40, [g6]: 10 }));
    night.units.set(g6, healthy({ ready: 0, desired: 0 }));
    night.sellOut(inf2, { ready: 0 });
    night.pass(2);
    const before = night.weights;
    night.table = table({ [inf2]: 60, [g5]: 0, [g6]: 10 });
    night.pass(60);
    night.look();
    assert.deepEqual(night.weights, before);
    night.see(g6, { ready: 1, desired: 1 });
    night.pass(60);
    assert.deepEqual(night.weights, { [inf2]: 0, [g5]: 0, [g6]: 100 });
  });

  it("remembers over a pin what a unit wanted", () => {
    const night = new Night(reweight);
    night.sellOut(inf2, { ready: 1, desired: 4 });
    night.pass(2);
    const before = night.weights;
    night.see(inf2, { desired: 1, ready: 1 });
    night.pin = { mode: "cost", reason: undefined };
    night.look();
    night.pass(30);
    night.pin = undefined;
    night.look();
    assert.deepEqual(night.weights, before);
  });

  it("goes back to the configured weights", () => {
    const night = new Night(reweight).failOver(inf2);
    night.pass(60);
    night.launch(inf2);
    night.pass(540);
    assert.equal(night.last.switched, "back");
    assert.deepEqual(night.weights, seedWeights);
  });
});

describe("a change of the config while traffic is away", () => {
  it("of the strategy takes effect at once, and is no switch", () => {
    const night = new Night().failOver(inf2);
    night.see(inf2, { ready: 0 });
    night.settings = settings({ strategy: "reweight" });
    night.look();
    assert.equal(night.isAway, true);
    assert.equal(night.weights[inf2], 0);
    assert.equal(night.state?.mode, "cost");
    assert.equal(night.last.switched, undefined);
    night.settings = settings({ strategy: "switch" });
    night.look();
    assert.deepEqual(night.weights, capacityWeights);
    assert.equal(night.state?.failedOverSince, midnight + 2 * second);
    assert.equal(night.switches.length, 1);
  });

  it("to capacity mode ends the fail-over, and back begins it again", () => {
    const night = new Night().failOver(inf2);
    night.table = routeTable({ configuredMode: "capacity" });
    night.look();
    assert.equal(night.isAway, false);
    assert.deepEqual(night.weights, capacityWeights);
    assert.equal(night.last.switched, undefined);
    night.table = routeTable();
    night.look();
    assert.equal(night.last.switched, "over");
    assert.equal(night.last.evidenceAt, undefined);
  });

  it("that removes the unit in shortage lets traffic return after the dwell time", () => {
    const night = new Night().failOver(inf2);
    const { [inf2]: _, ...others } = seedWeights;
    night.table = routeTable({ weights: others });
    night.units.delete(inf2);
    night.look();
    assert.equal(night.isAway, true);
    night.pass(600);
    assert.equal(night.last.switched, "back");
    assert.deepEqual(night.weights, others);
    assert.doesNotMatch(night.state!.reason, /: {2}| gets machines/);
  });

  it("that adds a unit moves nothing, and the unit is in the weights at once", () => {
    const night = new Night({ strategy: "reweight" }).failOver(inf2);
    night.table = routeTable({ weights: { ...seedWeights, "sd21-g6-cuda": 20 } });
    night.look();
    assert.equal(night.isAway, true);
    assert.ok(night.weights["sd21-g6-cuda"]! > 0);
    assert.equal(night.state?.units["sd21-g6-cuda"]?.state, "well");
    assert.equal(night.switches.length, 1);
  });

  it("of the weights takes effect on return", () => {
    const night = new Night().failOver(inf2);
    const weights = { ...seedWeights, [inf2]: 10 };
    night.table = routeTable({ weights });
    night.look();
    assert.deepEqual(night.weights, capacityWeights);
    night.launch(inf2);
    night.pass(600);
    assert.deepEqual(night.weights, weights);
  });

  it("of the weights takes effect at once where traffic is not away, and is no switch", () => {
    const night = new Night();
    night.look();
    night.pass(60);
    const weights = { ...seedWeights, [inf2]: 10 };
    night.table = routeTable({ weights });
    night.look();
    assert.deepEqual(night.weights, weights);
    assert.equal(night.last.switched, undefined);
    assert.equal(night.state?.since, night.now);
  });

  it("of a cause that no more counts ends the shortage", () => {
    const night = new Night({ actOn: ["capacity", "quota"], dwellSeconds: 0 });
    night.see(inf2, waiting(midnight, { evidence: evidence("quota", midnight) }));
    night.pass(2);
    assert.equal(night.isAway, true);
    night.settings = settings({ dwellSeconds: 0 });
    night.look();
    assert.equal(night.last.switched, "back");
    assert.equal(night.state?.units[inf2]?.evidence?.cause, "quota", "it is still shown");
  });

  it("of the times counts from then on", () => {
    const night = new Night().failOver(inf2);
    night.launch(inf2);
    night.pass(100);
    night.settings = settings({ recoverSeconds: 60, dwellSeconds: 60 });
    night.look();
    assert.equal(night.last.switched, "back");
  });
});

describe("a controller that has lost its state", () => {
  const start = (units: Readonly<Record<string, UnitFacts>>, failedOver: boolean) => {
    const table = routeTable();
    const current = table.modes[failedOver ? "capacity" : "cost"].backends;
    return decide(settings(), modelFacts(table, units, { current }), undefined, midnight);
  };

  it("finds from the route that traffic was away, and stays there for the dwell time", () => {
    const found = start({}, true);
    assert.equal(found.state.failedOverSince, midnight);
    assert.equal(found.state.mode, "capacity");
    assert.equal(found.switched, undefined);
    const night = new Night();
    night.state = found.state;
    night.look();
    night.pass(599);
    assert.equal(night.isAway, true);
    night.pass(1);
    assert.equal(night.last.switched, "back");
    assert.equal(
      night.state?.reason,
      "back to what is configured: no unit of it is known to be short",
    );
  });

  it("finds a shortage that is still there, without another switch", () => {
    const found = start({ [inf2]: soldOut(midnight - 60 * second) }, true);
    assert.equal(found.switched, undefined);
    assert.equal(found.state.units[inf2]?.state, "short");
    assert.match(found.state.reason, /sd21-inf2-neuron is short/);
  });

  it("leaves a route alone that is as configured, or that it cannot read", () => {
    const found = start({}, false);
    assert.equal(found.state.failedOverSince, undefined);
    assert.equal(found.state.reason, "as configured");
    const table = routeTable();
    const blind = modelFacts(table, {}, { current: undefined });
    assert.equal(decide(settings(), blind, undefined, midnight).state.mode, "cost");
    const other = routeTable({ configuredMode: "capacity" });
    const asItIs = decide(settings(), modelFacts(other), undefined, midnight);
    assert.equal(asItIs.state.failedOverSince, undefined);
  });
});

describe("a clock that another machine has set wrong", () => {
  /** The next leader's clock is a day behind, and so is all that it sees. */
  const aDayBehind = (night: Night) => {
    night.now -= 24 * hour;
    for (const unit of night.units.keys()) night.units.set(unit, healthy({ ready: 1, desired: 1 }));
    night.look();
    return night.now;
  };

  it("keeps no dwell and no recovery in the future", () => {
    const night = new Night().failOver(inf2);
    night.launch(inf2);
    night.pass(10);
    const then = aDayBehind(night);
    assert.equal(night.isAway, true);
    assert.equal(night.state?.failedOverSince, then);
    assert.equal(night.state?.units[inf2]?.since, then);
    night.pass(600);
    assert.equal(night.isAway, false);
  });

  it("keeps no rest of a probe for longer than a rest is", () => {
    const night = new Night().failOver(inf2);
    night.see(inf2, { probe: "running" });
    const then = aDayBehind(night);
    assert.equal(night.state?.units[inf2]?.probeRestsUntil, then + 720 * second);
    night.pass(720);
    assert.deepEqual(night.last.probes, [inf2]);
  });

  it("keeps no launch in the future, which would prove that nothing is ever short", () => {
    const night = new Night();
    night.launch(inf2);
    aDayBehind(night);
    night.pass(10);
    night.sellOut(inf2);
    night.pass(2);
    assert.equal(night.isAway, true);
  });

  it("keeps no switch in the last hour for longer than an hour", () => {
    const night = new Night({ recoverSeconds: 0, maxSwitchesPerHour: 2 }).failOver(inf2);
    const then = aDayBehind(night);
    night.pass(1);
    night.launch(inf2);
    night.pass(3599);
    assert.equal(night.last.switched, "back");
    assert.equal(night.now, then + hour);
  });
});

describe("a unit that may have several kinds of capacity", () => {
  it("is given the time that Karpenter takes to ask for the next kind", () => {
    const night = new Night();
    night.sellOut(inf2, { capacityTypes: 2 });
    night.pass(16.999);
    assert.equal(night.isAway, false);
    night.pass(0.001);
    assert.equal(night.isAway, true);
    assert.equal(night.state?.failedOverSince, midnight + 17 * second);
  });

  it("is in no shortage when the next kind is to be had", () => {
    const night = new Night();
    night.sellOut(inf2, { capacityTypes: 2 });
    night.pass(6);
    night.launch(inf2);
    night.pass(3600);
    assert.equal(night.isAway, false);
  });
});

describe("a pin to capacity mode during a shortage", () => {
  it("forgets nothing: when it goes, traffic waits for the same proof as without it", () => {
    const night = new Night().failOver(inf2);
    night.pin = { mode: "capacity", reason: undefined };
    night.look();
    night.pass(6 * 3600);
    assert.deepEqual(night.last.probes, [inf2], "it goes on asking");
    night.pin = undefined;
    night.look();
    assert.equal(night.isAway, true);
    night.launch(inf2);
    night.pass(300);
    assert.equal(night.isAway, false);
  });
});
