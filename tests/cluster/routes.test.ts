import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { KubeApi } from "../../apps/failover-controller/cluster/api";
import { loadKubeConfig } from "../../apps/failover-controller/cluster/kubeConfig";
import type { RoutesReport } from "../../cli/routes/report";
import {
  FAILOVER_CONTROLLER,
  FAILOVER_FIELD_MANAGER,
  FAILOVER_STATUS_CONFIG_MAP,
  type ModelStatus,
  PIN_ANNOTATION,
  PIN_REASON_ANNOTATION,
  type UnitStatus,
} from "../../contracts/failover";
import type { ModelRouteTable, RoutingMode } from "../../contracts/routeTable";
import { type Ended, fleet } from "../cli/fleetProcess";
import { planOf } from "../program/planned";
import type { KubernetesObject } from "./controlPlane/client";
import type { ControlPlane } from "./controlPlane/controlPlane";
import { clusterVersion, environments } from "./environments";
import { describeOnApiServer } from "./onApiServer";
import { plannedObjects } from "./plannedObjects";

/** `fleet routes`, as its users run it, against what the program applies and a controller writes. */

const namespace = "diffusion-fleet";
const within = `/namespaces/${namespace}`;
const paths = {
  route: `/apis/gateway.networking.k8s.io/v1${within}/httproutes/sd21`,
  status: `/api/v1${within}/configmaps/${FAILOVER_STATUS_CONFIG_MAP}`,
  lease: `/apis/coordination.k8s.io/v1${within}/leases/${FAILOVER_CONTROLLER}`,
  scaledObject: (unit: string) => `/apis/keda.sh/v1alpha1${within}/scaledobjects/${unit}`,
  deployment: (unit: string) => `/apis/apps/v1${within}/deployments/${unit}`,
};
const kinds = ["Namespace", "ConfigMap", "Deployment", "HTTPRoute", "Lease", "ScaledObject"];
const sick = "sd21-inf2-neuron";

/** The objects of a plan that the report is about, and their namespace. */
function ofFleet(objects: readonly KubernetesObject[]): readonly KubernetesObject[] {
  return objects.filter(({ kind, metadata }) => {
    const place = kind === "Namespace" ? metadata.name : metadata.namespace;
    return kinds.includes(kind) && place === namespace;
  });
}

function tableIn(objects: readonly KubernetesObject[]): ModelRouteTable {
  const { data } = objects.find(({ metadata }) => metadata.name === "route-tables")!;
  return JSON.parse(data["sd21.json"]);
}

let objects: readonly KubernetesObject[];

describeOnApiServer(
  "`fleet routes`, on a cluster with fail-over,",
  (server) => {
    let cluster: TestCluster;
    let watching: Watching | undefined;

    before("apply the plan", async () => {
      await server().apply(objects);
      cluster = new TestCluster(server(), tableIn(objects));
      await cluster.taken();
    });

    beforeEach(async () => {
      await cluster.pin(null, null);
      await cluster.moveTo("cost");
      await cluster.say(cluster.status("cost"));
      await cluster.heardOf(new Date());
      for (const unit of cluster.units) await cluster.replicas(unit, 2, 2);
    });

    afterEach(() => watching?.kill());

    after(() => cluster?.close());

    it("shows a healthy one as configured, and nothing to complain of", async () => {
      const { models, failover } = await cluster.report();
      assert.equal(failover.state, "running");
      const [model] = models;
      assert.deepEqual([model!.mode, model!.configuredMode], ["cost", "cost"]);
      assert.deepEqual([...model!.drift, ...model!.problems], []);
      const weights = model!.units.map(({ unit, weight }) => [unit, weight]);
      assert.deepEqual(Object.fromEntries(weights), cluster.status("cost").weights);
      const { stdout } = await cluster.routes();
      assert.match(stdout, /^sd21 · cost mode, as configured$/m);
      assert.match(stdout, /sd21-inf2-neuron +40 +105 +2\/2 +0 +well +off +none/);
    });

    it("shows one that has failed over, with its evidence", async () => {
      await cluster.failOver();
      await cluster.replicas(sick, 5, 2);
      const { stdout, status } = await cluster.routes();
      assert.equal(status, 0);
      assert.match(stdout, /^sd21 · capacity mode \(config: cost\), failed over for \d+s$/m);
      assert.match(stdout, /because +sd21-inf2-neuron is short of machines/);
      assert.match(
        stdout,
        /sd21-inf2-neuron +– +89.2 +2\/5 +3 +short \d+s +waiting +capacity \d+s ago/,
      );
      assert.doesNotMatch(stdout, /Drift/);
    });

    it("shows a person's pin, and one that nobody can follow", async () => {
      await cluster.pin("capacity", "load test until 6");
      await cluster.moveTo("capacity");
      await cluster.say({
        ...cluster.status("capacity"),
        pin: { mode: "capacity", reason: "load test until 6" },
      });
      const { stdout } = await cluster.routes();
      assert.match(stdout, /^sd21 · capacity mode \(config: cost\), pinned$/m);
      assert.match(stdout, /^ {2}pin +capacity: load test until 6$/m);
      await cluster.pin("capcity", null);
      assert.match((await cluster.routes()).stdout, /! The pin "capcity" is ignored/);
    });

    it("points out what somebody has changed behind the controller's back", async () => {
      await cluster.moveTo("capacity");
      const { stdout } = await cluster.routes();
      assert.match(
        stdout,
        /Drift: The live route is in capacity mode, the controller's status says/,
      );
      const [model] = (await cluster.report()).models;
      assert.equal(model!.mode, "capacity");
    });

    it("takes a switch that is under way for no drift", async () => {
      await cluster.moveTo("capacity");
      const report = cluster.report();
      setTimeout(() => cluster.say(cluster.status("capacity")), 1500);
      const [model] = (await report).models;
      assert.deepEqual(model!.drift, []);
    });

    it("says for how long a dead controller has been silent", async () => {
      await cluster.heardOf(new Date(Date.now() - 600_000));
      const { stdout, status } = await cluster.routes();
      assert.equal(status, 0);
      assert.match(stdout, /its controller is dead: last heard of 10m ago \(a-pod\)/);
    });

    it("reports a status that nobody can read, and shows the rest", async () => {
      await cluster.write({ "sd21.json": '{"model": "sd21"' });
      const { stdout, status } = await cluster.routes();
      assert.equal(status, 0);
      assert.match(stdout, /! sd21.json in the ConfigMap failover-status cannot be read/);
      assert.match(stdout, /sd21-inf2-neuron +40 +105/);
    });

    it("prints one object and nothing else with --json", async () => {
      const { stdout, stderr } = await cluster.routes("--json", "--model", "sd21");
      const report: RoutesReport = JSON.parse(stdout);
      assert.equal(stderr, "");
      assert.equal(report.context, "test");
      assert.equal(report.models[0]!.units.length, 5);
    });

    it("goes on with --watch, and prints when something happens", async () => {
      watching = cluster.watch();
      await watching.until(/cost mode, as configured/);
      await cluster.failOver();
      await watching.until(/capacity mode \(config: cost\), failed over/);
      await cluster.moveTo("cost");
      await cluster.say(cluster.status("cost"));
      await watching.until(/failed over[\s\S]*cost mode, as configured/);
      const { status, stdout } = await watching.interrupt();
      assert.equal(status, 0);
      assert.ok(!stdout.includes("\u001b"), "it has control characters");
      // Nothing is printed for the passing of time; an intermediate picture may be.
      assert.ok(stdout.split("--- ").length <= 6, stdout);
    });

    it("needs no more rights than the docs list, and names those that are missing", async () => {
      const kubeconfig = await cluster.kubeconfigOf("viewer");
      const refused = await cluster.run("--kubeconfig", kubeconfig);
      assert.equal(refused.status, 2);
      assert.equal(refused.stdout, "");
      assert.match(
        refused.stderr,
        /context "viewer", https:\S+, refuses: httproutes.* is forbidden: .*\n?.*docs\/operations\/fail-over\.md#who-may-look/,
      );
      await server().apply(rightsInDocs());
      const allowed = await cluster.run("--kubeconfig", kubeconfig);
      assert.equal(allowed.stderr, "");
      assert.match(allowed.stdout, /^sd21 · cost mode, as configured$/m);
    });

    it("says that a token is not known, and how to log in", async () => {
      const kubeconfig = await cluster.kubeconfigOf("viewer", "guessed");
      const { status, stderr } = await cluster.run("--kubeconfig", kubeconfig);
      assert.equal(status, 2);
      assert.match(stderr, /does not know who you are \(Unauthorized\)\. Log in again/);
    });

    it("says which cluster cannot be reached, and which others there are", async () => {
      const kubeconfig = await cluster.kubeconfigOf("viewer", "any", "https://127.0.0.1:1");
      const { status, stdout, stderr } = await cluster.run("--kubeconfig", kubeconfig);
      assert.equal(status, 2);
      assert.equal(stdout, "");
      assert.match(
        stderr,
        /^The cluster of context "viewer", https:\/\/127\.0\.0\.1:1, cannot be reached/,
      );
      assert.match(stderr, /connect ECONNREFUSED/);
    });

    it("says what a kubeconfig lacks", async () => {
      const lost = await cluster.run("--kubeconfig", "/nowhere/config");
      assert.equal(lost.status, 2);
      assert.equal(lost.stderr, "There is no kubeconfig /nowhere/config.\n");
      const misspelt = await cluster.routes("--context", "tset");
      assert.equal(misspelt.status, 2);
      assert.match(misspelt.stderr, /has no context "tset": there are test\. Did you mean test\?/);
    });

    it("says that a namespace has no model", async () => {
      const { status, stderr } = await cluster.routes("--namespace", "default");
      assert.equal(status, 2);
      assert.match(stderr, /There is no model in namespace default of context "test", https:/);
    });
  },
  async () => {
    const plan = await environments.prod("cost");
    objects = ofFleet(plannedObjects(plan));
    return { version: clusterVersion(plan) };
  },
);

let objectsWithout: readonly KubernetesObject[];

describeOnApiServer(
  "`fleet routes`, on a cluster without fail-over,",
  (server) => {
    it("says that it is off, and shows the routes as they are", async () => {
      await server().apply(objectsWithout);
      const kubeconfig = ["--kubeconfig", server().kubeconfig];
      const { stdout, status } = await fleet("small", ["routes", ...kubeconfig]);
      assert.equal(status, 0);
      assert.match(stdout, /fail-over is off: routes are as the config says/);
      assert.match(stdout, /^ {2}unit +weight +target\/min +ready$/m);
      assert.match(stdout, /sd21-inf2-neuron +40 +105 +0\/1/);
    });
  },
  async () => {
    const plan = await planOf("dev", "failover.enabled=false");
    objectsWithout = ofFleet(plannedObjects(plan));
    return { version: clusterVersion(plan) };
  },
);

describeOnApiServer(
  "`fleet routes`, on somebody else's cluster,",
  (server) => {
    it("says that it is not one of this project's", async () => {
      const kubeconfig = ["--kubeconfig", server().kubeconfig];
      const { stderr, status } = await fleet("small", ["routes", ...kubeconfig]);
      assert.equal(status, 2);
      assert.match(stderr, /has no httproutes: it is not a cluster of this project's/);
    });
  },
  async () => ({ crds: [] }),
);

/** The manifests of the docs' chapter on who may look, for a service account. */
function rightsInDocs(): KubernetesObject[] {
  const page = readFileSync(resolve(__dirname, "../../docs/operations/fail-over.md"), "utf8");
  const chapter = page.split(/^## /m).find((text) => text.startsWith("Who may look\n"));
  const [, yaml = ""] = /```yaml\n(.*?)```/s.exec(chapter ?? "") ?? [];
  const subjects = [{ kind: "ServiceAccount", name: "viewer", namespace }];
  return yaml
    .split(/^---$/m)
    .map((text) => parse(text))
    .map((object) => (object.kind === "RoleBinding" ? { ...object, subjects } : object));
}

/** The cluster as a controller and others leave it. */
class TestCluster {
  readonly #server: ControlPlane;
  readonly #table: ModelRouteTable;
  readonly #api: KubeApi;

  constructor(server: ControlPlane, table: ModelRouteTable) {
    this.#server = server;
    this.#table = table;
    this.#api = new KubeApi(loadKubeConfig({ KUBECONFIG: server.kubeconfig }));
  }

  get units(): readonly string[] {
    return Object.keys(this.#table.units);
  }

  close(): void {
    this.#api.close();
  }

  /** What the load balancer's controller says of the route, of whatever generation. */
  async taken(): Promise<void> {
    const parentRef = { name: "gateway" };
    const condition = {
      type: "Accepted",
      status: "True",
      reason: "Accepted",
      message: "",
      lastTransitionTime: new Date().toISOString(),
      observedGeneration: 1_000_000,
    };
    const parents = [{ parentRef, controllerName: "example.com/any", conditions: [condition] }];
    await this.#api.mergePatch(`${paths.route}/status`, { status: { parents } });
  }

  /** Writes the route and the targets of a mode, as the controller does. */
  async moveTo(mode: RoutingMode): Promise<void> {
    const { rules, triggers } = this.#table.modes[mode];
    await this.#apply(paths.route, "gateway.networking.k8s.io/v1", "HTTPRoute", "sd21", { rules });
    for (const unit of this.units)
      await this.#apply(paths.scaledObject(unit), "keda.sh/v1alpha1", "ScaledObject", unit, {
        triggers: triggers[unit],
      });
  }

  async #apply(path: string, apiVersion: string, kind: string, name: string, spec: object) {
    const object = { apiVersion, kind, metadata: { name, namespace }, spec };
    await this.#api.apply(path, object, { fieldManager: FAILOVER_FIELD_MANAGER, force: true });
  }

  async failOver(): Promise<void> {
    await this.moveTo("capacity");
    await this.say({
      ...this.status("capacity"),
      failedOverSince: new Date().toISOString(),
      reason: `${sick} is short of machines (capacity, NodeClaim prod-${sick}-x7k2p)`,
      units: { ...this.status("capacity").units, [sick]: this.#short() },
    });
  }

  status(mode: RoutingMode): ModelStatus {
    const { configuredMode, modes } = this.#table;
    const since = new Date().toISOString();
    const well: UnitStatus = {
      state: "well",
      since,
      ready: 2,
      desired: 2,
      pending: 0,
      probe: "off",
      affected: false,
    };
    return {
      model: "sd21",
      mode,
      configuredMode,
      reason: "as configured",
      since,
      weights: Object.fromEntries(
        modes[mode].backends.map(({ service, weight }) => [service, weight]),
      ),
      units: Object.fromEntries(this.units.map((unit) => [unit, well])),
      switches: [],
    };
  }

  #short(): UnitStatus {
    const at = new Date().toISOString();
    return {
      state: "short",
      since: at,
      ready: 2,
      desired: 5,
      pending: 3,
      pendingSince: at,
      evidence: {
        cause: "capacity",
        source: `NodeClaim prod-${sick}-x7k2p`,
        message: "creating instance, insufficient capacity",
        firstSeen: at,
        lastSeen: at,
      },
      probe: "waiting",
      affected: true,
    };
  }

  /** Writes the status that a controller would. */
  say(status: ModelStatus): Promise<void> {
    return this.write({ "sd21.json": JSON.stringify(status) });
  }

  async write(data: Readonly<Record<string, string>>): Promise<void> {
    await this.#api.mergePatch(paths.status, { data });
  }

  async heardOf(at: Date): Promise<void> {
    const renewTime = at.toISOString().replace("Z", "000Z");
    const spec = { holderIdentity: "a-pod", leaseDurationSeconds: 15, renewTime };
    await this.#api.mergePatch(paths.lease, { spec });
  }

  async pin(mode: string | null, reason: string | null): Promise<void> {
    const annotations = { [PIN_ANNOTATION]: mode, [PIN_REASON_ANNOTATION]: reason };
    await this.#api.mergePatch(paths.route, { metadata: { annotations } });
  }

  async replicas(unit: string, desired: number, ready: number): Promise<void> {
    await this.#api.mergePatch(paths.deployment(unit), { spec: { replicas: desired } });
    await this.#api.mergePatch(`${paths.deployment(unit)}/status`, {
      status: { replicas: desired, readyReplicas: ready },
    });
  }

  run(...args: string[]): Promise<Ended> {
    return fleet("small", ["routes", ...args]);
  }

  routes(...args: string[]): Promise<Ended> {
    return this.run("--kubeconfig", this.#server.kubeconfig, ...args);
  }

  async report(): Promise<RoutesReport> {
    const { stdout, stderr } = await this.routes("--json");
    assert.equal(stderr, "");
    return JSON.parse(stdout);
  }

  watch() {
    return new Watching(["--kubeconfig", this.#server.kubeconfig]);
  }

  /** A kubeconfig of a service account, which may do nothing until somebody lets it. */
  async kubeconfigOf(name: string, token?: string, address?: string): Promise<string> {
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } };
    await this.#server.apply([account]);
    const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
    const path = `/api/v1${within}/serviceaccounts/${name}/token`;
    const { status } = (await this.#api.create(path, request)) as unknown as {
      status: { token: string };
    };
    const config = parse(readFileSync(this.#server.kubeconfig, "utf8"));
    const [cluster] = config.clusters;
    if (address !== undefined) cluster.cluster.server = address;
    const file = join(this.#server.processes.folder, `${name}.kubeconfig`);
    const own = {
      ...config,
      users: [{ name, user: { token: token ?? status.token } }],
      contexts: [{ name, context: { cluster: cluster.name, user: name } }],
      "current-context": name,
    };
    writeFileSync(file, stringify(own));
    return file;
  }
}

/** `fleet routes --watch` with its output in a pipe. */
class Watching {
  readonly #child;
  #stdout = "";

  constructor(args: readonly string[]) {
    const launcher = resolve(__dirname, "../../cli/fleet.mjs");
    this.#child = spawn(process.execPath, [launcher, "routes", "--watch", ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      this.#stdout += chunk;
    });
  }

  async until(pattern: RegExp): Promise<void> {
    for (const deadline = Date.now() + 30_000; !pattern.test(this.#stdout); ) {
      assert.ok(Date.now() < deadline, `in 30 s: ${pattern}, but it is:\n${this.#stdout}`);
      assert.equal(this.#child.exitCode, null, this.#stdout);
      await new Promise((again) => setTimeout(again, 50));
    }
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async interrupt(): Promise<{ status: number | null; stdout: string }> {
    const ended = once(this.#child, "close");
    this.#child.kill("SIGINT");
    const [status] = (await ended) as [number | null];
    return { status, stdout: this.#stdout };
  }
}
