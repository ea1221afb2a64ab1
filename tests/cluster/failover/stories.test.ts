import assert from "node:assert/strict";
import { KubeApi } from "../../../apps/failover-controller/cluster/api";
import { FAILOVER_FIELD_MANAGER, PIN_ANNOTATION } from "../../../contracts/failover";
import { planOf } from "../../program/planned";
import type { KubernetesObject } from "../controlPlane/client";
import type { ControlPlane } from "../controlPlane/controlPlane";
import { describeOnApiServer } from "../onApiServer";
import { plannedObjects } from "../plannedObjects";
import { FleetOnServer } from "./fleetOnServer";
import { overQuota, soldOut } from "./machines";
import { RunningController } from "./runningController";
import { SimulatedClock } from "./simulatedClock";

const inf2 = "sd21-inf2-neuron";
const g6 = "sd21-g6-triton";
const cuda = "sd21-g5-cuda";
const minute = 60;
const hour = 60 * minute;

/** Prod with all its units serving, and the controller that leads; the plan's assignments. */
async function start(server: ControlPlane, at: string | SimulatedClock, ...assignments: string[]) {
  const clock = typeof at === "string" ? new SimulatedClock(at) : at;
  const fleet = await FleetOnServer.of(server, await planOf("prod", ...assignments), clock.now);
  const units = Object.keys(fleet.table.units);
  for (const unit of units) await fleet.machines.serve(unit, 2);
  const controller = await RunningController.on(fleet, clock);
  await controller.until(() => units.every((unit) => controller.unit(unit).ready === 2));
  return { clock, fleet, controller };
}

/** A unit wants one more replica, and EC2 has no machine for it. */
async function sellOut({ machines }: FleetOnServer, unit: string, message = soldOut) {
  await machines.scale(unit, 3);
  await machines.addPod(unit, "waiting");
  await machines.refuse(unit, message);
}

/** The autoscaler takes what waits away again: traffic has left. */
async function scaleIn({ machines }: FleetOnServer, unit: string) {
  await machines.scale(unit, 2);
  for (const pod of machines.podsOf(unit).slice(2)) await machines.removePod(unit, pod);
}

describeOnApiServer("Fail-over of a fleet in cost mode, on a real API server,", (server) => {
  let fleet: FleetOnServer;
  let controller: RunningController;

  before("apply prod and start the controller", async () => {
    ({ fleet, controller } = await start(server(), "2026-11-14T08:00:00Z"));
  });
  after(() => controller?.stop());

  /** Every unit gets a machine, and time passes until the route is as configured. */
  async function recover(...units: string[]) {
    for (const unit of units) {
      await scaleIn(fleet, unit);
      await fleet.machines.launch(unit);
      await controller.untilUnit(unit, "recovering");
    }
    await controller.pass(15 * minute);
    assert.deepEqual(await fleet.weights(), fleet.costWeights);
    await controller.pass(hour);
  }

  it("leaves the route as configured while all is well", async () => {
    await controller.pass(10 * minute);
    assert.deepEqual(await fleet.weights(), fleet.costWeights);
    assert.deepEqual(controller.switches, []);
  });

  it("owns the rules and the triggers, and nothing else of them", async () => {
    const { metadata } = await fleet.route();
    const own = metadata.managedFields.find(
      ({ manager }: { manager: string }) => manager === FAILOVER_FIELD_MANAGER,
    );
    assert.deepEqual(own.fieldsV1, { "f:spec": { "f:rules": {} } });
  });

  it("moves traffic when a shortage is confirmed, and not before", async () => {
    await sellOut(fleet, inf2);
    await controller.untilUnit(inf2, "suspected");
    assert.deepEqual(await fleet.weights(), fleet.costWeights);
    await controller.pass(2);
    assert.deepEqual(await fleet.weights(), fleet.capacityWeights);
    assert.equal(await fleet.counterTarget(inf2), 89.2);
    const status = await fleet.status();
    assert.equal(status?.mode, "capacity");
    assert.equal(status?.units[inf2]?.evidence?.cause, "capacity");
    assert.deepEqual(await fleet.events(), ["FailedOver"]);
    assert.deepEqual(controller.switches, ["sd21 over"]);
  });

  it("asks for a machine by a probe once nothing else of the unit does", async () => {
    const { probe } = fleet.table.units[inf2]!;
    assert.equal(await fleet.machines.replicasOf(probe!), 0);
    await scaleIn(fleet, inf2);
    await controller.until(async () => (await fleet.machines.replicasOf(probe!)) === 1);
  });

  it("stays away for hours of silence", async () => {
    await controller.pass(6 * hour);
    assert.deepEqual(await fleet.weights(), fleet.capacityWeights);
  });

  it("comes back when a machine was launched and five minutes have passed", async () => {
    await fleet.machines.launch(inf2);
    await controller.untilUnit(inf2, "recovering");
    await controller.pass(5 * minute - 1);
    assert.deepEqual(await fleet.weights(), fleet.capacityWeights);
    await controller.pass(1);
    assert.deepEqual(await fleet.weights(), fleet.costWeights);
    assert.equal(await fleet.counterTarget(inf2), 105);
    assert.deepEqual((await fleet.events()).slice(1), ["ReturnedToConfig"]);
    const { probe } = fleet.table.units[inf2]!;
    assert.equal(await fleet.machines.replicasOf(probe!), 0);
    await controller.pass(hour);
  });

  it("reports a quota and does not move traffic for it", async () => {
    const { generation } = (await fleet.route()).metadata;
    await sellOut(fleet, inf2, overQuota);
    await controller.until(
      ({ units } = controller.status!) => units[inf2]?.evidence?.cause === "quota",
    );
    await fleet.machines.nothingLeft(inf2);
    await controller.pass(10 * minute);
    assert.equal((await fleet.route()).metadata.generation, generation);
    await scaleIn(fleet, inf2);
    await controller.until(() => controller.unit(inf2).pending === 0);
  });

  it("does not take a unit that scales out for one in a shortage", async () => {
    await fleet.machines.scale(cuda, 3);
    const pod = await fleet.machines.addPod(cuda, "waiting");
    await controller.until(() => controller.unit(cuda).pending === 1);
    await controller.pass(5 * minute);
    assert.deepEqual(await fleet.weights(), fleet.costWeights);
    await fleet.machines.removePod(cuda, pod);
    await fleet.machines.scale(cuda, 2);
    await controller.until(() => controller.unit(cuda).pending === 0);
  });

  it("copes with all units but one being sold out, and comes back when all have recovered", async () => {
    const others = Object.keys(fleet.table.units).filter((unit) => unit !== g6);
    for (const unit of others) await sellOut(fleet, unit);
    for (const unit of others)
      await controller.until(() => ["suspected", "short"].includes(controller.unit(unit).state));
    await controller.pass(2);
    assert.deepEqual(await fleet.weights(), fleet.capacityWeights);
    for (const unit of others) assert.equal(controller.unit(unit).state, "short");

    const [first, ...rest] = others;
    await scaleIn(fleet, first!);
    await fleet.machines.launch(first!);
    await controller.untilUnit(first!, "recovering");
    await controller.pass(hour);
    assert.deepEqual(await fleet.weights(), fleet.capacityWeights, "the others are still sold out");
    await recover(...rest);
  });

  it("lets a person pin a mode, shows it, and goes on when the pin is gone", async () => {
    const pinTo = (mode: string | null) =>
      fleet.api.mergePatch(fleet.routePath(), {
        metadata: { annotations: { [PIN_ANNOTATION]: mode } },
      });
    await pinTo("cost");
    await controller.until((status) => status?.pin?.mode === "cost");
    await sellOut(fleet, inf2);
    await controller.pass(2);
    await controller.untilUnit(inf2, "short");
    assert.deepEqual(await fleet.weights(), fleet.costWeights, "the pin wins");
    assert.match((await fleet.status())!.reason, /^pinned to cost/);

    await pinTo("cots");
    await controller.until((status) => status?.mode === "capacity");
    assert.match(controller.status!.error!, /"cots" is no mode/);
    await pinTo("capacity");
    await controller.until((status) => status?.pin?.mode === "capacity");
    await pinTo(null);
    await controller.until((status) => status !== undefined && status.pin === undefined);
    assert.deepEqual(await fleet.weights(), fleet.capacityWeights);
    const events = await fleet.events();
    for (const reason of ["Pinned", "PinIgnored", "Unpinned"]) assert.ok(events.includes(reason));
    await recover(inf2);
  });

  it("writes back what somebody else wrote, at once and then ever more rarely, and says so", async () => {
    const capacity = fleet.table.modes.capacity.rules;
    const overwrite = () =>
      fleet.api.apply(
        fleet.routePath(),
        {
          apiVersion: "gateway.networking.k8s.io/v1",
          kind: "HTTPRoute",
          metadata: { name: "sd21", namespace: fleet.namespace },
          spec: { rules: capacity },
        },
        { fieldManager: "somebody", force: true },
      );
    await overwrite();
    await controller.until(async () => (await fleet.weights())[inf2] === 40);
    for (let time = 0; time < 5; time++) {
      await overwrite();
      await controller.pass(10 * minute);
      await controller.until(async () => (await fleet.weights())[inf2] === 40);
    }
    const before = (await fleet.route()).metadata.generation;
    for (let second = 0; second < 60; second++) {
      await overwrite();
      await controller.until(async () => true);
      await controller.pass(1);
    }
    await controller.pass(2 * minute);
    await controller.until(async () => (await fleet.weights())[inf2] === 40);
    const writes = (await fleet.route()).metadata.generation - before;
    assert.ok(writes < 60, `${writes} changes in a minute`);
    assert.ok((await fleet.events()).includes("RouteOverwritten"));
  });

  it("does not mind Pulumi writing the route's labels in between", async () => {
    await sellOut(fleet, inf2);
    await controller.untilUnit(inf2, "suspected");
    await controller.pass(2);
    const planned = fleet.objects.find(({ kind }) => kind === "HTTPRoute")!;
    const { rules: _, ...spec } = planned.spec;
    const object = {
      ...planned,
      metadata: { ...planned.metadata, labels: { ...planned.metadata.labels, by: "pulumi" } },
      spec,
    } as KubernetesObject;
    await server().apply([object], { fieldManager: "pulumi", force: true });
    await controller.pass(minute);
    const { metadata } = await fleet.route();
    assert.equal(metadata.labels.by, "pulumi");
    assert.deepEqual(await fleet.weights(), fleet.capacityWeights);
    await recover(inf2);
  });

  it("goes on where the last leader has stopped, without a switch", async () => {
    await sellOut(fleet, inf2);
    await controller.untilUnit(inf2, "suspected");
    await controller.pass(2);
    await scaleIn(fleet, inf2);
    controller.stop();
    controller = await RunningController.on(fleet, controller.clock);
    assert.deepEqual(await fleet.weights(), fleet.capacityWeights);
    await controller.pass(hour);
    assert.deepEqual(await fleet.weights(), fleet.capacityWeights);
    assert.deepEqual(controller.switches, []);
    await recover(inf2);
    assert.deepEqual(controller.switches, ["sd21 back"]);
  });

  it("has its successor complete what it had decided and not yet written", async () => {
    controller.stop();
    controller = await RunningController.on(
      fleet,
      controller.clock,
      (config) => new WithoutRoutes(config),
    );
    await sellOut(fleet, inf2);
    await controller.untilUnit(inf2, "suspected");
    await controller.pass(2);
    await controller.until(async () => (await fleet.status())?.mode === "capacity");
    assert.deepEqual(await fleet.weights(), fleet.costWeights, "it died in between");
    await scaleIn(fleet, inf2);
    controller.stop();
    controller = await RunningController.on(fleet, controller.clock);
    await controller.until(async () => (await fleet.weights()).sd21 === 1);
    assert.deepEqual(controller.switches, ["sd21 over"]);
    await recover(inf2);
  });

  it("is not held up by ScaledObjects that do not answer", async () => {
    controller.stop();
    controller = await RunningController.on(
      fleet,
      controller.clock,
      (config) => new WithoutScaledObjects(config),
    );
    await sellOut(fleet, inf2);
    await controller.until((status) => status?.units[inf2]?.state === "suspected", "", false);
    await controller.pass(2);
    await controller.until(async () => (await fleet.weights()).sd21 === 1, "failed over", false);
    controller.stop();
    controller = await RunningController.on(fleet, controller.clock);
    await recover(inf2);
  });

  it("writes a route that was deleted and made again", async () => {
    await sellOut(fleet, inf2);
    await controller.untilUnit(inf2, "suspected");
    await controller.pass(2);
    await fleet.deleteRoute();
    await controller.until((status) => /there is no HTTPRoute/.test(status?.error ?? ""));
    const planned = fleet.objects.find(({ kind }) => kind === "HTTPRoute")!;
    await server().apply([planned]);
    await controller.until(async () => (await fleet.weights()).sd21 === 1);
    await recover(inf2);
  });

  it("reports a NodePool at its own limit and does not move traffic for it", async () => {
    const { nodePool, device } = fleet.table.units[g6]!;
    await fleet.machines.fill(nodePool, device);
    await fleet.machines.scale(g6, 3);
    await fleet.machines.addPod(g6, "waiting");
    await controller.until((status) => status?.units[g6]?.evidence?.cause === "limit");
    await controller.pass(2 * hour);
    assert.deepEqual(await fleet.weights(), fleet.costWeights);
    await fleet.machines.fill(nodePool, device, 0);
    await scaleIn(fleet, g6);
    await controller.until(() => controller.unit(g6).pending === 0);
  });

  it("keeps what it knows when the route tables are gone for a while", async () => {
    await sellOut(fleet, inf2);
    await controller.untilUnit(inf2, "suspected");
    await controller.pass(2);
    await scaleIn(fleet, inf2);
    const path = `/api/v1/namespaces/${fleet.namespace}/configmaps/route-tables`;
    await fleet.api.mergePatch(path, { data: null });
    await controller.pass(minute);
    controller.stop();
    const other = RunningController.on(fleet, controller.clock);
    await fleet.api.mergePatch(path, { data: { "sd21.json": JSON.stringify(fleet.table) } });
    controller = await other;
    await controller.pass(hour);
    assert.deepEqual(await fleet.weights(), fleet.capacityWeights);
    await recover(inf2);
  });

  it("takes new settings and a new mode without a restart, and keeps the last good ones", async () => {
    const settings = (data: Record<string, string>) =>
      fleet.api.mergePatch(`/api/v1/namespaces/${fleet.namespace}/configmaps/failover-settings`, {
        data,
      });
    await settings({ "settings.json": '{"confirmSeconds": 60}' });
    await controller.until(() => controller.failover.watches.settings.confirmSeconds === 60);
    await settings({ "settings.json": "{" });
    await controller.until((status) => /settings.json is no JSON/.test(status?.error ?? ""));
    assert.equal(controller.failover.watches.settings.confirmSeconds, 60);
    await settings({ "settings.json": "{}" });
    await controller.until((status) => status?.error === undefined);

    const configure = (configuredMode: string) =>
      fleet.api.mergePatch(`/api/v1/namespaces/${fleet.namespace}/configmaps/route-tables`, {
        data: { "sd21.json": JSON.stringify({ ...fleet.table, configuredMode }) },
      });
    await configure("capacity");
    await controller.until(async () => (await fleet.weights()).sd21 === 1);
    await configure("cost");
    await controller.until(async () => (await fleet.weights())[inf2] === 40);
  });
});

describeOnApiServer("Seed 001's shortage of Inf2, on a real API server,", (server) => {
  it("Figures 10 and 11: fails over on 11/14 and is back at the next wave on 11/15", async () => {
    const { fleet, controller } = await start(server(), "2026-11-14T06:00:00Z");
    // The wave of 11/14 rises, and Inf2 is not to be had.
    await controller.pass(5 * hour);
    await sellOut(fleet, inf2);
    await controller.untilUnit(inf2, "suspected");
    await controller.pass(2);
    assert.deepEqual(await fleet.weights(), fleet.capacityWeights);
    // The rest of the cycle is served by all; as it ebbs, what waits is taken away.
    for (let hours = 0; hours < 8; hours++) {
      await controller.pass(hour);
      await fleet.machines.refuse(inf2);
      await controller.until(() => controller.unit(inf2).state === "short");
    }
    await scaleIn(fleet, inf2);
    await controller.pass(8 * hour);
    assert.deepEqual(await fleet.weights(), fleet.capacityWeights);
    // At the beginning of the next wave EC2 has Inf2 again: the probe gets a machine.
    await fleet.machines.launch(inf2);
    await controller.untilUnit(inf2, "recovering");
    await controller.pass(5 * minute);
    assert.match(new Date(controller.clock.now()).toISOString(), /^2026-11-15T/);
    assert.deepEqual(await fleet.weights(), fleet.costWeights);
    assert.deepEqual(controller.switches, ["sd21 over", "sd21 back"]);
    controller.stop();
  });
});

describeOnApiServer("Seed 001's limit on L4, on a real API server,", (server) => {
  it("Figures 8 and 9: a limit on L4 from 21:20 to 23:20 changes no route in capacity mode", async () => {
    const { fleet, controller } = await start(server(), "2026-11-16T21:00:00Z", "mode=capacity");
    assert.deepEqual(await fleet.weights(), fleet.capacityWeights);
    const { generation } = (await fleet.route()).metadata;
    await controller.pass(20 * minute);
    await sellOut(fleet, g6);
    await controller.pass(2);
    await controller.untilUnit(g6, "short");
    for (let minutes = 0; minutes < 120; minutes += 3) {
      await fleet.machines.refuse(g6);
      await controller.pass(3 * minute);
    }
    assert.match(new Date(controller.clock.now()).toISOString(), /T23:20/);
    await fleet.machines.launch(g6);
    await controller.untilUnit(g6, "recovering");
    await controller.pass(hour);
    assert.equal((await fleet.route()).metadata.generation, generation);
    assert.deepEqual(controller.switches, []);
    controller.stop();
  });
});

describeOnApiServer("A unit that flaps, on a real API server,", (server) => {
  it("every 10 s for an hour: no more switches than are configured, and none of them back", async () => {
    const { fleet, controller } = await start(server(), "2026-11-14T08:00:00Z");
    await fleet.machines.scale(inf2, 3);
    await fleet.machines.addPod(inf2, "waiting");
    const { generation } = (await fleet.route()).metadata;
    for (let seconds = 0; seconds < hour; seconds += 20) {
      await fleet.machines.refuse(inf2);
      await controller.until(() => !["well", "recovering"].includes(controller.unit(inf2).state));
      await controller.pass(10);
      const claim = await fleet.machines.launch(inf2);
      await controller.untilUnit(inf2, "recovering");
      await controller.pass(10);
      void claim;
    }
    const { maxSwitchesPerHour } = controller.failover.watches.settings;
    assert.ok(controller.switches.length <= maxSwitchesPerHour);
    assert.deepEqual(controller.switches, ["sd21 over"]);
    assert.equal((await fleet.route()).metadata.generation, generation + 1);
    controller.stop();
  });
});

describeOnApiServer(
  "Time that passes while the controller decides, on a real API server,",
  (server) => {
    it("hides nothing that becomes due meanwhile: traffic moves in seconds, not at the next round", async () => {
      const clock = new SimulatedClock("2026-11-14T08:00:00Z", { readMs: 1, earlyMs: 3 });
      const { fleet, controller } = await start(server(), clock);
      for (let shortage = 1; shortage <= 2; shortage++) {
        await sellOut(fleet, inf2);
        await controller.untilUnit(inf2, "suspected");
        await controller.pass(4);
        assert.deepEqual(await fleet.weights(), fleet.capacityWeights);
        await scaleIn(fleet, inf2);
        await fleet.machines.launch(inf2);
        await controller.untilUnit(inf2, "recovering");
        await controller.pass(15 * minute);
        assert.deepEqual(await fleet.weights(), fleet.costWeights);
      }
      controller.stop();
    });
  },
);

describeOnApiServer("Fail-over that is turned off, on a real API server,", (server) => {
  it("leaves to Pulumi what Pulumi takes back, while the controller still runs", async () => {
    const { fleet, controller } = await start(server(), "2026-11-14T08:00:00Z");
    await sellOut(fleet, inf2);
    await controller.untilUnit(inf2, "suspected");
    await controller.pass(2);
    assert.deepEqual(await fleet.weights(), fleet.capacityWeights);
    const off = plannedObjects(await planOf("prod", "failover.enabled=false"));
    const taken = off.filter(({ kind }) => ["HTTPRoute", "ScaledObject"].includes(kind));
    await server().apply(taken, { fieldManager: "pulumi-kubernetes-off", force: true });
    await controller.pass(hour);
    assert.deepEqual(await fleet.weights(), fleet.costWeights);
    assert.equal(await fleet.counterTarget(inf2), 105);
    assert.match(controller.status!.error!, /Pulumi has taken the route back/);
    assert.ok(!(await fleet.events()).includes("RouteOverwritten"));
    controller.stop();
  });
});

/** Dies, as it were, before each write of a route. */
class WithoutRoutes extends KubeApi {
  override apply(...[path, ...rest]: Parameters<KubeApi["apply"]>) {
    if (path.includes("/httproutes/")) return Promise.reject(new Error("it has died"));
    return super.apply(path, ...rest);
  }
}

/** Nobody answers who writes a ScaledObject. */
class WithoutScaledObjects extends KubeApi {
  override apply(...[path, ...rest]: Parameters<KubeApi["apply"]>) {
    if (path.includes("/scaledobjects/")) return new Promise<never>(() => {});
    return super.apply(path, ...rest);
  }
}
