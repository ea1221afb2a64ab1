import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { isJsonObject, type JsonObject, type JsonValue } from "../json";
import { mediaTypeOfName } from "../mediaType";
import { TaskFailed } from "../taskFailed";
import type { Adapter, RuntimeImage, RuntimeResult, RuntimeTask } from "./adapter";
import { AnswerTooLarge } from "./answerTooLarge";
import { ComfyuiEvents, type Listening } from "./comfyuiEvents";
import { withUploads } from "./comfyuiInputs";
import { interruptible } from "./interruptible";
import { RuntimeClient } from "./runtimeClient";

export interface ComfyuiTimes {
  /** How often the history is asked while the websocket is silent, so that nothing hangs. */
  readonly watchMs: number;
  /**
   * The same after the websocket broke: ComfyUI forgets the new connection when it notices the end
   * of the old one of the same client late, and then says nothing.
   */
  readonly watchCloselyMs: number;
  /** How long ComfyUI may be out of reach in the middle of a prompt. */
  readonly outOfReachMs: number;
  /** How long it may take to say yes or no to a prompt. */
  readonly queueingMs: number;
}

const usualTimes: ComfyuiTimes = {
  watchMs: 30_000,
  watchCloselyMs: 1_000,
  outOfReachMs: 15_000,
  queueingMs: 60_000,
};

/** How long an image may take on its way from ComfyUI to S3. */
const FETCH_MS = 10 * 60_000;

/** An image goes from ComfyUI to S3 in parts, which are 5 MiB there at least. */
const PART_BYTES = 5 * 1024 * 1024;

/** How long ComfyUI may take to forget a prompt; nobody waits for it. */
const FORGET_MS = 10_000;

const queuedSchema = z.object({ prompt_id: z.string().min(1) });

const queueSchema = z.object({
  queue_running: z.array(z.array(z.unknown())),
  queue_pending: z.array(z.array(z.unknown())),
});

const waitingSchema = z.object({ exec_info: z.object({ queue_remaining: z.int() }) });

const fileSchema = z.looseObject({
  filename: z.string().min(1),
  subfolder: z.string().default(""),
  type: z.string().default("output"),
});

const entrySchema = z.looseObject({
  outputs: z.record(z.string(), z.record(z.string(), z.unknown())),
  status: z
    .looseObject({
      status_str: z.string(),
      messages: z.array(z.tuple([z.string(), z.looseObject({})])).default([]),
    })
    .nullish(),
});

type Entry = z.infer<typeof entrySchema>;
type OutputFile = z.infer<typeof fileSchema>;

/** What a node's output may have that becomes an image or a video of the task. */
const fileOutputs = ["images", "gifs", "videos"];

/**
 * ComfyUI: the content is a workflow in its API format.
 *
 * Source: its server.py, execution.py and main.py; the routes and messages are those since 0.2
 * (2024). A `prompt_id` of the client's own and interrupts of one prompt came later; before, both
 * are passed over.
 */
export function comfyuiAdapter(url: string, times: ComfyuiTimes = usualTimes): Adapter {
  const client = new RuntimeClient(url);
  const clientId = randomUUID();
  const events = new ComfyuiEvents(url, clientId);
  const comfyui: Comfyui = { client, clientId, events, times };
  return {
    readiness: (signal) => readiness(client, signal),
    run: async (task, signal) => {
      if (task.type !== "pipeline")
        throw new TaskFailed("unsupported", `the runtime takes no ${task.type}`);
      const content = await withUploads(task.content, client, signal);
      await events.connect(signal);
      const prompt = { ...task, content, promptId: randomUUID() as string };
      // From before it is queued: a small one may end before the answer to that is here.
      const listening = events.listen();
      try {
        const entry = await interruptible(
          signal,
          (until) => ended(comfyui, prompt, listening, until),
          (until) => cancel(client, prompt.promptId, until).then(listening.wake),
        );
        return resultOf(entry, prompt.promptId, client);
      } finally {
        listening.stop();
        void forget(client, prompt.promptId);
      }
    },
    close: async () => {
      events.close();
      await client.close();
    },
  };
}

interface Comfyui {
  readonly client: RuntimeClient;
  readonly clientId: string;
  readonly events: ComfyuiEvents;
  readonly times: ComfyuiTimes;
}

interface Prompt extends RuntimeTask {
  /** The one that is wished for, then the one that ComfyUI gave. */
  promptId: string;
}

/** A prompt that another agent left behind, or a person, would have to end first. */
async function readiness(client: RuntimeClient, signal: AbortSignal): Promise<string | undefined> {
  try {
    const answer = await client.json({ method: "GET", path: "/prompt" }, signal);
    const { exec_info } = parsed(waitingSchema, answer, "GET /prompt");
    const waiting = exec_info.queue_remaining;
    return waiting === 0 ? undefined : `there are prompts in its queue already: ${waiting}`;
  } catch (error) {
    if (error instanceof TaskFailed) return error.message;
    throw error;
  }
}

/** Queues a prompt once, and waits until it is in the history. */
async function ended(
  comfyui: Comfyui,
  prompt: Prompt,
  listening: Listening,
  signal: AbortSignal,
): Promise<Entry> {
  const { events, times } = comfyui;
  prompt.promptId = await queue(comfyui, prompt, signal);
  let { watchMs } = times;
  for (;;) {
    if (events.isConnected) await listening.next(watchMs, signal);
    signal.throwIfAborted();
    const entry = await look(comfyui, prompt.promptId, signal);
    if (entry !== undefined) return entry;
    if (events.isConnected) continue;
    watchMs = times.watchCloselyMs;
    await events.connect(signal).catch(() => pause(watchMs, undefined, { signal }));
  }
}

/** @returns the id that ComfyUI gave */
async function queue(
  { client, clientId, times }: Comfyui,
  { id, content, headers, promptId }: Prompt,
  signal: AbortSignal,
): Promise<string> {
  const body = { prompt: content, client_id: clientId, prompt_id: promptId };
  const until = AbortSignal.any([signal, AbortSignal.timeout(times.queueingMs)]);
  try {
    const answer = await client.json(
      {
        method: "POST",
        path: "/prompt",
        headers: { ...headers, "x-request-id": id },
        body,
        describe: nodeErrors,
      },
      until,
    );
    return parsed(queuedSchema, answer, "POST /prompt").prompt_id;
  } catch (error) {
    if (error instanceof TaskFailed && error.code === "refused") throw error;
    // It may have been queued all the same.
    await cancel(client, promptId, AbortSignal.timeout(times.queueingMs)).catch(() => {});
    if (error instanceof TaskFailed) throw error;
    signal.throwIfAborted();
    throw new TaskFailed("runtime", "ComfyUI does not answer POST /prompt", { cause: error });
  }
}

/**
 * The history's entry of a prompt that has ended; nothing while it waits or runs.
 *
 * @throws TaskFailed `runtime` when ComfyUI does not know it any more, or is out of reach for long
 */
async function look(
  { client, times }: Comfyui,
  promptId: string,
  signal: AbortSignal,
): Promise<Entry | undefined> {
  const path = `/history/${encodeURIComponent(promptId)}`;
  const inHistory = async () => {
    const history = await patiently(times, signal, () =>
      client.json({ method: "GET", path }, signal),
    );
    const entry = isJsonObject(history) ? history[promptId] : undefined;
    return entry === undefined ? undefined : parsed(entrySchema, entry, `GET ${path}`);
  };
  const entry = await inHistory();
  if (entry !== undefined) return entry;
  const isQueued = await patiently(times, signal, () => isInQueue(promptId, client, signal));
  if (isQueued) return undefined;
  // What has just left the queue is in the history: both change at the same time.
  const late = await inHistory();
  if (late !== undefined) return late;
  throw new TaskFailed("runtime", "ComfyUI does not know the prompt any more: did it restart?");
}

/** Asks again while ComfyUI is out of reach, for some time. */
async function patiently<T>(
  { outOfReachMs, watchCloselyMs }: ComfyuiTimes,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + outOfReachMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AnswerTooLarge) throw error;
      if (performance.now() > deadline)
        throw new TaskFailed("runtime", `ComfyUI is out of reach: ${(error as Error).message}`, {
          cause: error,
        });
      await pause(watchCloselyMs, undefined, { signal });
    }
  }
}

async function isInQueue(
  promptId: string,
  client: RuntimeClient,
  signal: AbortSignal,
): Promise<boolean> {
  const answer = await client.json({ method: "GET", path: "/queue" }, signal);
  const { queue_running, queue_pending } = parsed(queueSchema, answer, "GET /queue");
  return [...queue_running, ...queue_pending].some(([, id]) => id === promptId);
}

/** Takes a prompt out of the queue, or interrupts it. */
async function cancel(client: RuntimeClient, promptId: string, signal: AbortSignal): Promise<void> {
  const requests = [
    { path: "/queue", body: { delete: [promptId] } },
    { path: "/interrupt", body: { prompt_id: promptId } },
  ];
  await Promise.all(requests.map((request) => client.json({ ...request, method: "POST" }, signal)));
}

/**
 * Takes a prompt out of the history, which otherwise keeps ten thousand of them with all that was in
 * them. Its images are files, and stay.
 *
 * Source: ComfyUI's execution.py (`MAXIMUM_HISTORY_SIZE`) and server.py (`post_history`).
 */
async function forget(client: RuntimeClient, promptId: string): Promise<void> {
  const request = { method: "POST", path: "/history", body: { delete: [promptId] } } as const;
  // What stays there is in nobody's way.
  await client.json(request, AbortSignal.timeout(FORGET_MS)).catch(() => {});
}

function resultOf(entry: Entry, promptId: string, client: RuntimeClient): RuntimeResult {
  const failure = failureIn(entry);
  if (failure !== undefined) throw new TaskFailed("runtime", failure);
  const files = Object.entries(entry.outputs).flatMap(([node, output]) =>
    fileOutputs.flatMap((name) => filesIn(output[name], `${node}.${name}`)),
  );
  return {
    images: files.map((file) => imageOf(file, client)),
    output: { code: 200, prompt_id: promptId, outputs: entry.outputs as JsonObject },
  };
}

/** What the history says of an error or an interruption, which older ones have no status for. */
function failureIn({ status }: Entry): string | undefined {
  if (!status) return undefined;
  const messages = new Map(status.messages);
  const error = messages.get("execution_error");
  if (error !== undefined)
    return `node ${error.node_id} (${error.node_type}): ${String(error.exception_message).trim()}`;
  if (messages.has("execution_interrupted")) return "it was interrupted";
  return status.status_str === "error" ? "ComfyUI says error, and no more" : undefined;
}

function filesIn(value: unknown, name: string): readonly OutputFile[] {
  if (value === undefined) return [];
  const { success, data } = z.array(fileSchema).safeParse(value);
  if (!success) throw new TaskFailed("runtime", `ComfyUI's output ${name} is no list of files`);
  return data;
}

function imageOf({ filename, subfolder, type }: OutputFile, client: RuntimeClient): RuntimeImage {
  const known = mediaTypeOfName(filename);
  const query = { filename, subfolder, type };
  return {
    ...(known && { contentType: known.contentType }),
    bytes: PART_BYTES,
    body: async () => {
      try {
        const signal = AbortSignal.timeout(FETCH_MS);
        return await client.stream({ method: "GET", path: "/view", query }, signal);
      } catch (error) {
        throw new TaskFailed("runtime", `ComfyUI does not hand out ${filename}`, { cause: error });
      }
    },
  };
}

/** Of a prompt that is not valid: which nodes, and why. */
function nodeErrors(answer: JsonValue): string | undefined {
  const { success, data } = nodeErrorsSchema.safeParse(answer);
  if (!success) return undefined;
  const nodes = Object.entries(data.node_errors).map(
    ([id, { class_type, errors }]) =>
      `node ${id} (${class_type}): ${errors.map(({ message, details }) => [message, details].filter(Boolean).join(": ")).join("; ")}`,
  );
  return nodes.length === 0 ? undefined : nodes.join("; ");
}

const nodeErrorsSchema = z.looseObject({
  node_errors: z.record(
    z.string(),
    z.looseObject({
      class_type: z.string(),
      errors: z.array(z.looseObject({ message: z.string(), details: z.string().default("") })),
    }),
  ),
});

function parsed<T extends z.ZodType>(schema: T, answer: unknown, to: string): z.output<T> {
  const { success, data } = schema.safeParse(answer);
  if (success) return data;
  throw new TaskFailed("runtime", `ComfyUI's answer to ${to} is not as documented`);
}
