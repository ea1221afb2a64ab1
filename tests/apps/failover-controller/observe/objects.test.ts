import assert from "node:assert/strict";
import { deployment } from "../../../../apps/failover-controller/observe/deployment";
import { karpenterEvent } from "../../../../apps/failover-controller/observe/karpenterEvent";
import { nodeClaim } from "../../../../apps/failover-controller/observe/nodeClaim";
import { isAtLimit, nodePool } from "../../../../apps/failover-controller/observe/nodePool";
import { pod } from "../../../../apps/failover-controller/observe/pod";
import { backendsOf, route } from "../../../../apps/failover-controller/observe/route";
import { scaledObject } from "../../../../apps/failover-controller/observe/scaledObject";
import { PIN_ANNOTATION, PIN_REASON_ANNOTATION, PROBE_LABEL } from "../../../../contracts/failover";
import { UNIT_LABEL } from "../../../../contracts/labels";
import { inf2, midnight, minute, nodePoolOf, routeTable } from "../fleet";
import { fleetErrors, fleetMessage } from "./fleetErrors";
import {
  deploymentObject,
  eventObject,
  iso,
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
const at = midnight;

describe("what is read from a NodeClaim", () => {
  it("is its unit, its pool, and whether it was launched and when", () => {
    const read = nodeClaim(nodeClaimObject({ unit: inf2, at, launched }));
    assert.deepEqual(read, {
      name: `${nodePoolOf(inf2)}-x7k2p`,
      unit: inf2,
      nodePool: nodePoolOf(inf2),
      launched: { ...launched, since: at },
    });
  });

  it("is the reason why it was not launched", () => {
    const read = nodeClaim(nodeClaimObject({ unit: inf2, at, launched: launchFailed }));
    assert.deepEqual(read?.launched, { ...launchFailed, since: at });
  });

  it("is nothing about a launch that Karpenter has not written about", () => {
    const { status: _, ...justMade } = nodeClaimObject({ unit: inf2, at });
    assert.equal(nodeClaim(justMade)?.launched, undefined);
    assert.equal(nodeClaim(justMade)?.unit, inf2);
  });
});

describe("what is read from a NodePool", () => {
  it("is how many devices it may have and has", () => {
    const read = nodePool(nodePoolObject(inf2, neuron, 4, 3));
    assert.deepEqual(read, {
      name: nodePoolOf(inf2),
      unit: inf2,
      limits: { [neuron]: { limit: 4, used: 3 } },
    });
  });

  it("is that it is at its limit when it has all that it may have", () => {
    const isFull = (limit: number, used: number) =>
      isAtLimit(nodePool(nodePoolObject(inf2, neuron, limit, used))!, neuron);
    assert.equal(isFull(4, 3), false);
    assert.equal(isFull(4, 4), true);
    assert.equal(isFull(4, 5), true);
    assert.equal(isFull(0, 0), true);
    assert.equal(isAtLimit(nodePool(nodePoolObject(inf2, neuron, 4, 4))!, "nvidia.com/gpu"), false);
  });

  it("is no limit where it has none, and no use where it has no status yet", () => {
    const raw = nodePoolObject(inf2, neuron, 4, 4);
    const unlimited = { ...raw, spec: { ...raw.spec, limits: undefined } };
    assert.equal(isAtLimit(nodePool(unlimited)!, neuron), false);
    const fresh = { ...raw, status: { conditions: [] } };
    assert.equal(isAtLimit(nodePool(fresh)!, neuron), false);
  });

  it("is no limit of nothing when a quantity makes no sense", () => {
    for (const quantity of [null, "", true, [], {}, "four"]) {
      const raw = nodePoolObject(inf2, neuron, 4, 4);
      const odd = { ...raw, spec: { ...raw.spec, limits: { [neuron]: quantity } } };
      assert.equal(isAtLimit(nodePool(odd)!, neuron), false, JSON.stringify(quantity));
    }
  });
});

describe("what is read from Karpenter's events", () => {
  const sold = {
    kind: "NodeClaim",
    object: `${nodePoolOf(inf2)}-x7k2p`,
    reason: "InsufficientCapacityError",
    message: fleetMessage(`${nodePoolOf(inf2)}-x7k2p`, fleetErrors.soldOut),
    at,
  } as const;

  it("is what was said, about what, and when", () => {
    assert.deepEqual(karpenterEvent(eventObject(sold)), sold);
    const pool = {
      kind: "NodePool",
      object: nodePoolOf(inf2),
      reason: "NoCompatibleInstanceTypes",
      message: noneLeft,
      at,
    } as const;
    assert.deepEqual(karpenterEvent(eventObject(pool)), pool);
  });

  it("is when it was last said, when it is said again", () => {
    const raw = eventObject(sold);
    const again = { ...raw, lastTimestamp: iso(at + minute), count: 2 };
    assert.equal(karpenterEvent(again)?.at, at + minute);
    const series = {
      ...raw,
      firstTimestamp: null,
      lastTimestamp: null,
      eventTime: `${new Date(at).toISOString().slice(0, 19)}.000000Z`,
      series: { count: 3, lastObservedTime: iso(at + 2 * minute) },
    };
    assert.equal(karpenterEvent(series)?.at, at + 2 * minute);
    assert.equal(karpenterEvent({ ...series, series: undefined })?.at, at);
  });

  it("is nothing of events about other things", () => {
    const raw = eventObject(sold);
    for (const kind of ["Pod", "Node", "EC2NodeClass"])
      assert.equal(
        karpenterEvent({ ...raw, involvedObject: { ...raw.involvedObject, kind } }),
        undefined,
      );
  });
});

describe("what is read from a pod", () => {
  const read = (state: Parameters<typeof podObject>[0]["state"], probe = false) =>
    pod(podObject({ unit: inf2, device: neuron, at, state, probe }));

  it("is that it waits for a machine, for which device, and since when", () => {
    assert.deepEqual(read("unschedulable"), {
      name: `${inf2}-6c8f9d7b5-2xk8q`,
      unit: inf2,
      isProbe: false,
      state: "waiting",
      devices: [neuron],
      placed: false,
      waitingSince: at,
    });
  });

  it("is that it does not wait as long as the scheduler has not looked at it", () => {
    assert.equal(read("new")?.state, "starting");
    assert.equal(read("new")?.waitingSince, undefined);
  });

  it("is whether it is ready, and that one that ends serves nobody", () => {
    assert.equal(read("starting")?.state, "starting");
    assert.equal(read("ready")?.state, "ready");
    assert.equal(read("ending")?.state, "ending");
    assert.equal(read("evicted")?.state, "ending");
    assert.equal(read("ready")?.placed, true);
  });

  it("is that it is a capacity probe's, which serves nobody either", () => {
    assert.equal(read("ready", true)?.isProbe, true);
    assert.equal(read("ready", true)?.unit, inf2);
  });

  it("is nothing of a pod of no unit", () => {
    const raw = podObject({ unit: inf2, device: neuron, at, state: "ready" });
    const headroom = { "app.kubernetes.io/component": "headroom" };
    assert.equal(pod({ ...raw, metadata: { ...raw.metadata, labels: headroom } }), undefined);
  });
});

describe("what is read from a Deployment", () => {
  it("is how many replicas of a unit are wanted, which is one where nothing is said", () => {
    const of = (replicas: number | undefined) =>
      deployment(deploymentObject(inf2, replicas, { [UNIT_LABEL]: inf2 }));
    assert.deepEqual(of(5), { name: inf2, unit: inf2, isProbe: false, desired: 5 });
    assert.equal(of(0)?.desired, 0);
    assert.equal(of(undefined)?.desired, 1);
  });

  it("is a unit's probe, which has the unit's label as well", () => {
    const labels = { [UNIT_LABEL]: inf2, [PROBE_LABEL]: inf2 };
    assert.deepEqual(deployment(deploymentObject(`${inf2}-probe`, 0, labels)), {
      name: `${inf2}-probe`,
      unit: inf2,
      isProbe: true,
      desired: 0,
    });
  });

  it("is nothing of headroom, which has the unit's label, and of the controllers", () => {
    const headroom = deploymentObject(`${inf2}-headroom`, 2, { [UNIT_LABEL]: inf2 });
    assert.equal(deployment(headroom), undefined);
    assert.equal(deployment(deploymentObject("keda-operator", 1, {})), undefined);
  });
});

describe("what is read from an HTTPRoute", () => {
  const { rules, backends } = routeTable().modes.cost;

  it("is where its traffic goes, which the standby rule does not tell", () => {
    const read = route(routeObject("sd21", rules));
    assert.deepEqual(backendsOf(read), backends);
    assert.deepEqual(backendsOf(route(routeObject("sd21", [...rules].reverse()))), backends);
    assert.equal(backendsOf(route(routeObject("sd21", []))), undefined);
    assert.equal(backendsOf(undefined), undefined);
  });

  it("is a weight of 1 where none is written, as Gateway API has it", () => {
    const rule = { backendRefs: [{ name: "a" }, { name: "b", weight: 0 }] };
    assert.deepEqual(backendsOf(route(routeObject("sd21", [rule]))), [
      { service: "a", weight: 1 },
      { service: "b", weight: 0 },
    ]);
  });

  it("is its generation, and the one that every gateway has taken up", () => {
    const raw = routeObject("sd21", rules);
    assert.equal(route(raw)?.generation, 7);
    assert.equal(route(raw)?.takenUp, 6);
    const [parent] = raw.status.parents;
    const late = { ...parent, conditions: [] };
    assert.equal(route({ ...raw, status: { parents: [parent, late] } })?.takenUp, 0);
    assert.equal(route({ ...raw, status: undefined })?.takenUp, 0);
  });

  it("is the mode that a person has pinned it to, and why", () => {
    const pinned = (annotations: Record<string, string>) =>
      route(routeObject("sd21", rules, annotations))?.pin;
    assert.equal(pinned({}), undefined);
    assert.deepEqual(
      pinned({ [PIN_ANNOTATION]: "capacity", [PIN_REASON_ANNOTATION]: "load test, Ann" }),
      { mode: "capacity", text: "capacity", reason: "load test, Ann" },
    );
    assert.deepEqual(pinned({ [PIN_ANNOTATION]: "fast" }), {
      mode: undefined,
      text: "fast",
      reason: undefined,
    });
    assert.equal(pinned({ [PIN_ANNOTATION]: "" })?.mode, undefined);
  });
});

describe("what is read from a ScaledObject", () => {
  it("is its triggers as they stand", () => {
    const triggers = routeTable().modes.cost.triggers[inf2]!;
    const read = scaledObject(scaledObjectObject(inf2, triggers));
    assert.deepEqual(read?.triggers, triggers);
    assert.equal(read?.name, inf2);
    assert.equal(read?.generation, 4);
  });
});
