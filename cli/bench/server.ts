import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import autocannon from "autocannon";
import { freePorts } from "../../tests/cluster/controlPlane/freePorts";
import { serverFolder } from "../serverPython";
import type { Bench, BenchContext } from "./bench";
import { MeasuredProcess } from "./measuredProcess";
import { installTorch, pythonWithTorch } from "./pythonWithTorch";
import { type Row, row } from "./row";

const RUNS = 3;
const CLIENTS = [1, 8, 64] as const;
const LOAD_SECONDS = 4;
const WARM_UP_SECONDS = 2;

/** Of the tiny model: images of 64 by 64 pixels. */
const STEPS = 2;

/** Images in one call of the pipeline, where requests are made together. */
const BATCH = 16;

/** Requests that wait, so that none of 64 clients is refused. */
const QUEUE = 128;

type Figures = Readonly<
  Record<(typeof CLIENTS)[number], { readonly rates: number[]; readonly p99s: number[] }>
>;

/**
 * Clients that each ask again as soon as they are answered, of a tiny model on this machine's
 * processors: what batching gains is the work that a call does once, whatever it makes.
 */
export const serverBench: Bench = {
  about: "the inference server: images a second and p99 with and without batching, its overhead",
  prepare: installTorch,
  measure: async (context) => {
    const servers = await serversOf(context);
    const batched = newFigures();
    const single = newFigures();
    const seed = newFigures();
    const instant = newFigures();
    for (let run = 1; run <= RUNS; run++)
      for (const [who, figures, start, clients] of [
        ["batched", batched, servers.batched, CLIENTS],
        ["one at a time", single, servers.single, CLIENTS],
        ["seed 001's way", seed, servers.seed, CLIENTS],
        ["no pipeline", instant, servers.instant, [1]],
      ] as const) {
        context.progress(`run ${run} of ${RUNS}, ${who}`);
        await measured(start, clients, figures);
      }
    return rows({ batched, single, seed, instant });
  },
};

function newFigures(): Figures {
  return { 1: newFigure(), 8: newFigure(), 64: newFigure() };
}

function newFigure() {
  return { rates: [] as number[], p99s: [] as number[] };
}

function rows({ batched, single, seed, instant }: Record<string, Figures>): Row[] {
  const against = "one pipeline call per request";
  return [
    ...CLIENTS.flatMap((clients) => [
      row(
        { name: "server", metric: `throughput-${clients}`, unit: "images/s", better: "higher" },
        batched![clients].rates,
        { name: against, values: seed![clients].rates },
      ),
      row(
        { name: "server", metric: `p99-${clients}`, unit: "ms", better: "lower" },
        batched![clients].p99s,
        { name: against, values: seed![clients].p99s },
      ),
    ]),
    ...CLIENTS.flatMap((clients) => [
      row(
        {
          name: "server",
          metric: `throughput-${clients}, batches of 1`,
          unit: "images/s",
          better: "higher",
        },
        single![clients].rates,
        { name: against, values: seed![clients].rates },
      ),
    ]),
    row(
      { name: "server", metric: "overhead per request", unit: "ms", better: "lower" },
      instant![1].rates.map((rate) => 1000 / rate),
    ),
  ];
}

/** Loads a server with each number of clients, and ends it. */
async function measured(
  start: () => Promise<Started>,
  clients: readonly (typeof CLIENTS)[number][],
  figures: Figures,
): Promise<void> {
  const { process, url } = await start();
  try {
    await untilReady(process, url);
    await load(url, 8, WARM_UP_SECONDS);
    for (const connections of clients) {
      const { rate, p99 } = await load(url, connections, LOAD_SECONDS);
      figures[connections].rates.push(rate);
      figures[connections].p99s.push(p99);
    }
  } finally {
    await process.stop();
  }
}

/** @throws Error when an answer is not 200 */
async function load(url: string, connections: number, seconds: number) {
  const result = await autocannon({
    url: `${url}/v1/images/generations`,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt: "a lighthouse at night", steps: STEPS, seed: 7 }),
    connections,
    duration: seconds,
    timeout: 60,
  });
  const failed = result.non2xx + result.errors;
  if (failed > 0) throw new Error(`${failed} requests were not answered by an image`);
  return { rate: result["2xx"] / result.duration, p99: result.latency.p99 };
}

interface Started {
  readonly process: MeasuredProcess;
  readonly url: string;
}

/** Ways to start a server of the tiny model. */
async function serversOf({ launcher, folder }: BenchContext) {
  const root = dirname(dirname(launcher));
  const interpreter = pythonWithTorch(root);
  const scripts = join(root, "cli/bench");
  const model = join(folder, "tiny-stable-diffusion");
  const environment = {
    HOME: process.env.HOME ?? "/tmp",
    PYTHONPATH: [serverFolder(root), join(root, "tests/apps/inference-server")].join(":"),
    FRAMEWORK: "cpu",
    SAFETY_CHECKER: "off",
    MODEL_PATH: model,
    CACHE_PATH: `${model}.cache`,
    QUEUE_IMAGES: String(QUEUE),
    LOG_LEVEL: "error",
  };
  const source = `from pathlib import Path; from tiny_models import save_tiny_sd; save_tiny_sd(Path(${JSON.stringify(model)}))`;
  await promisify(execFile)(interpreter, ["-W", "ignore", "-c", source], { env: environment });

  const start = async (args: readonly string[], settings: Readonly<Record<string, string>>) => {
    const [port] = await freePorts(1);
    return {
      process: new MeasuredProcess(interpreter, ["-W", "ignore", ...args], {
        ...environment,
        ...settings,
        PORT: String(port),
      }),
      url: `http://127.0.0.1:${port}`,
    };
  };
  const serve = ["-m", "inference_server", "serve"];
  return {
    batched: () => start(serve, { MAX_BATCH: String(BATCH) }),
    single: () => start(serve, { MAX_BATCH: "1" }),
    seed: () => start([join(scripts, "pipelineServer.py")], {}),
    instant: () => start([join(scripts, "instantServer.py")], { MAX_BATCH: "1", SIZES: "512x512" }),
  };
}

async function untilReady(process: MeasuredProcess, url: string): Promise<void> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    const answer = await fetch(`${url}/readiness`).catch(() => undefined);
    if (answer?.ok) return;
    process.assertRunning();
    if (performance.now() > deadline) throw new Error("the server is not ready after two minutes");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
