import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { BatchWriteItemCommand } from "@aws-sdk/client-dynamodb";
import { paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand, SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import { marshall } from "@aws-sdk/util-dynamodb";
import { RUNTIME_ATTRIBUTE, type TaskMessage } from "../../contracts/tasks/message";
import type { TaskRecord } from "../../contracts/tasks/record";
import { freePorts } from "../../tests/cluster/controlPlane/freePorts";
import type { Bench, BenchContext } from "./bench";
import { MeasuredProcess } from "./measuredProcess";
import {
  idleMilliseconds,
  type RecordingRuntime,
  requestsPerSecond,
  startRecordingRuntime,
} from "./recordingRuntime";
import { type Row, row } from "./row";
import {
  planTaskWorlds,
  prepareTaskWorlds,
  type StartTaskWorld,
  type TaskWorld,
} from "./taskWorld";

const RUNS = 3;

/** A runtime as slow as a small model, and one that shows what the agent itself can do. */
const SLOW = { milliseconds: 500, tasks: 16 };
const INSTANT = { milliseconds: 0, tasks: 100 };

/**
 * moto answers from one process of Python, whose work for a task is the bound on a small machine, and
 * does so at once. AWS has no such bound, and takes longer: SQS "tens or low hundreds of milliseconds"
 * (Amazon SQS FAQ), S3 100 to 200 ms (its performance guidelines), DynamoDB single digits. So tasks a
 * second are measured in this way, too.
 */
const FAR_CALL_MS = 20;

const PREFIX = "bench";
const REQUEST_HASH = "0".repeat(64);

/** What agents do to a queue of tasks, ours and one that does one thing after the other, in turn. */
export const agentBench: Bench = {
  about: "the queue agent on moto: idle time of its runtime, tasks a second, memory",
  prepare: prepareTaskWorlds,
  measure: async (context) => {
    const bundle = await bundleAgent(context);
    const startWorld = await planTaskWorlds(context);
    const runtime = await startRecordingRuntime();
    const figures = { ours: newFigures(), sequential: newFigures() };
    const agents: Record<keyof typeof figures, StartAgent> = {
      ours: (world) => ours(world, runtime, bundle),
      sequential: (world) => sequential(world, runtime, context),
    };
    try {
      for (let run = 1; run <= RUNS; run++)
        for (const who of ["ours", "sequential"] as const) {
          context.progress(`run ${run} of ${RUNS}, ${who}`);
          const slow = await workedOff(startWorld, runtime, agents[who], SLOW);
          figures[who].idle.push(...idleMilliseconds(slow.busy));
          const instant = await workedOff(startWorld, runtime, agents[who], INSTANT);
          figures[who].rate.push(requestsPerSecond(instant.busy));
          figures[who].peak.push(instant.peakMiB);
          const far = { ...INSTANT, callMilliseconds: FAR_CALL_MS };
          const { busy } = await workedOff(startWorld, runtime, agents[who], far);
          figures[who].farRate.push(requestsPerSecond(busy));
        }
      return rows(figures.ours, figures.sequential);
    } finally {
      runtime.stop();
    }
  },
};

type StartAgent = (world: TaskWorld) => Promise<MeasuredProcess>;

interface Figures {
  readonly idle: number[];
  readonly rate: number[];
  readonly farRate: number[];
  readonly peak: number[];
}

function newFigures(): Figures {
  return { idle: [], rate: [], farRate: [], peak: [] };
}

function rows(ours: Figures, sequential: Figures): Row[] {
  const figure = (metric: string, unit: string, better: Row["better"], key: keyof Figures) =>
    row({ name: "agent", metric, unit, better }, ours[key], {
      name: "one call after the other, in Python",
      values: sequential[key],
    });
  return [
    figure(`idle between tasks of ${SLOW.milliseconds} ms`, "ms", "lower", "idle"),
    figure("tasks, instant runtime", "1/s", "higher", "rate"),
    figure(`tasks, AWS ${FAR_CALL_MS} ms away`, "1/s", "higher", "farRate"),
    figure("peak memory", "MiB", "lower", "peak"),
  ];
}

async function bundleAgent({ launcher, folder }: BenchContext): Promise<string> {
  const file = join(folder, "queue-agent/main.cjs");
  const bundler = join(dirname(dirname(launcher)), "apps/bundle.mjs");
  await promisify(execFile)(process.execPath, [bundler, "queue-agent", file]);
  return file;
}

async function ours(
  world: TaskWorld,
  { url }: RecordingRuntime,
  bundle: string,
): Promise<MeasuredProcess> {
  const [port] = await freePorts(1);
  return new MeasuredProcess(process.execPath, [bundle], {
    ...world.agent,
    ...world.aws,
    RUNTIME_URL: url,
    POD_NAME: "agent-0",
    PORT: String(port),
    // As its image has it.
    MALLOC_ARENA_MAX: "1",
  });
}

async function sequential(
  world: TaskWorld,
  { url }: RecordingRuntime,
  { launcher }: BenchContext,
): Promise<MeasuredProcess> {
  const script = join(dirname(launcher), "bench/sequentialAgent.py");
  return new MeasuredProcess(world.interpreter, ["-W", "ignore", script], {
    ...world.agent,
    ...world.aws,
    RUNTIME_URL: url,
  });
}

/**
 * Fills the queue of a new world, starts an agent, and waits until the queue is empty. In a world
 * that was used before, the last receive of an agent that is gone would still take a message.
 *
 * @throws Error when a task has left no image
 */
async function workedOff(
  startWorld: StartTaskWorld,
  runtime: RecordingRuntime,
  start: StartAgent,
  load: {
    readonly milliseconds: number;
    readonly tasks: number;
    readonly callMilliseconds?: number;
  },
) {
  const { milliseconds, tasks, callMilliseconds } = load;
  const world = await startWorld(callMilliseconds);
  let agent: MeasuredProcess | undefined;
  try {
    const ids = Array.from({ length: tasks }, () => randomUUID());
    await submit(world, ids);
    runtime.restart(milliseconds);
    agent = await start(world);
    await until(async () => {
      agent?.assertRunning();
      return runtime.busy.length >= tasks && (await isEmpty(world));
    });
    const stored = await idsWithImage(world);
    const without = ids.filter((id) => !stored.has(id));
    if (without.length > 0) throw new Error(`${without.length} tasks have left no image`);
    return { busy: runtime.busy, peakMiB: agent.peakMiB() };
  } finally {
    await agent?.stop();
    world.stop();
  }
}

/** @throws Error when it is not so within two minutes */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error("the queue is not empty after two minutes");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** As the API does, but for the topic: its work would be counted as the agent's. */
async function submit(world: TaskWorld, ids: readonly string[]): Promise<void> {
  const { sqs, dynamodb } = world.clients;
  const { TABLE_NAME, QUEUE_URL } = world.agent;
  const createdAt = new Date().toISOString();
  for (const group of chunks(ids, 10)) {
    await dynamodb.send(
      new BatchWriteItemCommand({
        RequestItems: {
          [TABLE_NAME!]: group.map((id) => ({
            PutRequest: { Item: marshall(recordOf(id, world.runtime, createdAt)) },
          })),
        },
      }),
    );
    await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: QUEUE_URL,
        Entries: group.map((id, index) => ({
          Id: String(index),
          MessageBody: JSON.stringify(messageOf(id, world.runtime, createdAt)),
          MessageAttributes: {
            [RUNTIME_ATTRIBUTE]: { DataType: "String", StringValue: world.runtime },
          },
        })),
      }),
    );
  }
}

function recordOf(id: string, runtime: string, createdAt: string): TaskRecord {
  return {
    key: id,
    id,
    runtime,
    type: "text-to-image",
    prefix: PREFIX,
    state: "queued",
    requestHash: REQUEST_HASH,
    createdAt,
    attempts: 0,
    expiresAt: Math.floor(Date.now() / 1000) + 3600,
  };
}

function messageOf(id: string, runtime: string, submittedAt: string): TaskMessage {
  return {
    metadata: { id, runtime, tasktype: "text-to-image", prefix: PREFIX, context: {} },
    content: { prompt: "a lighthouse at dusk, oil on canvas", n: 1, size: "512x512", steps: 25 },
    key: id,
    submittedAt,
    requestHash: REQUEST_HASH,
  };
}

async function isEmpty({ clients, agent }: TaskWorld): Promise<boolean> {
  const { Attributes = {} } = await clients.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: agent.QUEUE_URL,
      AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    }),
  );
  return Object.values(Attributes).every((count) => count === "0");
}

/** Of the keys `PREFIX/ID/ID-…-1.png`. */
async function idsWithImage({ clients, agent }: TaskWorld): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  const request = { Bucket: agent.RESULTS_BUCKET, Prefix: `${PREFIX}/` };
  for await (const { Contents = [] } of paginateListObjectsV2({ client: clients.s3 }, request))
    for (const { Key = "" } of Contents) if (Key.endsWith(".png")) ids.add(Key.split("/")[1]!);
  return ids;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
