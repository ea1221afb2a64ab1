import assert from "node:assert/strict";
import { decide } from "../../../apps/failover-controller/decision";
import { stateOf, statusOf } from "../../../apps/failover-controller/status";
import { modelStatusSchema } from "../../../contracts/failover";
import { inf2, midnight, routeTable, second, seedWeights } from "./fleet";
import { Night } from "./night";

const read = (night: Night) =>
  modelStatusSchema.parse(JSON.parse(JSON.stringify(statusOf(night.facts, night.last))));

describe("the status", () => {
  it("says of a model that is well what it does", () => {
    const status = read(new Night());
    assert.equal(status.mode, "cost");
    assert.equal(status.configuredMode, "cost");
    assert.equal(status.reason, "as configured");
    assert.equal(status.since, "2026-11-14T00:00:00.000Z");
    assert.deepEqual(status.weights, seedWeights);
    assert.equal(status.failedOverSince, undefined);
    assert.equal(status.pin, undefined);
    assert.deepEqual(status.units[inf2], {
      state: "well",
      since: "2026-11-14T00:00:00.000Z",
      ready: 2,
      desired: 2,
      pending: 0,
      probe: "off",
      affected: false,
    });
  });

  it("says in a shortage what was seen, where, since when, and what has been done", () => {
    const night = new Night().failOver(inf2);
    night.pass(60);
    night.see(inf2, { probe: "running" });
    const status = read(night);
    assert.equal(status.mode, "capacity");
    assert.equal(status.failedOverSince, "2026-11-14T00:00:02.000Z");
    assert.deepEqual(status.weights, { sd21: 1 });
    assert.deepEqual(status.switches, ["2026-11-14T00:00:02.000Z"]);
    assert.deepEqual(status.units[inf2], {
      state: "short",
      since: "2026-11-14T00:00:02.000Z",
      ready: 1,
      desired: 1,
      pending: 0,
      evidence: {
        cause: "capacity",
        source: "NodeClaim of capacity",
        message: "capacity",
        firstSeen: "2026-11-14T00:00:00.000Z",
        lastSeen: "2026-11-14T00:00:00.000Z",
      },
      wanted: 3,
      probe: "running",
      probeRestsUntil: "2026-11-14T00:13:02.000Z",
      leftovers: 1,
      affected: true,
    });
  });

  it("shows pending pods, a pin and its reason, and a unit without a probe", () => {
    const night = new Night({}, routeTable({ probes: false }));
    night.pin = { mode: "cost", reason: "Ann" };
    night.sellOut(inf2);
    const status = read(night);
    assert.deepEqual(status.pin, { mode: "cost", reason: "Ann" });
    assert.equal(status.units[inf2]?.pending, 1);
    assert.equal(status.units[inf2]?.pendingSince, "2026-11-14T00:00:00.000Z");
    assert.equal(status.units[inf2]?.probe, "off");
    night.pin = { mode: "capacity", reason: undefined };
    night.look();
    assert.deepEqual(read(night).pin, { mode: "capacity" });
  });

  it("comes back as it went, at each stage of a shortage", () => {
    const night = new Night();
    const comesBack = () => assert.deepEqual(stateOf(read(night)), night.state);
    comesBack();
    night.sellOut(inf2);
    comesBack();
    night.pass(2);
    comesBack();
    night.quieten(inf2);
    night.see(inf2, { probe: "running" });
    comesBack();
    night.see(inf2, { probe: "off" });
    night.launch(inf2);
    night.see(inf2, { probe: "running" });
    comesBack();
    assert.equal(night.state?.units[inf2]?.probeStartedAt, night.now);
    night.pass(600);
    comesBack();
    assert.equal(night.isAway, false);
  });

  it("is understood from a newer controller, which says more", () => {
    const night = new Night().failOver(inf2);
    const status = read(night);
    const newer = modelStatusSchema.parse({
      ...status,
      colour: "red",
      units: { ...status.units, [inf2]: { ...status.units[inf2], colour: "red" } },
    });
    assert.deepEqual(stateOf(newer), night.state);
  });

  it("lets a successor go on in the middle of confirm, dwell and recovery", () => {
    const story = (handsOver: boolean) => {
      const night = new Night();
      const restart = () => {
        if (handsOver) night.state = stateOf(read(night));
      };
      night.sellOut(inf2);
      night.pass(1);
      restart();
      night.pass(1);
      night.quieten(inf2);
      night.pass(300);
      restart();
      night.launch(inf2);
      night.pass(200);
      restart();
      night.pass(3600);
      return night.switches;
    };
    assert.deepEqual(story(true), story(false));
    assert.deepEqual(
      story(true).map(({ at }) => at),
      [midnight + 2 * second, midnight + 602 * second],
    );
  });

  it("of a unit that is unknown by now does no harm", () => {
    const night = new Night().failOver(inf2);
    const { state } = night;
    const other = routeTable({ weights: { other: 1 } });
    night.table = other;
    const decision = decide(night.settings, night.facts, state, night.now);
    assert.deepEqual(Object.keys(decision.state.units), ["other"]);
  });
});
