import assert from "node:assert/strict";
import fc from "fast-check";
import { areas, rules } from "../../policy/areas";
import type { Rule } from "../../policy/rule";
import { ruleSuite, suites, verdictOn } from "./ruleSuite";
import { inEngine, inPlan, type Subject, subject, unknown } from "./subject";
import "./api.test";
import "./cost.test";
import "./identity.test";
import "./messaging.test";
import "./network.test";
import "./nodes.test";
import "./observability.test";
import "./sagemaker.test";
import "./scaling.test";
import "./storage.test";
import "./supply.test";
import "./workloads.test";

const worlds = { "a plan": inPlan, "Pulumi's engine": inEngine };

/** What may stand where a rule expects something else. */
const odd = fc.oneof(
  fc.constantFrom<unknown[]>(
    null,
    undefined,
    true,
    0,
    -1,
    "",
    "*",
    "{",
    [],
    [null],
    {},
    [[]],
    [{}],
  ),
  fc.constant(unknown),
  // An object of which JavaScript cannot make a text is in no manifest.
  fc
    .jsonValue({ maxDepth: 2 })
    .filter((value) => !/"(toString|valueOf)"/.test(JSON.stringify(value))),
);

type Path = readonly (string | number)[];

/** Every place in a value, the value itself included. */
function placesIn(value: unknown, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, it]) => placesIn(it, [...at, key]))];
}

function withOdd<T>(value: T, [key, ...rest]: Path, put: unknown): T {
  if (key === undefined) return put as T;
  const copy: unknown = Array.isArray(value) ? [...value] : { ...value };
  const fields = copy as Record<string | number, unknown>;
  fields[key] = withOdd(fields[key], rest, put);
  return copy as T;
}

/** A suite's resources in which something stands at the wrong place. */
function disturbed(rule: Rule): fc.Arbitrary<readonly [Subject, ...Subject[]]> {
  const { passes, fails, unknown: open } = suites.get(rule.name)!;
  const questions = [passes, fails, open].flatMap((titled) => Object.values(titled));
  return fc
    .constantFrom(...questions)
    .map(({ of, among = [] }): readonly [Subject, ...Subject[]] => [of, ...among])
    .chain((subjects) =>
      fc.tuple(
        fc.constant(subjects),
        fc.constantFrom(
          ...subjects.flatMap(({ props }, index) =>
            placesIn(props)
              .filter((path) => path.length > 0)
              .map((path): Path => [index, "props", ...path]),
          ),
          [0, "props", "more"] as Path,
        ),
        odd,
      ),
    )
    .map(([subjects, path, put]) => withOdd(subjects, path, put));
}

/** Rules that ask only whether something is there, whatever its value. */
const presenceDecides: readonly string[] = [
  "topic-encrypted",
  "api-stage-logged",
  "cluster-secrets-encrypted",
];

describe("Every rule", () => {
  it("has a name of its own, in kebab-case", () => {
    const names = rules.map(({ name }) => name);
    assert.ok(names.length >= 30, `${names.length} rules`);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)+$/);
  });

  it("belongs to one area, whose title is its own", () => {
    const titles = areas.map(({ title }) => title);
    assert.equal(new Set(titles).size, titles.length);
    for (const rule of rules)
      assert.equal(areas.filter((area) => area.rules.includes(rule)).length, 1, rule.name);
  });

  it("says in sentences what it protects from and what to do", () => {
    for (const { name, protectsFrom, remedy } of rules)
      for (const text of [protectsFrom, remedy]) assert.match(text, /^[A-Z`].{10,}\.$/s, name);
  });

  it("looks at types by their tokens, each once", () => {
    for (const { name, types } of rules) {
      assert.ok(types.length > 0, name);
      assert.equal(new Set(types).size, types.length, name);
      for (const type of types) assert.match(type, /^[a-z-]+:[\w./-]+:[A-Z]\w*$/, name);
    }
  });

  it("describes its thresholds, and has a default for each", () => {
    for (const { name, config } of rules) {
      assert.ok(config.safeParse({}).success, name);
      for (const [key, setting] of Object.entries(config.shape))
        assert.match(setting.description ?? "", /\.$/, `${name}.${key}`);
    }
  });

  it("lets what is unknown pass only where it asks no more than whether something is there", () => {
    const passing = rules.filter(({ name }) =>
      Object.values(suites.get(name)?.unknown ?? {}).every(({ comesOut }) => comesOut === "passes"),
    );
    assert.deepEqual(
      passing.map(({ name }) => name),
      presenceDecides,
    );
  });

  it("has a test with a resource that passes, one that fails, and one with unknown values", () => {
    for (const rule of rules) {
      const suite = suites.get(rule.name);
      assert.ok(suite !== undefined, `${rule.name} has no suite under tests/policy`);
      assert.ok(Object.keys(suite.fails).length > 0, `${rule.name}: nothing fails`);
      const open = Object.values(suite.unknown);
      assert.ok(open.length > 0, `${rule.name}: nothing is unknown`);
      if (Object.keys(suite.passes).length > 0) continue;
      for (const type of rule.types)
        assert.equal(
          verdictOn(rule, { of: subject(type) }, inPlan).messages.length,
          1,
          `${rule.name}: no ${type} passes, although not every one is refused`,
        );
    }
  });

  it("has its tests once", () => {
    const [name, suite] = [...suites][0]!;
    assert.throws(() => ruleSuite(name, suite), /has two suites/);
  });

  it("reads a resource of which nothing is said", () => {
    for (const rule of rules)
      for (const type of rule.types)
        for (const stack of ["dev", "prod"] as const)
          for (const world of Object.values(worlds))
            assert.equal(
              verdictOn(rule, { of: subject(type, {}, { stack }) }, world).undecided,
              undefined,
              `${rule.name} on ${type}`,
            );
  });

  for (const [where, world] of Object.entries(worlds)) {
    it(`survives resources of any shape in ${where}`, () => {
      for (const rule of rules) {
        const anything = fc.tuple(
          fc.constantFrom(...rule.types),
          fc.dictionary(fc.constantFrom(...properties(rule), "more"), odd),
        );
        fc.assert(
          fc.property(anything, ([type, props]) => {
            const of = subject(type, props, { stack: "prod" });
            survives(rule, [of], world);
          }),
          { numRuns: 100 },
        );
      }
    });

    it(`survives something odd in a resource that it knows, in ${where}`, () => {
      for (const rule of rules)
        fc.assert(
          fc.property(disturbed(rule), (subjects) => survives(rule, subjects, world)),
          { numRuns: 300 },
        );
    });
  }
});

/** The properties that a rule's tests know. */
function properties(rule: Rule): readonly string[] {
  const { passes, fails } = suites.get(rule.name)!;
  return [passes, fails].flatMap((titled) =>
    Object.values(titled).flatMap(({ of }) => Object.keys(of.props)),
  );
}

function survives(
  rule: Rule,
  [of, ...among]: readonly [Subject, ...Subject[]],
  world: (typeof worlds)[keyof typeof worlds],
): void {
  try {
    verdictOn(rule, { of, among }, world);
  } catch (error) {
    throw new Error(`${rule.name} does not survive ${JSON.stringify(of.props)}`, { cause: error });
  }
}
