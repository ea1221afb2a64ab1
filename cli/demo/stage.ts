import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { QUEUE_AGENT, TASK_API } from "../../contracts/tasks/settings";
import type { LocalWorld } from "../localAws/localWorld";
import type { Bundles } from "./bundles";
import type { Processes } from "./processes";

/** What everything runs in. */
export interface Stage {
  readonly processes: Processes;
  readonly bundles: Bundles;
  readonly world: LocalWorld;
  /** Of whoever asks moto. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface LocalApi {
  readonly url: string;
  /** What its clients have to send. */
  readonly key: string;
}

const API_KEY = "demo";

/** Starts the API, without Lambda and API Gateway. */
export async function startApi({
  processes,
  bundles,
  world,
  environment,
}: Stage): Promise<LocalApi> {
  const port = await processes.start(
    {
      name: TASK_API,
      args: [bundles.taskApi],
      environment: { ...world.taskApi, ...environment, PORT: "0", API_KEY },
    },
    (line) => /"port":(\d+)/.exec(line)?.[1],
  );
  return { url: `http://127.0.0.1:${port}`, key: API_KEY };
}

/** Starts an agent and its runtime: what a pod is on a cluster. */
export async function startAgent(
  { processes, bundles, world, environment }: Stage,
  runtime: string,
  index: number,
): Promise<void> {
  const port = await processes.start(
    { name: `runtime-${runtime}-${index}`, args: [bundles.drawingRuntime], environment: {} },
    (line) => (/^\d+$/.test(line) ? line : undefined),
  );
  await processes.start(
    {
      name: `${QUEUE_AGENT}-${runtime}-${index}`,
      args: [bundles.queueAgent],
      environment: {
        ...world.agents.get(runtime),
        ...environment,
        POD_NAME: `${runtime}-${index}`,
        RUNTIME_URL: `http://127.0.0.1:${port}`,
        PORT: String(await freePort()),
      },
    },
    () => true,
  );
}

/** For an agent's own port, which its settings name. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
