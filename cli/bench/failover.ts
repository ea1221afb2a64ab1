import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { RouteRule } from "../../contracts/routeTable";
import {
  prepareControlPlane,
  startControlPlane,
} from "../../tests/cluster/controlPlane/controlPlane";
import { eventually } from "../../tests/cluster/eventually";
import {
  type ControllerProcess,
  ControllerProcesses,
} from "../../tests/cluster/failover/controllerProcess";
import { FleetOnServer } from "../../tests/cluster/failover/fleetOnServer";
import type { PlanDocument } from "../plan/document";
import { orUserError } from "./apiServer";
import type { Bench, BenchContext } from "./bench";
import { type Row, row } from "./row";
import { seedDetectionSeconds } from "./seedChecker";

const SHORTAGES = 200;
const UNIT = "sd21-inf2-neuron";

/** A large fleet: ten models of five units, a thousand pods. */
const MODELS = 10;
const PODS = 1000;
const QUIET_SECONDS = 30;

/** The controller as its image has it, with its own rights, on a real API server. */
export const failoverBench: Bench = {
  about: "fail-over: from the evidence of a shortage to the accepted route; memory with 50 units",
  prepare: ({ progress }) => orUserError("failover", () => prepareControlPlane(progress)),
  measure: (context) =>
    orUserError("failover", async () => [...(await latency(context)), ...(await size(context))]),
};

/** One shortage after the other, without a time to confirm: evidence until the route is accepted. */
async function latency({ launcher, progress }: BenchContext): Promise<Row[]> {
  const seconds: number[] = [];
  await withController(await planOf(launcher, "prod"), async (fleet) => {
    const { machines, table } = fleet;
    for (const unit of Object.keys(table.units)) await machines.serve(unit, 2);
    await configure(fleet, {
      confirmSeconds: 0,
      recoverSeconds: 0,
      dwellSeconds: 0,
      maxSwitchesPerHour: 3600,
    });
    const { accepted, stop } = watchRoute(fleet);
    for (let shortage = 1; shortage <= SHORTAGES; shortage++) {
      if (shortage % 20 === 1) progress(`shortage ${shortage} of ${SHORTAGES}`);
      const pod = await machines.addPod(UNIT, "waiting");
      const failedOver = accepted((weights) => weights.sd21 === 1);
      const evidence = performance.now();
      await machines.refuse(UNIT);
      seconds.push(((await failedOver) - evidence) / 1000);
      await machines.removePod(UNIT, pod);
      const back = accepted((weights) => weights[UNIT] === 40);
      await machines.launch(UNIT);
      await back;
    }
    stop();
  });
  seconds.sort((a, b) => a - b);
  const theirs = seedDetectionSeconds(SHORTAGES);
  return ([50, 99] as const).map((percent) => percentile(percent, seconds, theirs));
}

/** A percentile of all shortages in place of their median. */
function percentile(percent: number, ours: readonly number[], theirs: readonly number[]): Row {
  const of = (values: readonly number[]) => values[Math.ceil((values.length * percent) / 100) - 1]!;
  const what = { name: "failover", metric: `p${percent}`, unit: "s", better: "lower" } as const;
  const all = row(what, ours);
  const script = { name: "seed 001's script, by its own sleeps", values: [of(theirs)] };
  return { ...row(what, [of(ours)], script), min: all.min, max: all.max, runs: all.runs };
}

async function size({ launcher, progress }: BenchContext): Promise<Row[]> {
  progress(`${MODELS * 5} units, ${PODS} pods`);
  const rows: Row[] = [];
  await withController(
    await planOf(launcher, "prod", ...manyModels()),
    async (fleet, controller) => {
      const units = [...fleet.machines.deployments.keys()].filter(
        (name) => !name.endsWith("-probe"),
      );
      for (let pod = 0; pod < PODS; pod += units.length)
        await Promise.all(units.map((unit) => fleet.machines.addPod(unit, "ready")));
      await eventually("all pods are seen", async () => (await readyPods(fleet)) === PODS, 60000);
      progress(`quiet for ${QUIET_SECONDS} s`);
      const before = controller.cpuSeconds();
      await new Promise((resolve) => setTimeout(resolve, QUIET_SECONDS * 1000));
      const cpu = ((controller.cpuSeconds() - before) / QUIET_SECONDS) * 1000;
      const what = { name: "failover", better: "lower" } as const;
      const scale = `${units.length} units, ${PODS} pods`;
      rows.push(
        row({ ...what, metric: `peak memory, ${scale}`, unit: "MiB" }, [controller.peakMiB()]),
        row({ ...what, metric: `CPU when quiet, ${scale}`, unit: "ms/s" }, [cpu]),
      );
    },
  );
  return rows;
}

/** Pods that the controller says are ready, of all models. */
async function readyPods(fleet: FleetOnServer): Promise<number> {
  let ready = 0;
  for (let model = 0; model < MODELS; model++) {
    const status = await fleet.status(`m${model}`);
    for (const unit of Object.values(status?.units ?? {})) ready += unit.ready;
  }
  return ready;
}

/** Assignments that make ten models of the five kinds of unit. */
function manyModels(): string[] {
  const kinds = [
    ["inf2", "neuron"],
    ["trn1", "neuron"],
    ["g5", "triton"],
    ["g6", "triton"],
    ["g5", "cuda"],
  ] as const;
  const names = Array.from({ length: MODELS }, (_, index) => `m${index}`);
  const models = Object.fromEntries(names.map((name) => [name, { pathPrefix: `/${name}` }]));
  const units = Object.fromEntries(
    names.flatMap((model) =>
      kinds.map(([accelerator, framework]) => [
        `${model}-${accelerator}-${framework}`,
        {
          model,
          accelerator,
          framework,
          replicas: { min: 1, max: 1 },
          measurement: { throughput: 60, latencySeconds: 1 },
        },
      ]),
    ),
  );
  return [`models=${JSON.stringify(models)}`, `units=${JSON.stringify(units)}`];
}

async function withController(
  document: PlanDocument,
  act: (fleet: FleetOnServer, controller: ControllerProcess) => Promise<void>,
): Promise<void> {
  const server = await startControlPlane();
  const processes = new ControllerProcesses();
  try {
    const fleet = await FleetOnServer.of(server, { document });
    const controller = await processes.start(fleet, "failover-controller-0");
    await eventually("it leads", () => controller.leads());
    await eventually("it has looked", async () => (await fleet.status()) !== undefined);
    await act(fleet, controller);
  } finally {
    processes.stop();
    await server.stop();
  }
}

async function configure(fleet: FleetOnServer, settings: object): Promise<void> {
  const path = `/api/v1/namespaces/${fleet.namespace}/configmaps/failover-settings`;
  await fleet.api.mergePatch(path, { data: { "settings.json": JSON.stringify(settings) } });
}

/** Tells when a watch of the route has shown weights, in milliseconds by `performance.now()`. */
function watchRoute(fleet: FleetOnServer) {
  type Wanted = (weights: Readonly<Record<string, number>>) => boolean;
  const waiting = new Set<{ readonly wanted: Wanted; readonly resolve: (at: number) => void }>();
  const stop = fleet.watchRules((rules: readonly RouteRule[]) => {
    const [traffic] = rules;
    const weights = Object.fromEntries(
      (traffic?.backendRefs ?? []).map(({ name, weight }) => [name, weight]),
    );
    const at = performance.now();
    for (const each of waiting)
      if (each.wanted(weights)) {
        waiting.delete(each);
        each.resolve(at);
      }
  });
  const accepted = (wanted: Wanted) =>
    new Promise<number>((resolve, reject) => {
      const each = { wanted, resolve };
      waiting.add(each);
      setTimeout(() => {
        if (waiting.has(each)) reject(new Error("the route was not written within 60 s"));
      }, 60_000).unref();
    });
  return { accepted, stop };
}

async function planOf(
  launcher: string,
  stack: string,
  ...assignments: string[]
): Promise<PlanDocument> {
  const set = assignments.flatMap((assignment) => ["--set", assignment]);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [launcher, "plan", "--stack", stack, "--json", ...set],
    { maxBuffer: 256 * 1024 * 1024 },
  );
  return JSON.parse(stdout) as PlanDocument;
}
