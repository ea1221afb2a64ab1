import assert from "node:assert/strict";
import { Ongoing } from "../../../apps/failover-controller/ongoing";

describe("Operations that go on side by side", () => {
  let now: number;
  let again: number[];
  let failures: string[];
  let ongoing: Ongoing;
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  beforeEach(() => {
    now = 0;
    again = [];
    failures = [];
    ongoing = new Ongoing({
      now: () => now,
      onFailure: (operation, { message }) => failures.push(`${operation}: ${message}`),
      onAgain: (afterMs) => again.push(afterMs),
    });
  });

  it("are each begun once at a time, and asked for again when wanted meanwhile", async () => {
    let begun = 0;
    let end: () => void = () => {};
    const act = () => {
      begun += 1;
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    };
    ongoing.begin("route a", act);
    ongoing.begin("route a", act);
    ongoing.begin("route b", act);
    assert.equal(begun, 2, "one does not hold up the other");
    end();
    await settled();
    assert.deepEqual(again, []);
    assert.equal(ongoing.isIdle, false);
  });

  it("say what is wrong until it works again, and are then to be looked at", async () => {
    ongoing.begin("route a", () => Promise.reject(new Error("no")));
    await settled();
    assert.deepEqual([...ongoing.errors], [["route a", "no"]]);
    assert.deepEqual(failures, ["route a: no"]);
    now = 250;
    ongoing.begin("route a", async () => {});
    await settled();
    assert.deepEqual([...ongoing.errors], []);
    assert.deepEqual(again, [250, 0]);
  });

  it("are tried again after 250 ms, 500 ms, 1 s … 5 s, and not before", async () => {
    for (let time = 0; time < 7; time++) {
      ongoing.begin("status", () => Promise.reject(new Error("no")));
      await settled();
      now += again.at(-1)!;
    }
    assert.deepEqual(again, [250, 500, 1000, 2000, 4000, 5000, 5000]);
    now -= 1;
    ongoing.begin("status", () => Promise.reject(new Error("too early")));
    await settled();
    assert.equal(failures.length, 7);
  });
});
