import assert from "node:assert/strict";
import type { Plan } from "../../cli/plan/makePlan";
import { asPoliciesSee } from "../../cli/plan/policies";
import { rules } from "../../policy/areas";
import { decided } from "../../policy/decided";
import { evaluate, type Violation } from "../../policy/evaluate";
import { configured, type PackConfig } from "../../policy/packConfig";
import { filled } from "../program/filled";
import { planOf } from "../program/planned";
import { plansToCheck, policiesIn } from "../python/python";

/** What the policies say of a plan, as the program is shipped or with another config of theirs. */
function judged({ document, run }: Plan, config: PackConfig = decided): readonly Violation[] {
  return evaluate(configured(rules, config), asPoliciesSee(document.resources, run.registrations));
}

function refused(plan: Plan, config?: PackConfig): readonly string[] {
  return judged(plan, config)
    .filter(({ level }) => level === "mandatory")
    .map(({ policy, urn, message }) => `${policy}: ${urn.split("::").at(-1)} ${message}`);
}

/** A plan in which every policy document names what AWS would have answered. */
function withValues(plan: Plan): Plan {
  const resources = plan.document.resources.map((resource) =>
    resource.type.startsWith("aws:") && policiesIn(resource.inputs).length > 0
      ? { ...resource, inputs: JSON.parse(filled(plan, JSON.stringify(resource.inputs))) }
      : resource,
  );
  return { ...plan, document: { ...plan.document, resources } };
}

function undecided(plan: Plan): readonly Violation[] {
  return judged(plan).filter(({ message }) => message.startsWith("cannot be decided"));
}

interface Listed {
  readonly rule: string;
  readonly setting: string;
  readonly index: number;
  /** What is excepted, to tell which. */
  readonly about: string;
}

/** Every exception that policy/config.json makes. */
const exceptions: readonly Listed[] = [
  ["iam-no-wildcard-action", "exceptions"] as const,
  ["iam-no-wildcard-resource", "exceptions"] as const,
  ["iam-service-trust-bound-to-account", "servicesWithoutSource"] as const,
].flatMap(([rule, setting]) =>
  listOf(rule, setting).map((exception, index) => {
    const { reason: _, ...about } = exception;
    return { rule, setting, index, about: JSON.stringify(about) };
  }),
);

function listOf(rule: string, setting: string): readonly Readonly<Record<string, unknown>>[] {
  const settings = decided[rule] as Readonly<Record<string, unknown>>;
  return settings[setting] as readonly Readonly<Record<string, unknown>>[];
}

/** The shipped config without one of its exceptions. */
function without({ rule, setting, index }: Listed): PackConfig {
  const left = listOf(rule, setting).filter((_, at) => at !== index);
  return { ...decided, [rule]: { ...(decided[rule] as object), [setting]: left } };
}

describe("The shipped program", () => {
  let plans: Readonly<Record<string, Plan>>;

  before(async () => {
    plans = await plansToCheck();
  });

  for (const name of ["dev", "prod", "everything", "localImages", "codeBuild"])
    it(`keeps every mandatory policy: ${name}`, () => {
      assert.deepEqual(refused(plans[name]!), []);
    });

  for (const name of ["dev", "prod", "everything", "codeBuild"])
    it(`keeps them with real values in place of outputs, as they are judged during up: ${name}`, () => {
      assert.deepEqual(refused(withValues(plans[name]!)), []);
    });

  for (const name of ["dev", "prod"])
    it(`leaves no policy undecided: ${name}`, () => {
      assert.deepEqual(undecided(plans[name]!), []);
    });

  it("has its policies' answers in its plans", () => {
    for (const plan of Object.values(plans)) {
      assert.deepEqual(plan.document.violations, judged(plan));
      assert.deepEqual(
        plan.document.policies.map(({ name }) => name),
        rules.map(({ name }) => name),
      );
    }
  });

  it("has something that every kind of rule looks at, in one plan or another", () => {
    const planned = new Set(
      Object.values(plans).flatMap(({ document }) => document.resources.map(({ type }) => type)),
    );
    const idle = rules.filter(({ types }) => !types.some((type) => planned.has(type)));
    // What these look at is not there yet, or must never be.
    const mayBe = ["iam-no-long-lived-keys"];
    assert.deepEqual(
      idle.map(({ name }) => name).filter((name) => !mayBe.includes(name)),
      [],
    );
  });

  it("makes exceptions", () => {
    assert.ok(exceptions.length > 0);
  });

  for (const exception of exceptions)
    it(`needs the exception of ${exception.rule} for ${exception.about}`, () => {
      const config = without(exception);
      const newly = Object.values(plans).flatMap((plan) =>
        refused(plan, config).filter((it) => it.startsWith(`${exception.rule}:`)),
      );
      assert.ok(newly.length > 0, "nothing needs it any more: take it out of policy/config.json");
    });

  for (const name of ["dev", "prod", "everything"] as const)
    it(`costs at most what its plan says, to the cost-ceiling policy as well: ${name}`, () => {
      const plan = plans[name]!;
      const { max } = plan.summary.cost.usd;
      const ceiling = (usd: number): PackConfig => ({
        ...decided,
        "cost-ceiling": { usdPerHour: { dev: usd, prod: usd } },
      });
      const tooDear = (usd: number) =>
        refused(plan, ceiling(usd)).filter((it) => it.startsWith("cost-ceiling"));
      assert.deepEqual(tooDear(max + 1e-6), []);
      assert.match(tooDear(max - 1e-6).join(), new RegExp(` costs up to ${max.toFixed(2)} US`));
    });
});

/** What the schema of the stack's config allows and a policy refuses. */
const bad: Readonly<Record<string, readonly [stack: string, ...assignments: string[]]>> = {
  "cost-ceiling": ["dev", "units.sd21-inf2-neuron.replicas.max=60"],
  "cluster-endpoint-restricted": ["dev", "cluster.publicAccessCidrs=[0.0.0.0/1, 128.0.0.0/1]"],
  "cluster-audited": ["dev", "cluster.logs.types=[api]"],
  "no-secret-in-plain-text": ["dev", "units.sd21-inf2-neuron.env={HF_TOKEN: hf_example}"],
  "images-pinned": ["dev", "images.server.tag=main"],
  "node-pool-disruption-budget": ["dev", "nodes.disruptionBudget=100%"],
  "data-protected-in-production": ["prod", "protectData=false"],
  "no-forced-deletion-in-production": ["prod", "protectData=false"],
};

describe("A config that a policy refuses", () => {
  for (const [policy, [stack, ...assignments]] of Object.entries(bad))
    it(`is found in ${stack}'s plan by ${policy}: ${assignments.join(" ")}`, async () => {
      const plan = await planOf(stack, ...assignments);
      const found = plan.document.violations.filter((violation) => violation.policy === policy);
      assert.ok(found.length > 0);
      assert.ok(found.every(({ level }) => level === "mandatory"));
      const urns = new Set(plan.document.resources.map(({ urn }) => urn));
      for (const { urn } of found) assert.ok(urns.has(urn), urn);

      const disabled = { ...decided, [policy]: "disabled" } satisfies PackConfig;
      assert.deepEqual(
        judged(plan, disabled).filter((violation) => violation.policy === policy),
        [],
      );
      const advised = judged(plan, { ...decided, [policy]: "advisory" });
      assert.deepEqual(
        advised.filter((violation) => violation.policy === policy).map(({ level }) => level),
        found.map(() => "advisory"),
      );
    });
});
