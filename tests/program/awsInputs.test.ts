import assert from "node:assert/strict";
import type { PlannedResource } from "../../cli/plan/document";
import type { Plan } from "../../cli/plan/makePlan";
import { describeWithPython, filled, physicalName, plansToCheck } from "../python/python";
import { call, calls, notForAws, withoutCall } from "./awsCalls";

/** A resource's inputs with plausible values for unknown ones. */
function known(plan: Plan, { inputs }: PlannedResource): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(inputs).map(([property, value]) => [
      property,
      JSON.parse(filled(plan, JSON.stringify(value), hintsOf(property))),
    ]),
  );
}

/** An ARN of whatever kind the property's name speaks of. */
function hintsOf(property: string): string[] {
  return ["ec2", "iam", "kms", "lambda", "logs"].map((service) => `${service}:${property}`);
}

/** The calls of a resource, and which of its properties none of them reads. */
function callsOf(plan: Plan, resource: PlannedResource) {
  const unread = new Set(Object.keys(resource.inputs));
  for (const property of ["name", "namePrefix", "bucketPrefix"]) unread.delete(property);
  for (const property of notForAws[resource.type] ?? []) unread.delete(property);
  const inputs = new Proxy(known(plan, resource), {
    get: (target, property) => {
      unread.delete(String(property));
      return target[String(property)];
    },
  });
  const made = calls[resource.type]?.(inputs, physicalName(resource)) ?? [];
  return { made: made.map((it) => ({ ...it, name: resource.urn })), unread: [...unread] };
}

describeWithPython("AWS inputs", ["botocore"], (ask) => {
  let resources: { plan: Plan; resource: PlannedResource }[];
  const check = (list: readonly object[]) =>
    ask("check_inputs.py", list) as { name: string; message: string }[];

  before(async () => {
    resources = Object.values(await plansToCheck()).flatMap((plan) =>
      plan.document.resources
        .filter(({ type }) => /^(aws|aws-native|awsx|eks|docker|docker-build):/.test(type))
        .map((resource) => ({ plan, resource })),
    );
    assert.ok(resources.length > 200);
  });

  it("are all known here by the call that they become, or by why there is none", () => {
    const types = new Set(resources.map(({ resource }) => resource.type));
    const table = [...Object.keys(calls), ...Object.keys(withoutCall)];
    assert.deepEqual([...types].filter((type) => !table.includes(type)).sort(), []);
    assert.deepEqual(
      table.filter((type) => !types.has(type)),
      [],
      "types that no plan has any more",
    );
  });

  it("are all checked, property by property", () => {
    const unread = resources
      .filter(({ resource }) => calls[resource.type] !== undefined)
      .flatMap(({ plan, resource }) =>
        callsOf(plan, resource).unread.map((property) => `${resource.type} ${property}`),
      );
    assert.deepEqual([...new Set(unread)], []);
  });

  it("are what AWS's own service models allow: types, enums, patterns, lengths", () => {
    const all = resources.flatMap(({ plan, resource }) => callsOf(plan, resource).made);
    const wrong = check(all).map(({ name, message }) => `${name}: ${message}`);
    assert.deepEqual([...new Set(wrong)], []);
  });

  it("would not pass with a value, a type, a length, a pattern or a name that AWS refuses", () => {
    const refused = (service: string, operation: string, parameters: object) =>
      check([{ name: "wrong", ...call(service, operation, { ...parameters }) }]).map(
        ({ message }) => message,
      );
    const mode = { repositoryName: "ab", imageTagMutability: "SOMETIMES" };
    assert.match(refused("ecr", "CreateRepository", mode).join(), /allowed: MUTABLE/);
    assert.match(refused("ecr", "CreateRepository", { repositoryName: "AB" }).join(), /not match/);
    const tall = { logGroupName: "x".repeat(513) };
    assert.match(refused("logs", "CreateLogGroup", tall).join(), /at most 512/);
    const nowhere = { logGroupName: "a", retentionInDays: "many" };
    assert.match(refused("logs", "PutRetentionPolicy", nowhere).join(), /Invalid type/);
    const attribute = { QueueName: "a", Attributes: { MessageRetention: 300 } };
    assert.match(refused("sqs", "CreateQueue", attribute).join(), /MessageRetentionPeriod/);
    assert.match(refused("iam", "CreateRole", { Nme: "a" }).join(), /no parameter of the API/);
    assert.match(refused("iam", "CreateRole", {}).join(), /Missing required/);
  });
});
