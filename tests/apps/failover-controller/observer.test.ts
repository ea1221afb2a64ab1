import assert from "node:assert/strict";
import { deployment } from "../../../apps/failover-controller/observe/deployment";
import { karpenterEvent } from "../../../apps/failover-controller/observe/karpenterEvent";
import { nodeClaim } from "../../../apps/failover-controller/observe/nodeClaim";
import { nodePool } from "../../../apps/failover-controller/observe/nodePool";
import { pod } from "../../../apps/failover-controller/observe/pod";
import { route } from "../../../apps/failover-controller/observe/route";
import { Observer } from "../../../apps/failover-controller/observer";
import type { UnitFacts } from "../../../apps/failover-controller/unitState";
import { PIN_ANNOTATION, PROBE_LABEL } from "../../../contracts/failover";
import { UNIT_LABEL } from "../../../contracts/labels";
import type { ModelRouteTable } from "../../../contracts/routeTable";
import { cuda, g5, g6, inf2, midnight, minute, nodePoolOf, routeTable, second } from "./fleet";
import { fleetErrors, fleetMessage } from "./observe/fleetErrors";
import {
  deploymentObject,
  eventObject,
  launched,
  launchFailed,
  nodeClaimObject,
  nodePoolObject,
  noneLeft,
  type PodArgs,
  podObject,
  routeObject,
} from "./observe/objects";

const neuron = "aws.amazon.com/neuron";

/** An observer that is told what an API server shows, and the clock that it looks at. */
class Watched {
  now = midnight;
  readonly table: ModelRouteTable;
  readonly observer = new Observer(
    () => this.now,
    () => 190 * second,
  );

  constructor(table = routeTable()) {
    this.table = table;
    this.observer.setUnits(table.units);
  }

  pod(name: string, state: PodArgs["state"], some: Partial<PodArgs> = {}) {
    const args = { unit: inf2, device: neuron, at: this.now, name, state, ...some };
    this.observer.podIs(pod(podObject(args))!);
  }

  claim(name: string, condition?: typeof launched, at = this.now, unit = inf2) {
    const raw = nodeClaimObject({ unit, name, at, ...(condition && { launched: condition }) });
    this.observer.nodeClaimIs(nodeClaim(raw)!);
  }

  says(object: string, message: string, at = this.now) {
    const reason = "InsufficientCapacityError";
    const raw = eventObject({ kind: "NodeClaim", object, reason, message, at });
    this.observer.karpenterSays(karpenterEvent(raw)!);
  }

  noneLeft(at = this.now, unit = inf2) {
    const reason = "NoCompatibleInstanceTypes";
    const object = nodePoolOf(unit);
    const raw = eventObject({ kind: "NodePool", object, reason, message: noneLeft, at });
    this.observer.karpenterSays(karpenterEvent(raw)!);
  }

  facts(unit = inf2): UnitFacts {
    return this.observer.facts(this.table, undefined).units[unit]!;
  }
}

describe("what is known of a unit", () => {
  it("is evidence for the unit of a NodeClaim that has gone meanwhile", () => {
    const it = new Watched();
    it.claim("some-claim");
    it.observer.nodeClaimIsGone("some-claim");
    it.now += second;
    it.says("some-claim", fleetMessage("some-claim", fleetErrors.soldOut));
    assert.equal(it.facts().evidence.capacity?.source, "NodeClaim some-claim");
    assert.equal(it.facts().evidence.capacity?.lastSeen, midnight + second);
    assert.deepEqual(it.facts(g5).evidence, {});
  });

  it("is evidence from a NodeClaim that nobody saw, by its pool's name", () => {
    const it = new Watched();
    for (const unit of [inf2, cuda])
      it.says(`${nodePoolOf(unit)}-q9z8x`, fleetMessage("q", fleetErrors.soldOut));
    assert.ok(it.facts(inf2).evidence.capacity);
    assert.ok(it.facts(cuda).evidence.capacity);
    assert.deepEqual(it.facts(g5).evidence, {});
    it.says("somebody-elses-q9z8x", fleetMessage("q", fleetErrors.soldOut));
    it.says("nodash", fleetMessage("q", fleetErrors.soldOut));
  });

  it("is a quota's evidence as a quota's", () => {
    const it = new Watched();
    it.says(`${nodePoolOf(inf2)}-q9z8x`, fleetMessage("q", fleetErrors.spotCount));
    assert.deepEqual(Object.keys(it.facts().evidence), ["quota"]);
  });

  it("is that the shortage goes on while the pool says that nothing is left", () => {
    const it = new Watched();
    it.says(`${nodePoolOf(inf2)}-q9z8x`, fleetMessage("q", fleetErrors.soldOut));
    it.now += minute;
    it.noneLeft();
    assert.equal(it.facts().evidence.capacity?.lastSeen, midnight + minute);
    it.noneLeft(it.now, g5);
    assert.deepEqual(Object.keys(it.facts(g5).evidence), ["unknown"]);
  });

  it("is a launch that failed otherwise, with Karpenter's words", () => {
    const it = new Watched();
    it.claim("a");
    assert.deepEqual(it.facts().evidence, {}, "not looked at yet is no failure");
    it.claim("a", launchFailed);
    assert.deepEqual(it.facts().evidence, {
      launch: {
        cause: "launch",
        source: "NodeClaim a",
        message: `${launchFailed.reason}: ${launchFailed.message}`,
        firstSeen: midnight,
        lastSeen: midnight,
      },
    });
    assert.equal(it.facts().launchedAt, undefined);
  });

  it("is the last launch, however often its NodeClaim changes afterwards", () => {
    const it = new Watched();
    it.claim("a", launched);
    it.now += minute;
    it.claim("a", launched, midnight);
    it.claim("a", launched);
    assert.equal(it.facts().launchedAt, midnight);
    it.claim("b", launched);
    assert.equal(it.facts().launchedAt, midnight + minute);
    it.claim("c", launched, midnight - minute);
    assert.equal(it.facts().launchedAt, midnight + minute, "an older one changes nothing");
  });

  it("is the time when something came in, to the millisecond, and its own where it is told again", () => {
    const it = new Watched();
    it.now = midnight + 400;
    it.says(`${nodePoolOf(inf2)}-aaaaa`, fleetMessage("a", fleetErrors.soldOut), midnight);
    assert.equal(it.facts().evidence.capacity?.lastSeen, midnight + 400);
    const later = new Watched();
    later.now = midnight + minute;
    later.says(`${nodePoolOf(inf2)}-aaaaa`, fleetMessage("a", fleetErrors.soldOut), midnight);
    later.pod("p", "unschedulable", { at: midnight + 7 * second });
    assert.equal(later.facts().evidence.capacity?.lastSeen, midnight);
    assert.equal(later.facts().pendingSince, midnight + 7 * second + 999, "no longer than it has");
  });

  it("is in the order in which things happened also just after a restart", () => {
    const it = new Watched();
    it.claim("b", launched, midnight - second);
    it.says(`${nodePoolOf(inf2)}-a`, fleetMessage("a", fleetErrors.soldOut), midnight - 2 * second);
    const { launchedAt, evidence } = it.facts();
    assert.ok(launchedAt! > evidence.capacity!.lastSeen);
  });

  it("is never from the future", () => {
    const it = new Watched();
    it.says(`${nodePoolOf(inf2)}-aaaaa`, fleetMessage("a", fleetErrors.soldOut), midnight + minute);
    it.claim("a", launched, midnight + minute);
    it.pod("p", "unschedulable", { at: midnight + minute });
    const { evidence, launchedAt, pendingSince } = it.facts();
    assert.equal(evidence.capacity?.lastSeen, midnight);
    assert.equal(launchedAt, midnight);
    assert.equal(pendingSince, midnight);
  });

  it("is how many pods wait for its device, and since when there has been one", () => {
    const it = new Watched();
    it.pod("new", "new");
    assert.equal(it.facts().pending, 0);
    it.pod("a", "unschedulable");
    it.now += minute;
    it.pod("b", "unschedulable");
    assert.equal(it.facts().pending, 2);
    assert.equal(it.facts().pendingSince, midnight);
    it.pod("a", "starting");
    assert.equal(it.facts().pendingSince, midnight, "one of them has waited all the time");
    it.observer.podIsGone({ unit: inf2, name: "b" });
    assert.equal(it.facts().pending, 0);
    assert.equal(it.facts().pendingSince, undefined);
    it.now += minute;
    it.pod("c", "unschedulable");
    assert.equal(it.facts().pendingSince, midnight + 2 * minute);
  });

  it("is that a pod which waits for something else, or is a probe, is not waiting", () => {
    const it = new Watched();
    it.pod("a", "unschedulable", { device: "example.com/other" });
    it.pod("b", "unschedulable", { probe: true });
    it.pod("c", "unschedulable", { unit: g6, device: "nvidia.com/gpu" });
    assert.equal(it.facts().pending, 0);
    assert.equal(it.facts().pendingSince, undefined);
    assert.equal(it.facts(g6).pending, 1);
  });

  it("counts pods that were there before it knew the unit", () => {
    const it = new Watched(routeTable({ weights: {} }));
    it.pod("a", "unschedulable");
    const table = routeTable();
    it.observer.setUnits(table.units);
    assert.equal(it.observer.facts(table, undefined).units[inf2]?.pendingSince, midnight);
  });

  it("is how many replicas are ready and wanted; who ends or probes does not count", () => {
    const it = new Watched();
    it.pod("a", "ready");
    it.pod("b", "starting");
    it.pod("c", "ending");
    it.pod("d", "ready", { probe: true });
    assert.equal(it.facts().ready, 1);
    assert.equal(it.facts().desired, 2, "the pods there are, where no Deployment is known");
    const labels = { [UNIT_LABEL]: inf2 };
    it.observer.deploymentIs(deployment(deploymentObject(inf2, 5, labels))!);
    assert.equal(it.facts().desired, 5);
    it.observer.deploymentIsGone(inf2);
    assert.equal(it.facts().desired, 2);
  });

  it("is that the pool is at its own limit only while a pod waits for it", () => {
    const it = new Watched();
    it.observer.nodePoolIs(nodePool(nodePoolObject(inf2, neuron, 4, 4))!);
    assert.deepEqual(it.facts().evidence, {});
    it.pod("a", "unschedulable");
    assert.deepEqual(Object.keys(it.facts().evidence), ["limit"]);
    assert.match(it.facts().evidence.limit!.message, /all 4 aws.amazon.com\/neuron/);
    it.now += minute;
    assert.equal(it.facts().evidence.limit?.lastSeen, midnight + minute);
    it.observer.nodePoolIs(nodePool(nodePoolObject(inf2, neuron, 5, 4))!);
    it.now += minute;
    assert.equal(it.facts().evidence.limit?.lastSeen, midnight + minute);
    const gone = new Watched();
    gone.observer.nodePoolIs(nodePool(nodePoolObject(inf2, neuron, 4, 4))!);
    gone.observer.nodePoolIsGone(nodePoolOf(inf2));
    gone.pod("a", "unschedulable");
    assert.deepEqual(gone.facts().evidence, {});
  });

  it("is what the capacity probe does", () => {
    const labels = { [PROBE_LABEL]: inf2, [UNIT_LABEL]: inf2 };
    const it = new Watched();
    const wants = (replicas: number) =>
      it.observer.deploymentIs(deployment(deploymentObject(`${inf2}-probe`, replicas, labels))!);
    assert.equal(it.observer.probeReplicas(`${inf2}-probe`), undefined);
    assert.equal(it.facts().probe, "off");
    wants(0);
    assert.equal(it.facts().probe, "off");
    wants(1);
    assert.equal(it.observer.probeReplicas(`${inf2}-probe`), 1);
    assert.equal(it.facts().probe, "waiting");
    it.pod("p", "unschedulable", { probe: true });
    assert.equal(it.facts().probe, "waiting");
    it.pod("p", "starting", { probe: true });
    assert.equal(it.facts().probe, "running");
    wants(0);
    it.pod("p", "ending", { probe: true });
    assert.equal(it.facts().probe, "off");
    assert.equal(new Watched(routeTable({ probes: false })).facts().probe, "absent");
  });

  it("is remembered for a thousand NodeClaims, and no more", () => {
    const it = new Watched();
    for (let index = 0; index <= 1000; index++) it.claim(`claim-${index}`);
    it.says("claim-0", fleetMessage("claim-0", fleetErrors.soldOut));
    assert.deepEqual(it.facts().evidence, {}, "the oldest is forgotten");
    it.says("claim-1", fleetMessage("claim-1", fleetErrors.soldOut));
    assert.ok(it.facts().evidence.capacity);
  });

  it("is from before a launch when the launch came after it, and new when it came before", () => {
    const it = new Watched();
    it.says(`${nodePoolOf(inf2)}-aaaaa`, fleetMessage("a", fleetErrors.soldOut));
    it.now += 10 * second;
    it.claim("b", launched);
    assert.ok(it.facts().launchedAt! > it.facts().evidence.capacity!.lastSeen);
    it.now += 10 * second;
    it.says(`${nodePoolOf(inf2)}-ccccc`, fleetMessage("c", fleetErrors.soldOut));
    assert.equal(it.facts().evidence.capacity?.firstSeen, midnight + 20 * second);
  });
});

describe("what is known of a model", () => {
  it("is where its traffic goes now, and a pin that names a mode", () => {
    const { observer, table } = new Watched();
    const { rules, backends } = table.modes.cost;
    const read = (annotations: Record<string, string>) =>
      observer.facts(table, route(routeObject("sd21", rules, annotations)));
    assert.deepEqual(read({}).current, backends);
    assert.equal(read({}).pin, undefined);
    assert.deepEqual(read({ [PIN_ANNOTATION]: "cost" }).pin, { mode: "cost", reason: undefined });
    assert.equal(read({ [PIN_ANNOTATION]: "fast" }).pin, undefined);
    assert.equal(observer.facts(table, undefined).current, undefined);
  });
});
