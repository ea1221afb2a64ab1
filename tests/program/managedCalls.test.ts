import assert from "node:assert/strict";
import type { PlannedResource } from "../../cli/plan/document";
import type { Plan } from "../../cli/plan/makePlan";
import { describeWithPython, filled, physicalName, plansToCheck } from "../python/python";
import { type Call, calls } from "./awsCalls";

/**
 * Managed endpoints and their scaling, made and deleted on moto by the calls of AWS's API. moto has
 * neither inference components nor UpdateEndpoint: components and what scales them are left out.
 */

const operations = [
  "CreateModel",
  "CreateEndpointConfig",
  "CreateEndpoint",
  "RegisterScalableTarget",
  "PutScalingPolicy",
  "PutScheduledAction",
] as const;

type Counts = Readonly<Record<(typeof operations)[number], number>>;

/** What tests/python/control_calls.py prints. */
interface Answer {
  readonly kept: readonly { name: string; asked: object; there: readonly object[] }[];
  readonly made: Counts;
  readonly unattached: readonly string[];
  readonly left: Counts;
}

interface NamedCall extends Call {
  readonly name: string;
}

/** By type, later things of the chain first. */
const chain: readonly string[] = [
  "aws:appautoscaling/policy:Policy",
  "aws:appautoscaling/scheduledAction:ScheduledAction",
  "aws:appautoscaling/target:Target",
  "aws:sagemaker/endpoint:Endpoint",
  "aws-native:sagemaker:Endpoint",
  "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
  "aws-native:sagemaker:EndpointConfig",
  "aws:sagemaker/model:Model",
];

/**
 * The plan's resources in the worst order that their dependencies allow: whatever could come too
 * early does. Reversed, it is the worst order of deletion.
 */
function worstOrder({ document: { resources } }: Plan): readonly PlannedResource[] {
  const waiting = [...resources].sort((a, b) => chain.indexOf(a.type) - chain.indexOf(b.type));
  const done = new Set<string>();
  return resources.map(() => {
    const next = waiting.findIndex(({ dependencies }) => dependencies.every((it) => done.has(it)));
    assert.notEqual(next, -1, "the dependencies make a circle");
    const [resource] = waiting.splice(next, 1);
    done.add(resource!.urn);
    return resource!;
  });
}

/** The calls that make endpoints and their scaling, as far as moto has them. */
function controlCalls(plan: Plan): NamedCall[] {
  return worstOrder(plan)
    .filter(({ type }) => chain.includes(type))
    .filter(
      ({ inputs }) => inputs.scalableDimension !== "sagemaker:inference-component:DesiredCopyCount",
    )
    .flatMap((resource) => {
      const made = calls[resource.type]!(known(plan, resource), nameOf(resource));
      return made.map((it) => ({ ...it, name: resource.urn }));
    })
    .filter(({ operation }) => operations.includes(operation as never));
}

/** Its inputs; an output that is in them is one of a resource that it depends on. */
function known(plan: Plan, { inputs, dependencies }: PlannedResource) {
  const resources = plan.document.resources.filter(({ urn }) => dependencies.includes(urn));
  return JSON.parse(filled({ document: { resources } }, JSON.stringify(inputs)));
}

function nameOf(resource: PlannedResource): string {
  if (resource.type !== "aws-native:sagemaker:EndpointConfig") return physicalName(resource);
  const resources = [resource];
  return filled({ document: { resources } }, `<output of ${resource.name}.endpointConfigName>`);
}

function counted(sent: readonly NamedCall[]): Counts {
  const count = (operation: string) => sent.filter((it) => it.operation === operation).length;
  return Object.fromEntries(operations.map((it) => [it, count(it)])) as Counts;
}

describeWithPython(
  "Managed endpoints, made and deleted by the calls that moto has (all but components')",
  ["boto3", "moto"],
  (ask) => {
    const makeAndDelete = (sent: readonly NamedCall[]) => ask("control_calls.py", sent) as Answer;

    for (const stack of ["managed", "everythingManaged"])
      describe(`in ${stack}`, () => {
        let sent: readonly NamedCall[];
        let answer: Answer;
        before(async () => {
          sent = controlCalls((await plansToCheck())[stack]!);
          answer = makeAndDelete(sent);
        });

        it("are all there, each under a name of its own", () => {
          assert.deepEqual(answer.made, counted(sent));
        });

        it("are as planned: models, variants, bounds, policies, schedules, where results go", () => {
          assert.ok(answer.kept.length > 0);
          for (const { name, asked, there } of answer.kept) assert.deepEqual(there, [asked], name);
        });

        it("have no target without its endpoint nor policy without its target, at any step", () => {
          assert.deepEqual(answer.unattached, []);
        });

        it("leave nothing behind", () => {
          assert.deepEqual(answer.left, counted([]));
        });
      });

    describe("of every sort", () => {
      let sent: readonly NamedCall[];
      before(async () => {
        sent = controlCalls((await plansToCheck()).everythingManaged!);
      });

      it("are among them", () => {
        const types = new Set(sent.map(({ name }) => name.split("::")[2]!.split("$").at(-1)));
        assert.deepEqual([...types].sort(), [...chain].sort());
      });

      it("would not pass in another order", () => {
        const early = ["PutScalingPolicy", "PutScheduledAction", "RegisterScalableTarget"];
        const campaign = sent.filter(({ name }) => /::campaign\b/.test(name));
        const wrong = [
          ...early.flatMap((operation) => campaign.filter((it) => it.operation === operation)),
          ...campaign.filter((it) => !early.includes(it.operation)),
        ];
        const found = makeAndDelete(wrong).unattached.join("\n");
        assert.match(found, /^after PutScalingPolicy: policy .* without its target /m);
        assert.match(found, /^after PutScheduledAction: action .* without its target /m);
        assert.match(
          found,
          /^after RegisterScalableTarget: scaling target .* without its endpoint$/m,
        );
      });
    });
  },
);

/** What has one space of names in an account and region, by the last part of its types. */
const named = [
  "Bucket",
  "Endpoint",
  "MetricAlarm",
  "Model",
  "Queue",
  "Role",
  "Table",
  "Topic",
] as const;

function kindOf({ type }: PlannedResource): string | undefined {
  return named.find((kind) => /^(aws|aws-native):/.test(type) && type.endsWith(`:${kind}`));
}

/** Names that several resources of a kind have. */
function shared(plan: Plan, name: (resource: PlannedResource) => unknown): string[] {
  const names = plan.document.resources
    .filter((resource) => kindOf(resource) !== undefined)
    .map((resource) => `${kindOf(resource)} ${name(resource)}`);
  return names.filter((it, index) => names.indexOf(it) !== index);
}

describe("Names in AWS", () => {
  let plans: Readonly<Record<string, Plan>>;
  before(async () => {
    plans = await plansToCheck();
  });

  it("are looked at for resources of every kind that is named here", () => {
    const kinds = Object.values(plans).flatMap(({ document }) => document.resources.map(kindOf));
    assert.deepEqual([...new Set(kinds)].filter((kind) => kind !== undefined).sort(), [...named]);
  });

  it("are given to every alarm, and to one only", () => {
    for (const [stack, plan] of Object.entries(plans)) {
      const alarms = plan.document.resources.filter((it) => kindOf(it) === "MetricAlarm");
      const names = alarms.map(({ inputs }) => inputs.name);
      assert.ok(names.length > 0 && !names.includes(undefined), stack);
      assert.equal(new Set(names).size, names.length, `${stack}: ${names.join(", ")}`);
    }
  });

  it("are given to one model, endpoint, role, bucket, topic, queue, table and alarm only", () => {
    for (const [stack, plan] of Object.entries(plans)) {
      const inAws = (it: PlannedResource) =>
        it.inputs.endpointName ?? it.inputs.bucket ?? physicalName(it);
      assert.deepEqual(shared(plan, inAws), [], stack);
      assert.deepEqual(
        shared(plan, ({ name }) => name),
        [],
        `${stack}, in the program`,
      );
    }
  });
});
