import assert from "node:assert/strict";
import fc from "fast-check";
import { type Decision, decide } from "../../../apps/failover-controller/decision";
import type { ModelFacts, ModelState } from "../../../apps/failover-controller/modelState";
import { stateOf, statusOf } from "../../../apps/failover-controller/status";
import {
  type FailoverSettings,
  failoverStrategies,
  modelStatusSchema,
  type ShortageCause,
  shortageCauses,
} from "../../../contracts/failover";
import { type Backend, carriesTraffic } from "../../../contracts/routeTable";
import { cuda, g5, g6, hour, inf2, midnight, routeTable, second, settings, trn1 } from "./fleet";
import { World } from "./world";

const allUnits = [inf2, trn1, g5, g6, cuda];
const units = fc.integer({ min: 1, max: 5 }).map((count) => allUnits.slice(0, count));
const pods = fc.constantFrom("a", "b", "c");

/** Something that happens to one of the units. */
type Happening =
  | {
      readonly what: "pod";
      readonly pod: string;
      readonly state: "unschedulable" | "ready" | "starting";
    }
  | { readonly what: "gone"; readonly pod: string }
  | { readonly what: "probe"; readonly state: "unschedulable" | "ready" }
  | { readonly what: "probe gone" | "echo" | "launch" | "failure" }
  | { readonly what: "refused"; readonly error: "soldOut" | "vcpus" | "subnet" }
  | { readonly what: "wants"; readonly replicas: number }
  | { readonly what: "limit"; readonly used: number };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({
    what: fc.constant("pod" as const),
    pod: pods,
    state: fc.constantFrom("unschedulable" as const, "ready" as const, "starting" as const),
  }),
  fc.record({ what: fc.constant("gone" as const), pod: pods }),
  fc.record({
    what: fc.constant("probe" as const),
    state: fc.constantFrom("unschedulable" as const, "ready" as const),
  }),
  fc.record({ what: fc.constantFrom("probe gone" as const, "echo" as const, "failure" as const) }),
  fc.record({ what: fc.constant("launch" as const) }),
  fc.record({
    what: fc.constant("refused" as const),
    error: fc.constantFrom(
      "soldOut" as const,
      "soldOut" as const,
      "vcpus" as const,
      "subnet" as const,
    ),
  }),
  fc.record({ what: fc.constant("wants" as const), replicas: fc.nat(4) }),
  fc.record({ what: fc.constant("limit" as const), used: fc.integer({ min: 3, max: 4 }) }),
);

interface Step {
  readonly unit: number;
  readonly happening: Happening;
  /** How long nothing happens afterwards. */
  readonly passes: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  unit: fc.nat(4),
  happening,
  passes: fc.oneof(
    { weight: 3, arbitrary: fc.nat(3 * second) },
    { weight: 2, arbitrary: fc.constantFrom(0, second, 2 * second, 10 * second, 190 * second) },
    { weight: 2, arbitrary: fc.nat(400 * second) },
    { weight: 1, arbitrary: fc.nat(2 * hour) },
  ),
});

/** Often what a shortage looks like, or no test would see one. */
const steps = fc
  .array(
    fc.oneof(
      { weight: 2, arbitrary: step.map((one) => [one]) },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.nat(4), fc.nat(5 * second)).map(([unit, passes]): Step[] => [
          { unit, happening: { what: "pod", pod: "a", state: "unschedulable" }, passes: 300 },
          { unit, happening: { what: "refused", error: "soldOut" }, passes },
          { unit, happening: { what: "gone", pod: "a" }, passes: 0 },
        ]),
      },
    ),
    { maxLength: 25 },
  )
  .map((all) => all.flat());

const someSettings: fc.Arbitrary<FailoverSettings> = fc
  .record({
    strategy: fc.constantFrom(...failoverStrategies),
    confirmSeconds: fc.constantFrom(0, 2, 2, 10),
    recoverSeconds: fc.constantFrom(0, 30, 300),
    dwellSeconds: fc.constantFrom(0, 60, 600),
    maxSwitchesPerHour: fc.constantFrom(2, 3, 6),
    probeMinutes: fc.constantFrom(0, 15),
    actOn: fc.oneof(
      fc.constant<ShortageCause[]>(["capacity"]),
      fc.uniqueArray(fc.constantFrom<ShortageCause[]>(...shortageCauses), { minLength: 1 }),
    ),
  })
  .map((some) => settings(some));

/** A fleet with its settings, and what happens to it. */
const story = fc
  .record({
    settings: someSettings,
    names: units,
    weights: fc.array(fc.constantFrom(0, 1, 10, 40, 999), { minLength: 5, maxLength: 5 }),
    probes: fc.boolean(),
    steps,
  })
  .map(({ names, weights, ...rest }) => {
    const some = names.map((name, index) => [name, weights[index]!] as const);
    const isNothing = some.every(([, weight]) => weight === 0);
    return { ...rest, weights: Object.fromEntries(isNothing ? [[names[0]!, 1]] : some) };
  });

type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

function happen(world: World, { unit: index, happening }: Step): void {
  const names = Object.keys(world.table.units);
  const unit = names[index % names.length]!;
  switch (happening.what) {
    case "pod":
      world.pod(unit, happening.pod, happening.state);
      break;
    case "gone":
      world.podIsGone(unit, happening.pod);
      break;
    case "probe":
      world.pod(unit, "probe", happening.state, true);
      break;
    case "probe gone":
      world.podIsGone(unit, "probe");
      break;
    case "echo":
      world.hidden(unit);
      break;
    case "launch":
      world.launches(unit);
      break;
    case "failure":
      world.launchFails(unit);
      break;
    case "refused":
      world.refused(unit, happening.error);
      break;
    case "wants":
      world.wants(unit, happening.replicas);
      break;
    case "limit":
      world.limit(unit, 4, happening.used);
      break;
  }
}

/** One decision, and what it was made of. */
interface Decided {
  readonly now: number;
  readonly facts: ModelFacts;
  readonly before: ModelState | undefined;
  readonly decision: Decision;
}

/** Time passes as the controller would have it: a decision after each step and whenever asked for. */
class Run {
  readonly world: World;
  readonly settings: FailoverSettings;
  state: ModelState | undefined;
  current: readonly Backend[];
  readonly decided: Decided[] = [];

  constructor({ settings, weights, probes }: Story) {
    this.settings = settings;
    const table = routeTable({ weights, probes });
    this.current = table.modes.cost.backends;
    this.world = new World(table, midnight, settings.holdSeconds * second);
    for (const unit of Object.keys(weights)) {
      this.world.wants(unit, 2);
      for (const name of ["a", "b"]) this.world.pod(unit, name, "ready");
    }
    this.decide();
  }

  decide(): Decision {
    const { world, state, current } = this;
    const facts = { ...world.observer.facts(world.table, undefined), current };
    const decision = decide(this.settings, facts, state, world.now);
    this.decided.push({ now: world.now, facts, before: state, decision });
    this.state = decision.state;
    this.current = trafficOf(decision);
    return decision;
  }

  step(step: Step): void {
    happen(this.world, step);
    this.pass(step.passes);
  }

  pass(ms: number): void {
    const until = this.world.now + ms;
    let { again } = this.decide();
    while (again !== undefined && again <= until) {
      this.world.now = again;
      again = this.decide().again;
    }
    this.world.now = until;
  }

  switches(direction?: "over" | "back"): number[] {
    return this.decided
      .filter(({ decision: { switched } }) =>
        direction === undefined ? switched !== undefined : switched === direction,
      )
      .map(({ now }) => now);
  }
}

function trafficOf({ rules }: Decision): Backend[] {
  const traffic = rules.filter(carriesTraffic);
  assert.equal(traffic.length, 1);
  return traffic[0]!.backendRefs.map(({ name, weight }) => ({ service: name, weight }));
}

function serves(backends: readonly Backend[], { table, units }: ModelFacts): boolean {
  return backends.some(({ service, weight }) => {
    const ready = units[service]?.ready ?? 0;
    const any = Object.values(units).some((unit) => unit.ready > 0);
    return weight > 0 && (service === table.model ? any : ready > 0);
  });
}

/** Everything that a decision says, but when and why. */
const outcome = ({ rules, triggers, probes }: Decision) => ({ rules, triggers, probes });

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}

/** Through the status ConfigMap, as a successor reads it. */
function kept(facts: ModelFacts, decision: Decision): ModelState {
  return stateOf(modelStatusSchema.parse(JSON.parse(JSON.stringify(statusOf(facts, decision)))));
}

/** For each decision of random stories. */
function everyDecision(check: (decided: Decided, run: Run) => void, numRuns = 150): void {
  fc.assert(
    fc.property(story, (told) => {
      const run = new Run(told);
      for (const each of told.steps) run.step(each);
      for (const decided of run.decided) check(decided, run);
    }),
    { numRuns },
  );
}

describe("whatever happens, in any order, with any settings", () => {
  it("a route is never empty, and sends traffic only where its mode's table does", () => {
    everyDecision(({ decision }, { world: { table } }) => {
      const traffic = trafficOf(decision);
      assert.ok(traffic.reduce((sum, { weight }) => sum + weight, 0) > 0);
      for (const { weight } of traffic)
        assert.ok(Number.isInteger(weight) && weight >= 0 && weight <= 999);
      const of = table.modes[decision.state.mode];
      const names = (backends: readonly Backend[]) => backends.map(({ service }) => service);
      assert.deepEqual(names(traffic), names(of.backends));
      assert.deepEqual(decision.triggers, of.triggers);
      assert.equal(decision.rules.length, of.rules.length);
      assert.deepEqual(decision.rules[1], of.rules[1]);
      assert.deepEqual(decision.state.backends, traffic);
    });
  });

  it("traffic never leaves a unit with ready pods for units that have none", () => {
    everyDecision(({ decision, facts }) => {
      if (serves(facts.current!, facts)) assert.ok(serves(trafficOf(decision), facts));
    });
  });

  it("no hour has more switches than configured", () => {
    fc.assert(
      fc.property(story, (told) => {
        const run = new Run(told);
        for (const each of told.steps) run.step(each);
        const switches = run.switches();
        for (const from of switches)
          assert.ok(
            switches.filter((at) => at >= from && at < from + hour).length <=
              told.settings.maxSwitchesPerHour,
          );
      }),
      { numRuns: 250 },
    );
  });

  it("there and back take turns, and mode and traffic change only with a decision to", () => {
    fc.assert(
      fc.property(story, (told) => {
        const run = new Run(told);
        for (const each of told.steps) run.step(each);
        const directions = run.decided.flatMap(({ decision }) => decision.switched ?? []);
        for (const [index, direction] of directions.entries())
          assert.equal(direction, index % 2 === 0 ? "over" : "back");
        for (const { decision, before } of run.decided) {
          const isAway = decision.state.failedOverSince !== undefined;
          if (before === undefined) continue;
          const wasAway = before.failedOverSince !== undefined;
          assert.equal(decision.switched !== undefined, isAway !== wasAway);
          if (!isAway) assert.equal(decision.state.mode, "cost");
          if (!isAway) assert.deepEqual(decision.probes, []);
        }
      }),
      { numRuns: 250 },
    );
  });

  it("the same is decided of the same, and nothing that it is decided of is changed", () => {
    everyDecision(({ now, facts, before, decision }, { settings }) => {
      const inputs = deepFreeze(structuredClone({ settings, facts, before }));
      const again = decide(inputs.settings, inputs.facts, inputs.before, now);
      assert.deepEqual(again, decision);
    });
  });

  it("to decide again at once changes nothing", () => {
    everyDecision(({ now, facts, decision }, { settings }) => {
      const current = trafficOf(decision);
      const again = decide(settings, { ...facts, current }, decision.state, now);
      assert.equal(again.switched, undefined);
      assert.deepEqual(outcome(again), outcome(decision));
      assert.deepEqual(again.state, decision.state);
      assert.equal(again.again, decision.again);
    });
  });

  it("nothing changes before the time that was asked for, if nothing is seen", () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(story, part, (told, share) => {
        const run = new Run(told);
        for (const each of told.steps) run.step(each);
        for (const { now, facts, decision } of run.decided) {
          const { again, state } = decision;
          if (again !== undefined) assert.ok(again > now);
          const until = again ?? now + 10 * hour;
          const at = Math.min(until - 1, now + Math.floor(share * (until - now)));
          const current = trafficOf(decision);
          const later = decide(run.settings, { ...facts, current }, state, at);
          assert.equal(later.switched, undefined);
          assert.deepEqual(outcome(later), outcome(decision));
        }
      }),
      { numRuns: 250 },
    );
  });

  it("what is kept in the status is all that is needed to go on", () => {
    everyDecision(({ now, facts, decision }, { settings }) => {
      const state = kept(facts, decision);
      assert.deepEqual(state, decision.state);
      const current = trafficOf(decision);
      for (const at of [now, now + second, now + hour])
        assert.deepEqual(
          decide(settings, { ...facts, current }, state, at),
          decide(settings, { ...facts, current }, decision.state, at),
        );
    });
  });

  it("a restart moves nothing by itself", () => {
    fc.assert(
      fc.property(story, fc.nat(), (told, place) => {
        const run = new Run(told);
        const after = told.steps.length === 0 ? 0 : place % (told.steps.length + 1);
        for (const each of told.steps.slice(0, after)) run.step(each);
        const { decision, facts } = run.decided.at(-1)!;
        const { current } = run;
        // It takes a second at least.
        run.world.now += second;
        const stayed = run.decide();
        run.state = kept(facts, decision);
        run.current = current;
        run.world.restart();
        const restarted = run.decide();
        // It may be later, for what was seen for a moment has to be confirmed again.
        if (stayed.switched === "over" && restarted.switched === undefined) return;
        assert.deepEqual(restarted.switched, stayed.switched);
        assert.equal(restarted.state.mode, stayed.state.mode);
        assert.deepEqual(restarted.state.failedOverSince, stayed.state.failedOverSince);
        if (told.settings.strategy === "switch")
          assert.deepEqual(outcome(restarted), outcome(stayed));
      }),
      { numRuns: 250 },
    );
  });

  it("a restart leads to no fail-over that would not have been", () => {
    fc.assert(
      fc.property(story, fc.nat(), (told, place) => {
        fc.pre(told.steps.length > 0);
        const after = place % told.steps.length;
        const stays = new Run(told);
        const restarts = new Run(told);
        for (const [index, each] of told.steps.entries()) {
          stays.step(each);
          restarts.step(each);
          if (index !== after) continue;
          stays.pass(second);
          restarts.world.now += second;
          const { decision, facts } = restarts.decided.at(-1)!;
          restarts.state = kept(facts, decision);
          restarts.world.restart();
        }
        const [first] = stays
          .switches("over")
          .filter((at) => !restarts.switches("over").includes(at));
        const [extra] = restarts
          .switches("over")
          .filter((at) => !stays.switches("over").includes(at));
        // It may be later, when what was seen for a moment has to be confirmed again.
        if (extra !== undefined) assert.ok(first !== undefined && first <= extra, `${extra}`);
      }),
      { numRuns: 250 },
    );
  });

  it("a clock that is set back moves nothing", () => {
    fc.assert(
      fc.property(story, fc.integer({ min: 1, max: 100 * hour }), (told, back) => {
        const run = new Run(told);
        for (const each of told.steps) run.step(each);
        const { facts, decision } = run.decided.at(-1)!;
        const current = trafficOf(decision);
        const at = run.world.now - back;
        const then = decide(run.settings, { ...facts, current }, decision.state, at);
        assert.equal(then.switched, undefined);
        assert.deepEqual(then.rules, decision.rules);
        assert.ok(then.again === undefined || then.again > at);
      }),
      { numRuns: 250 },
    );
  });
});
