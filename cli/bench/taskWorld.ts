import { dirname } from "node:path";
import { clientsAt, createFromPlan } from "../localAws/localWorld";
import { motoEnvironment, startMoto } from "../localAws/moto";
import type { Settings } from "../localAws/plannedSettings";
import { pythonWithMoto } from "../localAws/python";
import { makePlan, type Plan } from "../plan/makePlan";
import { readStackConfig } from "../plan/stackConfig";
import type { BenchContext } from "./bench";

/** The asynchronous path's queues, topics, table and buckets of `dev`, on a moto of its own. */
export interface TaskWorld {
  /** The Python that runs moto. */
  readonly interpreter: string;
  /** The runtime that is measured. */
  readonly runtime: string;
  /** What the program gives to that runtime's agents. */
  readonly agent: Settings;
  /** What the program gives to the API's function. */
  readonly taskApi: Settings;
  /** What tells a process where AWS is. */
  readonly aws: Settings;
  readonly clients: ReturnType<typeof clientsAt>;
  stop(): void;
}

/** Installs moto where it is not there yet. @throws UserError when it cannot be had */
export async function prepareTaskWorlds({ launcher, progress }: BenchContext): Promise<void> {
  await pythonWithMoto(dirname(dirname(launcher)), progress);
}

/**
 * Starts one after the other, each with nothing in it yet.
 *
 * @param callMilliseconds so much longer takes each call to AWS. Default: 0
 */
export type StartTaskWorld = (callMilliseconds?: number) => Promise<TaskWorld>;

/**
 * Plans `dev`.
 *
 * @throws UserError when moto cannot be had
 */
export async function planTaskWorlds({
  launcher,
  progress,
}: BenchContext): Promise<StartTaskWorld> {
  const root = dirname(dirname(launcher));
  const interpreter = await pythonWithMoto(root, progress);
  progress("planning dev");
  const plan = await planOfDev(root);
  return (callMilliseconds) => startTaskWorld(plan, interpreter, callMilliseconds);
}

async function startTaskWorld(
  plan: Plan,
  interpreter: string,
  callMilliseconds: number | undefined,
): Promise<TaskWorld> {
  const moto = await startMoto(interpreter, callMilliseconds);
  try {
    const { agents, taskApi, region } = await createFromPlan(plan, moto.endpoint);
    const [first] = agents;
    if (first === undefined || taskApi === undefined)
      throw new Error("the plan of dev has no asynchronous path");
    const [runtime, agent] = first;
    const clients = clientsAt(moto.endpoint, region);
    return {
      interpreter,
      runtime,
      agent,
      taskApi,
      aws: {
        ...motoEnvironment(moto, region),
        // boto3 knows no AWS_REGION.
        AWS_DEFAULT_REGION: region,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      },
      clients,
      stop: () => {
        for (const client of Object.values(clients)) client.destroy();
        moto.stop();
      },
    };
  } catch (error) {
    moto.stop();
    throw error;
  }
}

/** Without traces, which Pulumi's SDK captures several times per property. */
async function planOfDev(root: string): Promise<Plan> {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    const { unjudged } = await import("../program");
    return await makePlan(unjudged, "dev", readStackConfig(root, "dev"));
  } finally {
    Error.stackTraceLimit = limit;
  }
}
