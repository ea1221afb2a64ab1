import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { makeBundles } from "../../../cli/demo/bundles";
import { Processes } from "../../../cli/demo/processes";
import { startAgent, startApi } from "../../../cli/demo/stage";
import { clientsAt, createFromPlan, type LocalWorld } from "../../../cli/localAws/localWorld";
import { planOf } from "../../program/planned";
import { type Moto, motoEnvironment } from "../../python/moto";
import type { Ended } from "../fleetProcess";
import { writeProject } from "./projectOf";
import { twoRuntimes } from "./twoRuntimes";

const root = resolve(__dirname, "../../..");

/** The whole path on moto: the API, and an agent with a runtime that draws for `drawings`. */
export interface TaskStage {
  readonly world: LocalWorld;
  readonly aws: ReturnType<typeof clientsAt>;
  /** Where tests put files. */
  readonly folder: string;
  /** `fleet tasks …`, as its users run it. */
  fleetTasks(args: readonly string[], more?: FleetOptions): Promise<Ended>;
  stop(): Promise<void>;
}

interface FleetOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

export async function startTaskStage(moto: Moto): Promise<TaskStage> {
  const folder = mkdtempSync(join(tmpdir(), "fleet-tasks-"));
  const project = join(folder, "project");
  mkdirSync(project);
  writeProject(project, twoRuntimes);
  const processes = new Processes(folder);
  const bundles = await makeBundles(root, processes);
  const world = await createFromPlan(await planOf("dev", ...twoRuntimes), moto.endpoint);
  const environment = motoEnvironment(moto, world.region);
  const stage = { processes, bundles, world, environment };
  const { url, key } = await startApi(stage);
  await startAgent(stage, "drawings", 1);
  const aws = clientsAt(moto.endpoint, world.region);
  return {
    world,
    aws,
    folder,
    fleetTasks: (args, { environment: more = {}, stdin = "" } = {}) =>
      run(
        ["tasks", ...args],
        {
          ...environment,
          DIFFUSION_FLEET_PROJECT: project,
          FLEET_API_URL: url,
          FLEET_API_KEY: key,
          ...more,
        },
        stdin,
      ),
    stop: async () => {
      await processes.end();
      for (const client of Object.values(aws)) client.destroy();
      rmSync(folder, { recursive: true });
    },
  };
}

function run(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  stdin: string,
): Promise<Ended> {
  return new Promise((ended, failed) => {
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, [join(root, "cli/fleet.mjs"), ...args], {
      cwd: root,
      env: { PATH, HOME, ...environment },
    });
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].setEncoding("utf8").on("data", (chunk: string) => {
        output[stream] += chunk;
      });
    child.stdin.end(stdin);
    child.on("error", failed);
    child.on("close", (status) => ended({ status, ...output }));
  });
}
