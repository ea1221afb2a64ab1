import assert from "node:assert/strict";
import fc from "fast-check";
import { failureVerdict, isLost, refusalOf, waitSeconds } from "../../../apps/queue-agent/verdict";
import { type FailureCode, failureCodes, type TaskRecord } from "../../../contracts/tasks/record";

const nowMs = Date.parse("2026-11-14T00:00:00Z");

const record: TaskRecord = {
  key: "a",
  id: "a",
  runtime: "sd",
  type: "text-to-image",
  state: "queued",
  createdAt: "2026-11-14T00:00:00.000Z",
  attempts: 1,
  expiresAt: 0,
};

const message = {
  nowMs,
  receiveCount: 1,
  visibilitySeconds: 60,
  longestTaskSeconds: 600,
};

describe("a message whose task cannot be claimed", () => {
  const table: readonly [string, Partial<TaskRecord>, ReturnType<typeof refusalOf>][] = [
    [
      "is told of again when the task is completed",
      { state: "completed" },
      { action: "tell again" },
    ],
    [
      "is deleted when the task was cancelled",
      { state: "cancelled" },
      { action: "delete", why: "the task was cancelled" },
    ],
    [
      "goes to the dead-letter queue when its agent died before it was there",
      { state: "failed", deadLetterId: "d" },
      { action: "dead-letter again" },
    ],
    [
      "is deleted when it is there already",
      { state: "failed", deadLetterId: "d", deadLetteredAt: "2026-11-14T00:00:00.000Z" },
      { action: "delete", why: "the task is in the dead-letter queue already" },
    ],
    [
      "waits until a claim ends, and as long as two clocks may differ",
      { state: "running", claimExpiresAtMs: nowMs + 10_500 },
      { action: "wait", seconds: 17 },
    ],
    [
      "waits a little for a claim that has just ended",
      { state: "running", claimExpiresAtMs: nowMs - 5_900 },
      { action: "wait", seconds: 1 },
    ],
  ];
  it("is deleted when its request was taken back, and the id is another's by now", () => {
    const another = { ...record, requestHash: "b2" };
    assert.equal(refusalOf({ ...message, requestHash: "a1", record: another }).action, "delete");
  });

  for (const [promise, differing, refusal] of table)
    it(promise, () =>
      assert.deepEqual(
        refusalOf({ ...message, requestHash: "a1", record: { ...record, ...differing } }),
        refusal,
      ),
    );

  it("comes back soon when its agents have died, however many there were", () => {
    for (let attempts = 1; attempts <= 8; attempts++) {
      const times = { receiveCount: 2 * attempts, visibilitySeconds: 60, longestTaskSeconds: 3600 };
      const record = { attempts, claimExpiresAtMs: 1_000_000 };
      assert.equal(waitSeconds({ ...times, nowMs: 1_000_000 }, record), 6);
    }
  });

  it("comes back so seldom that a claim that is renewed for the longest task does not use up its receives", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 * 3600 }), (longestTaskSeconds) => {
        let waited = 0;
        let receives = 1;
        while (waited < longestTaskSeconds) {
          const times = { ...message, longestTaskSeconds, receiveCount: receives };
          const seconds = waitSeconds(times, { attempts: 1, claimExpiresAtMs: nowMs + 60_000 });
          assert.ok(seconds >= 66 && seconds <= 12 * 3600, String(seconds));
          waited += seconds;
          receives++;
        }
        assert.ok(receives <= 13, `${receives} receives in ${waited} s`);
      }),
    );
  });
});

describe("an attempt that came to nothing", () => {
  const attempt = { attempts: 1, maxAttempts: 3, receiveCount: 1, maxReceiveCount: 13 };
  const codes = Object.keys(failureCodes) as FailureCode[];

  for (const code of codes)
    it(`is ${failureCodes[code].retryable ? "made again" : "the last one"} when the failure is ${code}`, () =>
      assert.equal(
        failureVerdict({ ...attempt, code }).action,
        failureCodes[code].retryable ? "retry" : "dead-letter",
      ));

  it("is made again later and later", () =>
    assert.deepEqual(
      [1, 2, 3, 4, 12].map((attempts) =>
        failureVerdict({ ...attempt, code: "runtime", attempts, maxAttempts: 20 }),
      ),
      [1, 2, 4, 8, 300].map((afterSeconds) => ({ action: "retry", afterSeconds })),
    ));

  it("is not made again before a busy runtime wants to be asked", () =>
    assert.deepEqual(failureVerdict({ ...attempt, code: "busy", retryAfterSeconds: 29.5 }), {
      action: "retry",
      afterSeconds: 30,
    }));

  it("is the last one of as many as are allowed, and of the last receive", () => {
    const code = "runtime";
    assert.equal(failureVerdict({ ...attempt, code, attempts: 3 }).action, "dead-letter");
    assert.equal(failureVerdict({ ...attempt, code, receiveCount: 13 }).action, "dead-letter");
  });
});

describe("a task that was claimed", () => {
  it("is lost when as many agents as there may be attempts have died with it", () => {
    assert.equal(isLost(3, 3), false);
    assert.equal(isLost(4, 3), true);
  });
});
