import assert from "node:assert/strict";
import { OwnedField } from "../../../apps/failover-controller/ownedField";

/** An object with one field, as a server has it and as a watch shows it. */
class Served {
  uid = "1";
  value = "theirs";
  generation = 1;
  writes = 0;
  readonly field = new OwnedField<string>(async (value) => {
    this.write(value);
    this.writes += 1;
    return this.generation;
  });

  write(value: string): void {
    if (value !== this.value) this.generation += 1;
    this.value = value;
  }

  ensure(
    wanted: string,
    now = 0,
    live = this as { uid: string; value: string; generation: number },
  ) {
    const { uid, value, generation } = live;
    return this.field.ensure({ uid, value, generation }, wanted, now);
  }
}

describe("A field that the controller owns", () => {
  it("is written once although it is as wanted, to own it, and then kept", async () => {
    const served = new Served();
    assert.equal(await served.ensure("theirs"), "written");
    assert.equal(await served.ensure("theirs"), "kept");
    assert.equal(served.writes, 1);
  });

  it("is not written again because the watch is behind", async () => {
    const served = new Served();
    const stale = { uid: "1", value: "theirs", generation: 1 };
    assert.equal(await served.ensure("ours"), "written");
    assert.equal(await served.ensure("ours", 0, stale), "kept");
    assert.equal(await served.ensure("theirs", 0, stale), "written", "the watch shows the past");
    assert.equal(served.value, "theirs");
  });

  it("is written anew when the object was made anew", async () => {
    const served = new Served();
    await served.ensure("ours");
    Object.assign(served, { uid: "2", value: "theirs", generation: 1 });
    assert.equal(await served.ensure("ours"), "written");
    assert.equal(served.value, "ours");
  });

  it("is written back at once, then after 1 s, 2 s, 4 s and never more than a minute", async () => {
    const served = new Served();
    await served.ensure("ours");
    let now = 0;
    const waits: number[] = [];
    for (let time = 0; time < 10; time++) {
      served.write("theirs");
      const from = now;
      while ((await served.ensure("ours", now)) === "deferred") now += 500;
      waits.push((now - from) / 1000);
    }
    assert.deepEqual(waits, [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert.equal(served.field.overwrites, 10);
  });

  it("takes a new decision at once, whoever else writes", async () => {
    const served = new Served();
    await served.ensure("ours");
    served.write("theirs");
    await served.ensure("ours");
    served.write("theirs");
    assert.equal(await served.ensure("ours"), "deferred");
    assert.equal(await served.ensure("new"), "written");
  });

  it("forgets another writer that has been quiet for five minutes", async () => {
    const served = new Served();
    await served.ensure("ours");
    served.write("theirs");
    await served.ensure("ours");
    served.write("theirs");
    assert.equal(await served.ensure("ours", 400_000), "written");
    assert.equal(served.field.overwrites, 1);
  });

  it("tries again after a write that failed", async () => {
    let fails = true;
    const field = new OwnedField<string>(async () => {
      if (fails) throw new Error("no");
      return 2;
    });
    const live = { uid: "1", value: "theirs", generation: 1 };
    await assert.rejects(field.ensure(live, "ours", 0));
    fails = false;
    assert.equal(await field.ensure(live, "ours", 0), "written");
  });
});
