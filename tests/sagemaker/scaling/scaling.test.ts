import assert from "node:assert/strict";
import fc from "fast-check";
import { publishedDetection, restForReduction, scaleOutTime } from "../../../fleet/scaleOutTime";
import type { MetricDelays } from "./applicationAutoScaling";
import { AsyncEndpoint } from "./asyncEndpoint";
import { type Crash, RealtimeEndpoint } from "./realtimeEndpoint";
import type { ScalingPolicy } from "./scalingPolicy";
import {
  backlogAlarm,
  backlogPerInstancePolicy,
  backlogPolicy,
  component,
  concurrencyPolicy,
  invocationsPolicy,
  noCapacityAlarm,
  noCapacityPolicy,
  requestMetric,
  usageRatePolicy,
  variant,
} from "./seedPolicies";
import { noDelays, type Outcome, type Scenario, simulate } from "./simulation";

const minute = 60;
const hour = 3600;

/** Seconds from the decision to an instance in service, seed 004: instance and copy. */
function startSeconds(instance: "new" | "available", container: "pulled" | "cached"): number {
  const stages = scaleOutTime({ detection: "high-resolution", instance, container });
  return Math.round(stages.instance + stages.copy);
}

/**
 * The delays that make the documented alarms give the seeds' detection times: 40 s in seed 004, over
 * six minutes in seed 003.
 */
const seedDelays: MetricDelays = { standard: 180, highResolution: 10 };

/** `count` requests spread over every `seconds`. */
const evenly = (count: number, seconds: number) => (second: number) =>
  Math.floor(((second + 1) * count) / seconds) - Math.floor((second * count) / seconds);

/** Each request answered, once. */
function assertNoneLost({ requests, answers }: Outcome): void {
  assert.equal(answers.size, requests);
  assert.ok([...answers.values()].every((times) => times.length === 1));
}

const capacities = ({ activities }: Outcome) => activities.map(({ to }) => to);

describe("a realtime variant in a burst", () => {
  /** Half a request a second, and from the burst on two, where an instance can serve one. */
  function burst(policies: ScalingPolicy[], burstAt: number, delays: MetricDelays): Outcome {
    const serving = { serviceSeconds: 4, concurrency: 4, initialCapacity: 1 };
    return simulate({
      seconds: burstAt + 1500,
      endpoint: new RealtimeEndpoint(variant, {
        ...serving,
        startSeconds: startSeconds("new", "pulled"),
      }),
      initialCapacity: 1,
      target: { MinCapacity: 1, MaxCapacity: 6 },
      policies,
      delays,
      arrivals: (second) => evenly(second < burstAt ? 1 : 4, 2)(second),
    });
  }

  /** Seconds to the first scale-out, for bursts at every sixth second of a minute. */
  function detections(policies: ScalingPolicy[], delays: MetricDelays): number[] {
    return Array.from({ length: 10 }, (_, i) => {
      const burstAt = 10 * minute + 6 * i;
      return burst(policies, burstAt, delays).activities[0]!.atSeconds - burstAt;
    });
  }

  const concurrency = [concurrencyPolicy(variant)];
  // What an instance can serve in a minute, by three quarters.
  const invocations = [invocationsPolicy(45)];

  it("is seen in under 45 seconds by its concurrency", () => {
    const found = detections(concurrency, seedDelays);
    assert.ok(Math.max(...found) < publishedDetection.highResolutionBelow, `${found}`);
  });

  it("is seen in two to four minutes by invocations, in over six only with late metrics", () => {
    const alarmsAlone = detections(invocations, noDelays);
    assert.ok(Math.min(...alarmsAlone) >= 2 * minute, `${alarmsAlone}`);
    assert.ok(Math.max(...alarmsAlone) <= 4 * minute, `${alarmsAlone}`);
    const late = detections(invocations, seedDelays);
    assert.ok(Math.max(...late) > publishedDetection.standardAbove, `${late}`);
    assert.ok(Math.min(...late) > 5 * minute, `${late}`);
  });

  it("is served about 40 % sooner, where instance and copy take what seed 003 implies", () => {
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value) / values.length;
    const before = mean(detections(invocations, seedDelays)) + restForReduction();
    const after = mean(detections(concurrency, seedDelays)) + restForReduction();
    const saved = 1 - after / before;
    assert.ok(Math.abs(saved - publishedDetection.endToEndReduction) < 0.05, `${saved}`);
  });

  it("has its further instances earlier by concurrency than by invocations, without an error", () => {
    const secondInstanceAt = (outcome: Outcome) => outcome.running.findIndex((count) => count > 1);
    const fast = burst(concurrency, 10 * minute, seedDelays);
    const slow = burst(invocations, 10 * minute, seedDelays);
    assert.ok(secondInstanceAt(slow) - secondInstanceAt(fast) > 4 * minute);
    assert.equal(fast.errors + slow.errors, 0);
  });
});

describe("a realtime variant whose container crashes", () => {
  const crash: Crash = { fromSeconds: 10 * minute, toSeconds: 2 * hour, worker: 0 };

  /** Four instances, 40 requests a minute each, five in flight. */
  function crashed(policies: ScalingPolicy[], crashes: Crash[] = [crash]): Outcome {
    return simulate({
      seconds: hour,
      endpoint: new RealtimeEndpoint(
        variant,
        {
          serviceSeconds: 7,
          concurrency: 6,
          initialCapacity: 4,
          startSeconds: startSeconds("new", "pulled"),
        },
        crashes,
      ),
      initialCapacity: 4,
      target: { MinCapacity: 1, MaxCapacity: 4 },
      policies,
      arrivals: evenly(160, minute),
    });
  }

  const concurrency = concurrencyPolicy(variant);
  const guard = invocationsPolicy(40);

  it("keeps its instances as long as all is well", () => {
    assert.deepEqual(capacities(crashed([concurrency], [])), []);
  });

  it("scales in under its traffic by concurrency alone: errors are short and are not in flight", () => {
    const { activities, errors } = crashed([concurrency]);
    assert.ok(errors > 0);
    assert.deepEqual(
      activities.map(({ policy, from, to }) => [policy, from, to]),
      [["concurrency", 4, 1]],
    );
    assert.ok(activities[0]!.atSeconds >= crash.fromSeconds + 15 * minute);
  });

  it("keeps its instances with the hybrid: invocations do not agree to scale in", () => {
    const { activities, errors } = crashed([concurrency, guard]);
    assert.ok(errors > 0);
    assert.deepEqual(activities, []);
  });

  it("is not guarded by a policy whose scale-in is disabled, which has no say", () => {
    const [to] = capacities(crashed([concurrency, invocationsPolicy(40, true)]));
    assert.equal(to, 1);
  });

  it("is not guarded by a policy whose target its traffic does not reach", () => {
    const [to] = capacities(crashed([concurrency, invocationsPolicy(400)]));
    assert.equal(to, 1);
  });
});

describe("an asynchronous endpoint", () => {
  /** Seed 000's instance: 12 accelerators, 10 s a request. */
  function asynchronous(scenario: Partial<Scenario> & Pick<Scenario, "arrivals" | "seconds">) {
    return simulate({
      endpoint: new AsyncEndpoint(variant, {
        serviceSeconds: 10,
        concurrency: 12,
        initialCapacity: 0,
        startSeconds: startSeconds("new", "pulled"),
      }),
      initialCapacity: 0,
      target: { MinCapacity: 0, MaxCapacity: 8 },
      policies: [backlogPolicy, usageRatePolicy],
      alarms: [backlogAlarm],
      requestMetric,
      ...scenario,
    });
  }

  /** A campaign of two requests a second, 120 a minute, in the second half hour. */
  const campaign = {
    seconds: 4 * hour,
    arrivals: (second: number) => (second >= hour / 2 && second < hour ? 2 : 0),
  };

  it("comes from zero by its backlog, grows by its usage rate, and goes back to zero", () => {
    const outcome = asynchronous(campaign);
    const changes = outcome.activities.map(({ policy, from, to }) => [policy, from, to]);
    assert.deepEqual(changes, [
      ["backlog", 0, 1],
      // 120 requests over 72 is 1.67, and 1 × 1.67 / 0.75 is 2.2.
      ["usage-rate", 1, 3],
      ["usage-rate", 3, 0],
    ]);
    assert.equal(outcome.running.at(-1), 0);
    assertNoneLost(outcome);
  });

  it("is woken within three minutes of its first request", () => {
    const [wake] = asynchronous(campaign).activities;
    assert.ok(wake!.atSeconds - hour / 2 <= 3 * minute);
  });

  it("never comes from zero by its usage rate alone, which has no data there", () => {
    const outcome = asynchronous({ ...campaign, policies: [usageRatePolicy], alarms: [] });
    assert.deepEqual(outcome.activities, []);
    assert.equal(outcome.answers.size, 0);
  });

  it("works off by one instance a burst that is over when it is up: the rate sees no backlog", () => {
    const burst = (second: number) => (second >= minute && second < 2 * minute ? 20 : 0);
    const outcome = asynchronous({ seconds: 2 * hour, arrivals: burst });
    assert.equal(Math.max(...outcome.running), 1);
    assertNoneLost(outcome);
    assert.ok(Math.max(...[...outcome.answers.values()].flat()) > 20 * minute);
  });

  /** 2,400 requests in a minute, and then none. */
  const flood = {
    seconds: 5 * hour,
    arrivals: (second: number) => (second >= minute && second < 2 * minute ? 40 : 0),
  };

  it("goes to zero again and again before a long backlog is done, as the rate is 0 without requests", () => {
    const outcome = asynchronous(flood);
    // Rates of 0 from before the last zero still are in the low alarm's range, so it rings at once.
    assert.deepEqual(capacities(outcome).slice(0, 6), [1, 0, 1, 0, 1, 0]);
    assertNoneLost(outcome);
  });

  it("works a backlog off with all instances, once a policy on the backlog has a say", () => {
    const policies = [backlogPolicy, usageRatePolicy, backlogPerInstancePolicy];
    const outcome = asynchronous({ ...flood, policies });
    assert.deepEqual(capacities(outcome), [1, 8, 0]);
    assertNoneLost(outcome);
    assert.ok(Math.max(...[...outcome.answers.values()].flat()) < 35 * minute);
  });

  it("loses no request and answers none twice, whatever comes when", () => {
    const arrival = fc.record({
      second: fc.integer({ min: 0, max: 2 * hour }),
      count: fc.integer({ min: 1, max: 200 }),
    });
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 8 }), (arrivals) => {
        const bySecond = new Map<number, number>();
        for (const { second, count } of arrivals) {
          bySecond.set(second, (bySecond.get(second) ?? 0) + count);
        }
        const outcome = asynchronous({
          seconds: 8 * hour,
          arrivals: (second) => bySecond.get(second) ?? 0,
        });
        assertNoneLost(outcome);
        assert.equal(outcome.running.at(-1), 0);
      }),
      { numRuns: 25 },
    );
  });
});

describe("an inference component", () => {
  /** A copy on an instance that has room, its image cached. */
  function copies(scenario: Partial<Scenario> & Pick<Scenario, "arrivals" | "seconds">) {
    return simulate({
      endpoint: new RealtimeEndpoint(component, {
        serviceSeconds: 4,
        concurrency: 4,
        initialCapacity: 0,
        startSeconds: startSeconds("available", "cached"),
      }),
      initialCapacity: 0,
      target: { MinCapacity: 0, MaxCapacity: 4 },
      policies: [noCapacityPolicy, concurrencyPolicy(component)],
      alarms: [noCapacityAlarm],
      ...scenario,
    });
  }

  const visit = {
    seconds: 2 * hour,
    arrivals: (second: number) => (second >= 10 * minute && second < 20 * minute ? 1 : 0),
  };

  it("comes from zero by its failures, and answers a client that repeats them", () => {
    const outcome = copies({ ...visit, retrySeconds: 30 });
    assert.equal(outcome.activities[0]!.policy, "no-capacity");
    assert.ok(outcome.errors > 0);
    assertNoneLost(outcome);
    assert.equal(outcome.running.at(-1), 0);
  });

  it("loses what comes at zero from a client that gives up", () => {
    const outcome = copies(visit);
    assert.ok(outcome.errors > 0);
    assert.equal(outcome.answers.size, outcome.requests - outcome.errors);
  });

  it("leaves a lone client at zero with the guide's alarm, on more than one failure a minute", () => {
    const lone = { ...visit, arrivals: (second: number) => Number(second === minute) };
    const guide = { ...noCapacityAlarm, ComparisonOperator: "GreaterThanThreshold" as const };
    assert.equal(copies({ ...lone, retrySeconds: 90, alarms: [guide] }).answers.size, 0);
    assert.equal(copies({ ...lone, retrySeconds: 90 }).answers.size, 1);
  });

  it("never leaves zero by its concurrency alone", () => {
    const outcome = copies({
      ...visit,
      policies: [concurrencyPolicy(component)],
      retrySeconds: 30,
    });
    assert.deepEqual(outcome.activities, []);
    assert.equal(outcome.answers.size, 0);
  });
});

describe("a load that comes and goes every few minutes", () => {
  it("does not make a realtime variant follow it", () => {
    const onOff = (second: number) => (Math.floor(second / (4 * minute)) % 2 === 0 ? 2 : 0);
    const { activities } = simulate({
      seconds: 4 * hour,
      endpoint: new RealtimeEndpoint(variant, {
        serviceSeconds: 4,
        concurrency: 8,
        initialCapacity: 1,
        startSeconds: startSeconds("available", "cached"),
      }),
      initialCapacity: 1,
      target: { MinCapacity: 1, MaxCapacity: 6 },
      policies: [concurrencyPolicy(variant)],
      arrivals: onOff,
    });
    assert.deepEqual(
      activities.map(({ from, to }) => [from, to]),
      [[1, 2]],
    );
  });

  it("leaves at least a cooldown between two changes of one direction, whatever it is", () => {
    const phase = fc.record({
      seconds: fc.integer({ min: 30, max: 30 * minute }),
      perSecond: fc.integer({ min: 0, max: 6 }),
    });
    fc.assert(
      fc.property(fc.array(phase, { minLength: 1, maxLength: 8 }), (phases) => {
        const load = phases.flatMap(({ seconds, perSecond }) =>
          Array<number>(seconds).fill(perSecond),
        );
        const { activities } = simulate({
          seconds: load.length,
          endpoint: new RealtimeEndpoint(variant, {
            serviceSeconds: 4,
            concurrency: 8,
            initialCapacity: 1,
            startSeconds: 30,
          }),
          initialCapacity: 1,
          target: { MinCapacity: 1, MaxCapacity: 6 },
          policies: [concurrencyPolicy(variant)],
          arrivals: (second) => load[second]!,
        });
        const ins = activities.filter(({ from, to }) => to < from);
        for (const [i, later] of ins.entries()) {
          const before = ins[i - 1];
          if (before) assert.ok(later.atSeconds - before.atSeconds >= 180);
        }
        for (const [i, later] of activities.entries()) {
          const before = activities[i - 1];
          // What has come goes only after fifteen minutes without a point like the last of the three
          // that brought it.
          if (before && before.to > before.from && later.to < later.from) {
            assert.ok(later.atSeconds - before.atSeconds >= 15 * minute);
          }
        }
      }),
      { numRuns: 20 },
    );
  });
});
