import assert from "node:assert/strict";
import { planOf } from "../../program/planned";
import { eventually } from "../eventually";
import { describeOnApiServer } from "../onApiServer";
import { type ControllerProcess, ControllerProcesses } from "./controllerProcess";
import { FleetOnServer } from "./fleetOnServer";

const inf2 = "sd21-inf2-neuron";
const quick = { LEASE_SECONDS: "3" };

describeOnApiServer("Two replicas of the fail-over controller, as processes,", (server) => {
  const processes = new ControllerProcesses();
  const replicas: ControllerProcess[] = [];
  let fleet: FleetOnServer;

  before("apply prod and start both", async () => {
    fleet = await FleetOnServer.of(server(), await planOf("prod"));
    for (const unit of Object.keys(fleet.table.units)) await fleet.machines.serve(unit, 2);
    for (const pod of ["a", "b"]) replicas.push(await processes.start(fleet, pod, quick));
    for (const replica of replicas) await eventually("ready", () => isReady(replica));
    await eventually("one leads", async () => (await leaders()).length === 1);
  });
  after(() => processes.stop());

  function isReady(replica: ControllerProcess): Promise<boolean> {
    return replica.get("/readiness").then(
      ({ status }) => status === 200,
      () => false,
    );
  }

  async function leaders(): Promise<ControllerProcess[]> {
    const leads = await Promise.all(replicas.map((replica) => replica.leads()));
    return replicas.filter((_, index) => leads[index]);
  }

  /** The replica that leads, taken off the list. */
  async function leader(): Promise<ControllerProcess> {
    await eventually("one leads", async () => (await leaders()).length === 1);
    const [found] = await leaders();
    replicas.splice(replicas.indexOf(found!), 1);
    return found!;
  }

  async function sellOut(): Promise<void> {
    await fleet.machines.scale(inf2, 3);
    await fleet.machines.addPod(inf2, "waiting");
    await fleet.machines.refuse(inf2);
  }

  async function recover(): Promise<void> {
    for (const pod of fleet.machines.podsOf(inf2).slice(2))
      await fleet.machines.removePod(inf2, pod);
    await fleet.machines.scale(inf2, 2);
    await fleet.machines.launch(inf2);
    await eventually("the route is as configured", isAsConfigured).catch(withStatus);
  }

  /** A failure with what the controller says of it. */
  async function withStatus(error: Error): Promise<never> {
    throw new Error(`${error.message}\n${JSON.stringify(await fleet.status(), null, 2)}`);
  }

  async function isAsConfigured(): Promise<boolean> {
    return (await fleet.weights())[inf2] === 40;
  }

  async function isFailedOver(): Promise<boolean> {
    return (await fleet.weights()).sd21 === 1;
  }

  async function configure(settings: object): Promise<void> {
    const path = `/api/v1/namespaces/${fleet.namespace}/configmaps/failover-settings`;
    const all = { maxSwitchesPerHour: 60, recoverSeconds: 1, dwellSeconds: 0, ...settings };
    await fleet.api.mergePatch(path, { data: { "settings.json": JSON.stringify(all) } });
  }

  it("are healthy, ready, and one of them leads", async () => {
    for (const replica of replicas) {
      assert.equal((await replica.get("/health")).status, 200);
      assert.equal((await replica.get("/readiness")).status, 200);
    }
    assert.equal((await leaders()).length, 1);
  });

  it("write logs of JSON lines, and nothing on stderr", () => {
    for (const { lines } of replicas) {
      assert.ok(lines.some(({ message }) => message === "the cluster has been listed"));
      const allowed = ["debug", "info", "warn"];
      assert.deepEqual(
        lines.filter(({ level }) => !allowed.includes(level)),
        [],
      );
    }
  });

  it("fail over within a second of a shortage and the time to confirm it", async () => {
    await configure({ confirmSeconds: 0 });
    await sellOut();
    await eventually("failed over", isFailedOver);
    const [first] = await leaders();
    assert.equal(await first!.metric("failover_evidence_to_route_seconds_count"), 1);
    assert.equal(await first!.metric('failover_switches_total{model="sd21",direction="over"}'), 1);
    assert.equal(
      await first!.metric('failover_unit_state{unit="sd21-inf2-neuron",state="short"}'),
      1,
    );
    await recover();
  });

  it("fail over although the leader is killed between evidence and route", async () => {
    await configure({ confirmSeconds: 2 });
    const first = await leader();
    const [second] = replicas;
    await eventually("the other one runs", () => second!.lines.length > 0);
    await sellOut();
    await eventually(
      "suspected",
      async () => (await fleet.status())?.units[inf2]?.state === "suspected",
    );
    first.kill("SIGKILL");
    assert.equal(await isAsConfigured(), true);
    await eventually("the other one fails over", isFailedOver, 15000);
    assert.equal(await second!.leads(), true);
    replicas.push(await processes.start(fleet, "c", quick));
    await recover();
  });

  it("hand over at once when the leader is stopped, and change nothing by it", async () => {
    await sellOut();
    await eventually("failed over", isFailedOver);
    const { generation } = (await fleet.route()).metadata;
    const first = await leader();
    first.kill("SIGTERM");
    assert.equal(await first.ended(), 0);
    await eventually("the other one leads", async () => (await leaders()).length === 1, 10000);
    const [second] = await leaders();
    await eventually(
      "the other one knows",
      async () => (await second!.metric('failover_failed_over{model="sd21"}')) === 1,
    );
    assert.equal((await fleet.route()).metadata.generation, generation);
    replicas.push(await processes.start(fleet, "d", quick));
    await recover();
  });

  it("fail static while the API server is away for 30 s, and go on when it is back", async () => {
    const { generation } = (await fleet.route()).metadata;
    await server().stopApiServer();
    await new Promise((resolve) => setTimeout(resolve, 30_000));
    for (const replica of replicas) assert.equal((await replica.get("/health")).status, 200);
    await server().startApiServer();
    assert.equal((await fleet.route()).metadata.generation, generation);
    await eventually("one leads again", async () => (await leaders()).length === 1);
    await sellOut();
    await eventually("failed over", isFailedOver, 30000);
    await recover();
  });
});
