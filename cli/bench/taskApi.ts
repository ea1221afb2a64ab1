import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { APIGatewayProxyEvent } from "aws-lambda";
import type { Api } from "../../apps/task-api/api";
import { settingsSchema } from "../../apps/task-api/settings";
import { submit } from "../../apps/task-api/submit";
import { taskFunctionBundle } from "../../components/taskFunctionCode";
import { freePorts } from "../../tests/cluster/controlPlane/freePorts";
import type { Bench, BenchContext } from "./bench";
import { runNode } from "./childProcess";
import { type Row, row } from "./row";
import { planTaskWorlds, prepareTaskWorlds, type TaskWorld } from "./taskWorld";

const STARTS = 9;
const RUNS = 5;

/** Seconds of one measurement of the validation. */
const VALIDATION_SECONDS = 1;

/** Requests of one measurement of the served API, and how many clients send them. */
const POSTS = { requests: 200, clients: 4 };

/** The API's function, as it is deployed and without what AWS does around it. */
export const taskApiBench: Bench = {
  about: "the task API: its bundle, a cold start on moto, validation, requests on moto",
  prepare: prepareTaskWorlds,
  measure: async (context) => {
    const bundle = await bundleFunction(context);
    const world = await (await planTaskWorlds(context))();
    try {
      return [
        figure("bundle", "KiB", "lower", [statSync(bundle).size / 1024]),
        await coldStart(context, world, bundle),
        ...(await validation(context, world)),
        await served(context, world),
      ];
    } finally {
      world.stop();
    }
  },
};

function figure(metric: string, unit: string, better: Row["better"], values: readonly number[]) {
  return row({ name: "task-api", metric, unit, better }, values);
}

/** As the program hands it to Lambda. */
async function bundleFunction({ folder }: BenchContext): Promise<string> {
  const file = join(folder, "task-api-function.cjs");
  writeFileSync(file, await taskFunctionBundle());
  return file;
}

/** The function's handler behind an HTTP server. */
async function bundleServer({ launcher, folder }: BenchContext): Promise<string> {
  const file = join(folder, "task-api-server.cjs");
  const bundler = join(dirname(dirname(launcher)), "apps/bundle.mjs");
  await promisify(execFile)(process.execPath, [bundler, "task-api/local", file]);
  return file;
}

/** New processes that load the bundle and answer one POST, and as many that only start Node. */
async function coldStart(
  { folder, progress }: BenchContext,
  world: TaskWorld,
  bundle: string,
): Promise<Row> {
  const script = join(folder, "task-api-first-answer.cjs");
  const nothing = join(folder, "task-api-nothing.cjs");
  writeFileSync(nothing, "process.exit(0);\n");
  const first: number[] = [];
  const bare: number[] = [];
  for (let run = 1; run <= STARTS; run++) {
    progress(`cold start ${run} of ${STARTS}`);
    writeFileSync(script, firstAnswer(bundle, eventOf(requestOf(world, 1024))));
    const environment = { ...world.taskApi, ...world.aws };
    first.push((await runNode(folder, [script], "", environment)).wallSeconds);
    bare.push((await runNode(folder, [nothing])).wallSeconds);
  }
  const milliseconds = (seconds: readonly number[]) => seconds.map((each) => each * 1000);
  return row(
    { name: "task-api", metric: "new process to its first 202", unit: "ms", better: "lower" },
    milliseconds(first),
    { name: "a Node that does nothing", values: milliseconds(bare) },
  );
}

function firstAnswer(bundle: string, event: APIGatewayProxyEvent): string {
  return `
const { handler } = require(${JSON.stringify(bundle)});
handler(${JSON.stringify(event)}, { awsRequestId: "first", functionName: "task-api" }).then(
  ({ statusCode, body }) => {
    if (statusCode !== 202) throw new Error(statusCode + " " + body);
    process.exit(0);
  },
);
`;
}

/** \`POST /v1/tasks\` in this process, from the event to the answer, with AWS left out. */
async function validation({ progress }: BenchContext, world: TaskWorld): Promise<Row[]> {
  const api = withoutAws(world);
  const rows: Row[] = [];
  for (const [title, bytes] of [
    ["1 KiB", 1024],
    ["1 MiB", 2 ** 20],
  ] as const) {
    progress(`validation of ${title}`);
    const event = eventOf(requestOf(world, bytes));
    await requestsIn(api, event, VALIDATION_SECONDS / 4);
    const values: number[] = [];
    for (let run = 0; run < RUNS; run++)
      values.push(await requestsIn(api, event, VALIDATION_SECONDS));
    rows.push(figure(`validation, body of ${title}`, "1/s", "higher", values));
  }
  return rows;
}

/** @returns requests a second */
async function requestsIn(api: Api, event: APIGatewayProxyEvent, seconds: number): Promise<number> {
  const started = performance.now();
  let requests = 0;
  let elapsed = 0;
  while (elapsed < seconds * 1000) {
    const { statusCode, body } = await submit(api, event);
    if (statusCode !== 202) throw new Error(`${statusCode} ${body}`);
    requests++;
    elapsed = performance.now() - started;
  }
  return (requests / elapsed) * 1000;
}

/** An API whose table takes every record, and whose topic every message. */
function withoutAws(world: TaskWorld): Api {
  const settings = settingsSchema.parse(world.taskApi);
  return {
    settings,
    inputs: { hosts: settings.INPUT_HOSTS, buckets: settings.INPUT_BUCKETS },
    store: { add: async () => ({ isDone: true }) },
    publisher: { publish: async () => undefined },
  } as unknown as Api;
}

/** The same handler over HTTP on loopback; what counts here is mostly moto. */
async function served(context: BenchContext, world: TaskWorld): Promise<Row> {
  const { progress } = context;
  const bundle = await bundleServer(context);
  const [port] = await freePorts(1);
  const server = spawn(process.execPath, [bundle], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      PATH: process.env.PATH,
      ...world.taskApi,
      ...world.aws,
      PORT: String(port),
      LOG_LEVEL: "error",
    },
  });
  try {
    const url = `http://127.0.0.1:${port}/v1/tasks`;
    await answering(url);
    const values: number[] = [];
    for (let run = 1; run <= RUNS; run++) {
      progress(`requests on moto, ${run} of ${RUNS}`);
      values.push(await postsPerSecond(url, world));
    }
    return figure(`POST on moto, ${POSTS.clients} clients, body of 1 KiB`, "1/s", "higher", values);
  } finally {
    const ended = once(server, "exit");
    server.kill("SIGKILL");
    await ended;
  }
}

async function postsPerSecond(url: string, world: TaskWorld): Promise<number> {
  const started = performance.now();
  const client = async () => {
    for (let sent = 0; sent < POSTS.requests / POSTS.clients; sent++) {
      const body = JSON.stringify(requestOf(world, 1024));
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      const text = await response.text();
      if (response.status !== 202) throw new Error(`${response.status} ${text}`);
    }
  };
  await Promise.all(Array.from({ length: POSTS.clients }, client));
  return (POSTS.requests / (performance.now() - started)) * 1000;
}

async function answering(url: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (
    !(await fetch(url).then(
      () => true,
      () => false,
    ))
  ) {
    if (performance.now() > deadline) throw new Error("the API does not answer within 30 s");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A new task whose request has about so many bytes; a large one has an image, as clients send it. */
function requestOf({ runtime }: TaskWorld, bytes: number) {
  const prompt = "a lighthouse at dusk, oil on canvas, ".repeat(8);
  const image = bytes > 4096 ? { init_images: ["A".repeat(bytes - 1024)] } : {};
  return {
    id: randomUUID(),
    runtime,
    type: image.init_images === undefined ? "text-to-image" : "image-to-image",
    prefix: "bench",
    context: { user: "bench", trace: randomUUID() },
    content: { prompt, negative_prompt: prompt, n: 1, size: "512x512", steps: 25, ...image },
  };
}

/** As much of API Gateway's event as the function looks at. */
function eventOf(request: object): APIGatewayProxyEvent {
  return {
    resource: "/v1/tasks",
    path: "/v1/tasks",
    httpMethod: "POST",
    headers: { "Content-Type": "application/json" },
    multiValueHeaders: { "Content-Type": ["application/json"] },
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: null,
    stageVariables: null,
    body: JSON.stringify(request),
    isBase64Encoded: false,
    requestContext: { path: "/prod/v1/tasks" } as APIGatewayProxyEvent["requestContext"],
  };
}
