import assert from "node:assert/strict";
import fc from "fast-check";
import type { Plan } from "../../../cli/plan/makePlan";
import { scaleOutTime } from "../../../fleet/scaleOutTime";
import { planOf } from "../../program/planned";
import { AsyncEndpoint } from "./asyncEndpoint";
import { type PlannedScaling, plannedScaling, requestMetricOf } from "./plannedScaling";
import { RealtimeEndpoint } from "./realtimeEndpoint";
import { type Outcome, type Scenario, simulate } from "./simulation";

const minute = 60;
const hour = 3600;

const { instance, copy } = scaleOutTime({
  detection: "high-resolution",
  instance: "new",
  container: "pulled",
});
const startSeconds = Math.round(instance + copy);

function assertNoneLost({ requests, answers }: Outcome): void {
  assert.equal(answers.size, requests);
  assert.ok([...answers.values()].every((times) => times.length === 1));
}

describe("The scaling that stack managed plans", () => {
  let plan: Plan;
  before("plan it", async () => {
    plan = await planOf("managed");
  });

  /** Seed 000's instance: 12 accelerators, 10 s a request. */
  function campaign(scenario: Pick<Scenario, "arrivals" | "seconds">): Outcome {
    const planned = plannedScaling(plan, "campaign");
    return simulate({
      endpoint: new AsyncEndpoint(planned.resourceId, {
        serviceSeconds: 10,
        concurrency: 12,
        initialCapacity: 0,
        startSeconds,
      }),
      initialCapacity: 0,
      ...planned,
      requestMetric: requestMetricOf(planned),
      ...scenario,
    });
  }

  const between = (from: number, to: number, perSecond: number) => (second: number) =>
    second >= from && second < to ? perSecond : 0;

  it("brings a campaign from zero to what it needs and back, and loses no request", () => {
    const outcome = campaign({ seconds: 4 * hour, arrivals: between(hour / 2, hour, 2) });
    const [first] = outcome.activities;
    assert.deepEqual(
      [first!.policy, first!.from, first!.to],
      ["HasBacklogWithoutCapacity-ScalingPolicy", 0, 1],
    );
    assert.ok(Math.max(...outcome.running) >= 3);
    assert.equal(outcome.running.at(-1), 0);
    assertNoneLost(outcome);
  });

  it("works off a burst that was over before the first instance was up, by more than one", () => {
    const outcome = campaign({ seconds: 5 * hour, arrivals: between(minute, 2 * minute, 40) });
    assert.equal(Math.max(...outcome.running), 4, "its maximum");
    assertNoneLost(outcome);
    // No coming and going while there is work.
    assert.deepEqual(
      outcome.activities.map(({ from, to }) => to > from),
      [...outcome.activities.map(({ from, to }) => to > from)].sort().reverse(),
    );
    assert.equal(outcome.running.at(-1), 0);
  });

  it("loses no request and answers none twice, whatever comes when, and ends with none", () => {
    const arrival = fc.record({
      second: fc.integer({ min: 0, max: 2 * hour }),
      count: fc.integer({ min: 1, max: 200 }),
    });
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 6 }), (arrivals) => {
        const outcome = campaign({
          seconds: 8 * hour,
          arrivals: (second) =>
            arrivals.reduce((sum, it) => sum + (it.second === second ? it.count : 0), 0),
        });
        assertNoneLost(outcome);
        assert.equal(outcome.running.at(-1), 0);
      }),
      { numRuns: 10 },
    );
  });

  /** All of four instances serve 10 requests a minute each, and one's container crashes. */
  function crashed(planned: PlannedScaling): Outcome {
    return simulate({
      seconds: hour,
      endpoint: new RealtimeEndpoint(
        planned.resourceId,
        { serviceSeconds: 29, concurrency: 6, initialCapacity: 4, startSeconds },
        [{ fromSeconds: 10 * minute, toSeconds: 2 * hour, worker: 0 }],
      ),
      initialCapacity: 4,
      ...planned,
      arrivals: (second) => Number(second % 3 !== 2),
    });
  }

  it("keeps the instances of a realtime endpoint when a container crashes, by the hybrid", () => {
    const planned = plannedScaling(plan, "live");
    assert.deepEqual(crashed(planned).activities, []);
    const [concurrency] = planned.policies;
    const alone = crashed({ ...planned, policies: [concurrency!] });
    assert.ok(Math.min(...alone.activities.map(({ to }) => to)) < 4, "which it does alone");
  });

  it("brings copies of a component from zero and back, and answers whoever asks again", () => {
    const planned = plannedScaling(plan, "drafts");
    const outcome = simulate({
      seconds: 2 * hour,
      endpoint: new RealtimeEndpoint(planned.resourceId, {
        serviceSeconds: 4,
        concurrency: 4,
        initialCapacity: 0,
        startSeconds,
      }),
      initialCapacity: 0,
      ...planned,
      arrivals: between(10 * minute, 25 * minute, 1),
      retrySeconds: 30,
    });
    assert.equal(outcome.activities[0]!.policy, "NoCapacityInvocationFailures-ScalingPolicy");
    assertNoneLost(outcome);
    assert.equal(outcome.running.at(-1), 0);
  });
});
