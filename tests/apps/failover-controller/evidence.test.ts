import assert from "node:assert/strict";
import {
  latestEvidence,
  merged,
  type Sighting,
  type UnitEvidence,
  withSighting,
} from "../../../apps/failover-controller/evidence";
import { evidence, midnight, minute, second } from "./fleet";

const hold = 190 * second;
const t = midnight;

const seen = (
  cause: Sighting["cause"],
  at: number,
  source = `NodeClaim of ${cause}`,
  message: string = cause,
): Sighting => ({ cause, source, message, at });

/** What is known after one sighting upon the other. */
const after = (...sightings: readonly Sighting[]): UnitEvidence =>
  sightings.reduce<UnitEvidence>((known, each) => withSighting(known, each, hold), {});

describe("evidence", () => {
  it("has what was seen, on what, and since when", () => {
    assert.deepEqual(after(seen("capacity", t, "NodeClaim a", "sold out")), {
      capacity: {
        cause: "capacity",
        source: "NodeClaim a",
        message: "sold out",
        firstSeen: t,
        lastSeen: t,
      },
    });
  });

  it("goes on, with the newest words, when it is seen again within the hold", () => {
    const known = after(seen("capacity", t, "a"), seen("capacity", t + hold, "b"));
    assert.equal(known.capacity?.firstSeen, t);
    assert.equal(known.capacity?.lastSeen, t + hold);
    assert.equal(known.capacity?.source, "b");
  });

  it("begins anew when it is seen again after the hold", () => {
    const known = after(seen("capacity", t), seen("capacity", t + hold + 1));
    assert.equal(known.capacity?.firstSeen, t + hold + 1);
  });

  it("begins anew when it is seen again after a launch", () => {
    const once = after(seen("capacity", t));
    const launchedAt = t + 10 * second;
    const known = withSighting(once, seen("capacity", t + 20 * second), hold, launchedAt);
    assert.equal(known.capacity?.firstSeen, t + 20 * second);
    const more = withSighting(known, seen("capacity", t + 30 * second), hold, launchedAt);
    assert.equal(more.capacity?.firstSeen, t + 20 * second);
    const echoed = withSighting(once, seen("echo", t + 20 * second), hold, launchedAt);
    assert.equal(echoed.capacity?.firstSeen, t + 20 * second);
  });

  it("keeps each cause apart, so that a quota does not hide a shortage", () => {
    const known = after(seen("capacity", t), seen("quota", t + second), seen("subnet", t + second));
    assert.deepEqual(Object.keys(known).sort(), ["capacity", "quota", "subnet"]);
    assert.equal(known.capacity?.lastSeen, t);
    assert.equal(latestEvidence(known, ["capacity"])?.cause, "capacity");
    assert.equal(latestEvidence(known, ["capacity", "quota"])?.cause, "quota");
    assert.equal(latestEvidence(known, ["launch"]), undefined);
    assert.equal(latestEvidence({}), undefined);
  });

  it("is not renewed by an older sighting that is told again", () => {
    const known = after(seen("capacity", t, "new"));
    for (const at of [t, t - second, t - hold, t - 10 * hold])
      assert.deepEqual(withSighting(known, seen("capacity", at, "old"), hold), known);
    assert.deepEqual(withSighting(known, seen("echo", t - hold), hold), known);
  });
});

describe("an echo", () => {
  it("is news of the latest error, whose words stay", () => {
    const known = after(seen("capacity", t, "NodeClaim a"), seen("echo", t + 60 * second, "pool"));
    assert.deepEqual(Object.keys(known), ["capacity"]);
    assert.equal(known.capacity?.lastSeen, t + 60 * second);
    assert.equal(known.capacity?.firstSeen, t);
    assert.equal(known.capacity?.source, "NodeClaim a");
  });

  it("belongs to the quota when the quota came last", () => {
    const known = after(
      seen("capacity", t),
      seen("quota", t + second),
      seen("echo", t + 30 * second),
    );
    assert.equal(known.quota?.lastSeen, t + 30 * second);
    assert.equal(known.capacity?.lastSeen, t);
  });

  it("has no known cause when there was no error within the hold", () => {
    assert.deepEqual(Object.keys(after(seen("echo", t))), ["unknown"]);
    const late = after(seen("capacity", t), seen("echo", t + hold + 1));
    assert.equal(late.capacity?.lastSeen, t);
    assert.equal(late.unknown?.firstSeen, t + hold + 1);
  });

  it("carries the evidence from one error to the next over Karpenter's hidden three minutes", () => {
    let known = after(seen("capacity", t));
    for (let at = t + minute; at < t + 3 * minute; at += minute)
      known = withSighting(known, seen("echo", at), hold);
    known = withSighting(known, seen("capacity", t + 3 * minute + 20 * second), hold);
    assert.equal(known.capacity?.firstSeen, t);
    assert.deepEqual(Object.keys(known), ["capacity"]);
  });

  it("never belongs to a NodePool's own limit, which hides nothing", () => {
    const known = after(
      seen("capacity", t),
      seen("limit", t + second),
      seen("echo", t + 30 * second),
    );
    assert.equal(known.limit?.lastSeen, t + second);
    assert.equal(known.capacity?.lastSeen, t + 30 * second);
    assert.deepEqual(Object.keys(after(seen("limit", t), seen("echo", t + 1))).sort(), [
      "limit",
      "unknown",
    ]);
  });
});

describe("evidence that was kept over a restart", () => {
  it("is the newer of each cause, kept or seen", () => {
    const a = { ...evidence("capacity", t, t + 5), ...evidence("quota", t, t + 1) };
    const b = { ...evidence("capacity", t, t + 3), ...evidence("quota", t, t + 9) };
    for (const both of [merged(a, b, hold), merged(b, a, hold)]) {
      assert.equal(both.capacity?.lastSeen, t + 5);
      assert.equal(both.quota?.lastSeen, t + 9);
    }
    assert.deepEqual(merged({}, a, hold), a);
    assert.deepEqual(merged(a, {}, hold), a);
  });

  it("goes on from what was kept, unless there was a break or a launch", () => {
    const before = evidence("capacity", t, t + 5);
    const first = (since: number, launchedAt?: number) =>
      merged(before, evidence("capacity", since), hold, launchedAt).capacity?.firstSeen;
    assert.equal(first(t + 5 + hold), t);
    assert.equal(first(t + 6 + hold), t + 6 + hold);
    assert.equal(first(t + 9, t + 7), t + 9);
    assert.equal(first(t + 9, t + 3), t);
    const across = evidence("capacity", t - 900, t + 9);
    assert.equal(merged(before, across, hold, t + 7).capacity?.firstSeen, t + 9);
    assert.equal(merged(before, across, hold, t + 12).capacity?.firstSeen, t);
    assert.equal(first(t - 900), t, "nor is it older for being told again to the second");
  });
});
