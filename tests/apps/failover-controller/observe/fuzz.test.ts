import assert from "node:assert/strict";
import fc from "fast-check";
import { decide } from "../../../../apps/failover-controller/decision";
import { deployment } from "../../../../apps/failover-controller/observe/deployment";
import { karpenterEvent } from "../../../../apps/failover-controller/observe/karpenterEvent";
import { nodeClaim } from "../../../../apps/failover-controller/observe/nodeClaim";
import { nodePool } from "../../../../apps/failover-controller/observe/nodePool";
import { pod } from "../../../../apps/failover-controller/observe/pod";
import { backendsOf, route } from "../../../../apps/failover-controller/observe/route";
import { scaledObject } from "../../../../apps/failover-controller/observe/scaledObject";
import { Observer } from "../../../../apps/failover-controller/observer";
import { statusOf } from "../../../../apps/failover-controller/status";
import { modelStatusSchema, PIN_ANNOTATION, PROBE_LABEL } from "../../../../contracts/failover";
import { UNIT_LABEL } from "../../../../contracts/labels";
import { inf2, midnight, nodePoolOf, routeTable, second, settings } from "../fleet";
import { fleetErrors, fleetMessage } from "./fleetErrors";
import {
  deploymentObject,
  eventObject,
  launched,
  launchFailed,
  nodeClaimObject,
  nodePoolObject,
  noneLeft,
  podObject,
  routeObject,
  scaledObjectObject,
} from "./objects";

const neuron = "aws.amazon.com/neuron";
const table = routeTable();
const at = midnight;
const claim = `${nodePoolOf(inf2)}-x7k2p`;

const valid: readonly unknown[] = [
  nodeClaimObject({ unit: inf2, at }),
  nodeClaimObject({ unit: inf2, at, launched }),
  nodeClaimObject({ unit: inf2, at, launched: launchFailed }),
  nodePoolObject(inf2, neuron, 4, 4),
  eventObject({
    kind: "NodeClaim",
    object: claim,
    reason: "InsufficientCapacityError",
    message: fleetMessage(claim, fleetErrors.soldOut),
    at,
  }),
  eventObject({
    kind: "NodePool",
    object: nodePoolOf(inf2),
    reason: "NoCompatibleInstanceTypes",
    message: noneLeft,
    at,
  }),
  podObject({ unit: inf2, device: neuron, at, state: "unschedulable" }),
  podObject({ unit: inf2, device: neuron, at, state: "ready" }),
  podObject({ unit: inf2, device: neuron, at, state: "ready", probe: true }),
  deploymentObject(inf2, 3, { [UNIT_LABEL]: inf2 }),
  deploymentObject(`${inf2}-probe`, 1, { [PROBE_LABEL]: inf2, [UNIT_LABEL]: inf2 }),
  routeObject("sd21", table.modes.cost.rules, { [PIN_ANNOTATION]: "capacity" }),
  scaledObjectObject(inf2, table.modes.cost.triggers[inf2]!),
];

/** What people and programs write where something else belongs. */
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    "",
    "NaN",
    "-1",
    "1e999",
    "4Gi",
    -1,
    1.5,
    1e300,
    true,
    [],
    {},
    [null],
    [{}],
    { __proto__: null },
    "0000-00-00T00:00:00Z",
    "+275760-09-13T00:00:00.000Z",
    "9999-12-31T23:59:59Z",
    "constructor",
    "__proto__",
    inf2,
  ),
  fc.constantFrom({ toString: 1 }, { valueOf: null }, { length: 3 }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Ways to all parts of an object. */
function paths(value: unknown, prefix: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [prefix];
  const inside = Object.entries(value).flatMap(([key, part]) => paths(part, [...prefix, key]));
  return [prefix, ...inside];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], part: unknown): unknown {
  if (key === undefined) return part;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value))
    return value.map((each, index) => (String(index) === key ? replaced(each, rest, part) : each));
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([name, each]) => [name, name === key ? replaced(each, rest, part) : each]),
  );
}

/** An object with up to four parts replaced by anything. */
const damaged = fc
  .constantFrom(...valid)
  .chain((object) =>
    fc
      .array(fc.tuple(fc.constantFrom(...paths(object)), odd), { maxLength: 4 })
      .map((changes) =>
        changes.reduce<unknown>((result, [path, part]) => replaced(result, path, part), object),
      ),
  );

const anything = fc.oneof(fc.jsonValue(), odd, damaged, fc.constantFrom(undefined, ...valid));

const projections = [
  nodeClaim,
  nodePool,
  karpenterEvent,
  pod,
  deployment,
  scaledObject,
  route,
] as const;

/** Tells an observer of an object, as whatever it can be read as. */
function tell(observer: Observer, raw: unknown) {
  const read = {
    claim: nodeClaim(raw),
    pool: nodePool(raw),
    event: karpenterEvent(raw),
    pod: pod(raw),
    deployment: deployment(raw),
  };
  if (read.claim) observer.nodeClaimIs(read.claim);
  if (read.pool) observer.nodePoolIs(read.pool);
  if (read.event) observer.karpenterSays(read.event);
  if (read.pod) observer.podIs(read.pod);
  if (read.deployment) observer.deploymentIs(read.deployment);
}

function assertNumbers(value: unknown, where = "facts"): void {
  if (typeof value === "number") assert.ok(Number.isFinite(value), `${where} is ${value}`);
  if (typeof value !== "object" || value === null) return;
  for (const [key, part] of Object.entries(value)) assertNumbers(part, `${where}.${key}`);
}

describe("objects that are not what they should be", () => {
  it("are read without an exception, and give no number that is none", () => {
    fc.assert(
      fc.property(anything, (raw) => {
        for (const projection of projections) {
          const read: unknown = projection(raw);
          // A route's and a ScaledObject's lists are kept as they stand, to compare them.
          if (projection !== route && projection !== scaledObject) assertNumbers(read);
        }
        const backends = backendsOf(route(raw));
        assertNumbers(backends);
        for (const { service } of backends ?? []) assert.equal(typeof service, "string");
      }),
      { numRuns: 2000 },
    );
  });

  it("give facts that can be decided on, and a status that can be written", () => {
    const steps = fc.array(fc.tuple(anything, fc.nat(400 * second)), { maxLength: 25 });
    fc.assert(
      fc.property(steps, anything, (told, routed) => {
        let now = midnight;
        const observer = new Observer(
          () => now,
          () => 190 * second,
        );
        observer.setUnits(table.units);
        let state: Parameters<typeof decide>[2];
        for (const [raw, passes] of told) {
          tell(observer, raw);
          const facts = observer.facts(table, route(routed));
          assertNumbers(facts.units);
          const decision = decide(settings({ confirmSeconds: 0 }), facts, state, now);
          state = decision.state;
          assertNumbers(decision);
          modelStatusSchema.parse(JSON.parse(JSON.stringify(statusOf(facts, decision))));
          now += passes;
        }
      }),
      { numRuns: 300 },
    );
  });

  it("do not make the observer forget what was right", () => {
    fc.assert(
      fc.property(fc.array(odd, { maxLength: 20 }), (told) => {
        const observer = new Observer(
          () => midnight,
          () => 190 * second,
        );
        observer.setUnits(table.units);
        for (const raw of valid) tell(observer, raw);
        const before = observer.facts(table, undefined);
        for (const raw of told) tell(observer, raw);
        assert.deepEqual(observer.facts(table, undefined), before);
      }),
    );
  });
});
