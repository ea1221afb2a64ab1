import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TaskView } from "../../contracts/tasks/api";
import { ExitCode } from "../exitCode";
import { createFromPlan, type LocalWorld } from "../localAws/localWorld";
import { type Moto, motoEnvironment, startMoto } from "../localAws/moto";
import { pythonWithMoto } from "../localAws/python";
import { makePlan, type Plan } from "../plan/makePlan";
import { readStackConfig, type StackConfig } from "../plan/stackConfig";
import { TaskApi } from "../tasks/api";
import { downloaded, userPath } from "../tasks/download";
import { inParallel } from "../tasks/inParallel";
import { type Progress, progressOn } from "../tasks/progress";
import { paintFor } from "../terminal";
import { makeBundles } from "./bundles";
import { type DemoOutcome, type DemoTask, demoLine, demoTable, outcomeLines } from "./demoText";
import { playableRuntimes, refuseUnplayable } from "./playableRuntimes";
import { ProcessEnded, Processes } from "./processes";
import { promptOf } from "./prompts";
import { type ResultMessages, subscribeToResults } from "./resultMessages";
import { serve } from "./serve";
import type { Stage } from "./stage";
import { startAll } from "./startAll";

export interface AsyncDemoOptions {
  readonly tasks: number;
  readonly agents: number;
  readonly stack: string;
  readonly keep?: string;
  readonly json: boolean;
  /** No tasks of the demo's own: everything stays up until a signal. */
  readonly serve: boolean;
}

/** Time without any news after which nothing more is waited for. */
const QUIET_MS = 120_000;

const PNG_SIGNATURE = "89504e470d0a1a0a";

/**
 * Runs the asynchronous path of a stack on this machine: its queues, filters, table and buckets in
 * moto, its API and agents as processes, and a runtime beside each agent that draws.
 *
 * @returns 0 when all tasks completed, and every one was told of
 * @throws UserError when moto cannot be had, or the stack has no runtime that can be played
 */
export async function runAsyncDemo(root: string, options: AsyncDemoOptions): Promise<number> {
  const config = readStackConfig(root, options.stack);
  refuseUnplayable(config, options.stack);
  const progress = progressOn(process.stderr);
  const logs = mkdtempSync(join(tmpdir(), "fleet-demo-"));
  const processes = new Processes(logs);
  let areLogsWanted = false;
  try {
    const stage = await prepared(root, options, config, processes, progress);
    const runtimes = playableRuntimes(stage.world, options.stack);
    areLogsWanted = true;
    const run = options.serve
      ? serve(stage, runtimes, options.agents)
      : played(stage, runtimes, options, progress);
    const { outcome, notifications, folder } = await Promise.race([run, processes.death]);
    const isWell = outcome.completed === outcome.submitted && notifications >= outcome.submitted;
    areLogsWanted = !isWell;
    const lines = outcomeLines(outcome, notifications, folder);
    if (options.json) {
      for (const line of lines) progress.say(line);
      process.stdout.write(`${JSON.stringify(outcome)}\n`);
    } else process.stdout.write(`${lines.join("\n")}\n`);
    return isWell ? ExitCode.ok : ExitCode.incomplete;
  } catch (error) {
    if (!(error instanceof ProcessEnded)) throw error;
    areLogsWanted = true;
    progress.say(error.message);
    return ExitCode.incomplete;
  } finally {
    await processes.end();
    if (areLogsWanted) progress.say(`What the processes said is in ${logs}`);
    else rmSync(logs, { recursive: true });
  }
}

async function prepared(
  root: string,
  { stack }: AsyncDemoOptions,
  config: StackConfig,
  processes: Processes,
  progress: Progress,
): Promise<Stage> {
  progress.say(`planning stack ${stack}, starting moto, bundling the apps`);
  const steps = [
    startedMoto(root, processes, progress),
    makeBundles(root, processes),
    planned(stack, config),
  ] as const;
  const [moto, bundles, plan] = await Promise.all(steps).catch(async (error: unknown) => {
    // What still goes on writes files, and starts what is to be stopped.
    await Promise.allSettled(steps);
    throw error;
  });
  const world = await createFromPlan(plan, moto.endpoint);
  progress.say(`moto has what the plan has: ${createdText(world)}`);
  const environment = {
    ...motoEnvironment(moto, world.region),
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  };
  return { processes, bundles, world, environment };
}

async function startedMoto(root: string, processes: Processes, progress: Progress): Promise<Moto> {
  const moto = await startMoto(await pythonWithMoto(root, progress.say));
  processes.add(moto.stop);
  return moto;
}

/** Without traces, which Pulumi's SDK captures several times per property. */
async function planned(stack: string, config: StackConfig): Promise<Plan> {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    const { unjudged } = await import("../program");
    return await makePlan(unjudged, stack, config);
  } finally {
    Error.stackTraceLimit = limit;
  }
}

async function played(
  stage: Stage,
  runtimes: readonly string[],
  { tasks: count, agents, keep }: AsyncDemoOptions,
  progress: Progress,
): Promise<{ outcome: DemoOutcome; notifications: number; folder: string }> {
  const { processes, world, environment } = stage;
  const started = await startAll(stage, runtimes, agents);
  const { agentsOf } = started;
  const { url, key } = started.api;
  const api = new TaskApi(url, async ({ headers }) => ({ ...headers, "x-api-key": key }));
  const { RESULT_TOPIC_ARN: topicArn } = world.agents.get(runtimes[0]!)!;
  const results = await subscribeToResults(environment.AWS_ENDPOINT_URL!, world.region, topicArn!);

  const began = performance.now();
  const told = new Map<string, DemoTask>();
  const showNews = () => {
    const seconds = (performance.now() - began) / 1000;
    const paint = paintFor(process.stderr);
    const all = [...told.values()];
    // The outcome says by itself that all have completed.
    const isOver = all.filter(({ state }) => state === "completed").length === count;
    const line = isOver ? undefined : demoLine(all, count);
    progress.show(demoTable(all, agentsOf, seconds, paint), line);
  };
  const [notifications] = await Promise.all([
    untilTold(results, told, count, showNews),
    submit(api, count, runtimes, told),
  ]);
  const seconds = (performance.now() - began) / 1000;
  progress.end();
  results.close();
  if (notifications < count) progress.say(`Nothing has happened for ${QUIET_MS / 1000} s.`);

  const folder = keep === undefined ? mkdtempSync(join(tmpdir(), "fleet-images-")) : userPath(keep);
  const ended = await inParallel([...told.keys()], (id) => api.task(id));
  const outcome = {
    submitted: count,
    completed: ended.filter(({ state }) => state === "completed").length,
    deadLettered: ended.filter(({ state }) => state === "failed").length,
    images: await imagesOf(ended, folder),
    seconds: Math.round(seconds * 10) / 10,
  };
  await processes.end();
  return { outcome, notifications, folder };
}

/** @param told is brought up to date */
async function submit(
  api: TaskApi,
  count: number,
  runtimes: readonly string[],
  told: Map<string, DemoTask>,
): Promise<void> {
  const indices = Array.from({ length: count }, (_, index) => index);
  await inParallel(indices, async (index) => {
    const runtime = runtimes[index % runtimes.length]!;
    const id = `demo-${String(index + 1).padStart(String(count).length, "0")}`;
    const content = { prompt: promptOf(index), seed: index + 1, size: "512x512" };
    await api.submit({ id, runtime, type: "text-to-image", prefix: "demo", content });
    // Its end may have been told before the API's answer is here.
    if (!told.has(id)) told.set(id, { runtime, state: "submitted" });
  });
}

/**
 * Waits until the result topic has told what became of every task, or tells nothing any more.
 *
 * @param told   is brought up to date
 * @param onNews is called as often as there is something to look at
 * @returns how many tasks it told the end of
 */
async function untilTold(
  results: ResultMessages,
  told: Map<string, DemoTask>,
  count: number,
  onNews: () => void,
): Promise<number> {
  const ended = new Set<string>();
  let lastNews = { at: performance.now(), known: 0 };
  while (ended.size < count) {
    for (const { id, runtime, status } of await results.next()) {
      if (status !== "running") ended.add(id);
      told.set(id, { runtime, state: status });
    }
    onNews();
    const known = told.size + ended.size;
    if (known > lastNews.known) lastNews = { at: performance.now(), known };
    if (performance.now() - lastNews.at > QUIET_MS) break;
  }
  return ended.size;
}

async function imagesOf(tasks: readonly TaskView[], folder: string): Promise<number> {
  const files = await inParallel(tasks, (task) =>
    downloaded({ ...task, output: undefined }, folder),
  );
  const beginnings = await inParallel(files.flat(), async ({ file }) =>
    (await readFile(file)).subarray(0, PNG_SIGNATURE.length / 2).toString("hex"),
  );
  return beginnings.filter((beginning) => beginning === PNG_SIGNATURE).length;
}

function createdText({ existing }: LocalWorld): string {
  const kinds = { Queue: "queue", Topic: "topic", Table: "table", Bucket: "bucket" } as const;
  return Object.entries(kinds)
    .map(([kind, name]) => {
      const count = existing.filter(({ type }) => type.endsWith(`:${kind}`)).length;
      return { count, text: `${count} ${name}${count === 1 ? "" : "s"}` };
    })
    .filter(({ count }) => count > 0)
    .map(({ text }) => text)
    .join(", ");
}
