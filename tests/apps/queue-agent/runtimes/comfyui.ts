import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import { drawnPng } from "./drawnPng";
import {
  bodyOf,
  broken,
  type Fault,
  listening,
  pause,
  type Run,
  type RunningRuntime,
  type RuntimeOptions,
  runMs,
  sendJson,
} from "./runtimeServer";

export interface ComfyuiOptions extends RuntimeOptions {
  /** The websocket breaks in the middle of these runs. */
  readonly dropsSocket?: (run: Run) => boolean;
  /** After it broke once, the websocket says nothing more. */
  readonly staysSilent?: boolean;
  /** The websocket cannot be opened again. */
  readonly refusesSocket?: boolean;
  /** A node raises an error in these runs, with this message. */
  readonly nodeError?: (run: Run) => string | undefined;
  /** What the history has as outputs, instead of the images of the workflow's SaveImage nodes. */
  readonly outputs?: (run: Run) => unknown;
  /** Bytes of a message that the websocket brings in the middle of a run. Default: none. */
  readonly messageBytes?: number;
  /** The answer to POST /prompt comes after the end of the run. */
  readonly answersLate?: boolean;
  /** Done before other requests are answered, by `METHOD /path`. */
  readonly before?: (request: string) => Promise<void> | undefined;
  /** An older one: without the client's own prompt ids and interrupts of one prompt. */
  readonly isOld?: boolean;
  /** What goes wrong with other requests, by `METHOD /path`; faults of a run are those of POST /prompt. */
  readonly otherFault?: (request: string) => Fault | undefined;
}

export interface RunningComfyui extends RunningRuntime {
  /** Names and bytes of its input folder. */
  readonly inputs: ReadonlyMap<string, Buffer>;
  /** The ids of the prompts in its history. */
  readonly history: readonly string[];
  /** Forgets its queue and history, as when it starts anew. */
  restart(): void;
  /** Ends the websockets. */
  dropSockets(): void;
}

interface Node {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

interface Item {
  readonly number: number;
  readonly promptId: string;
  readonly prompt: Readonly<Record<string, Node>>;
  readonly clientId: string | undefined;
  readonly run: Run;
}

/** Nodes that it has; the ones marked make outputs. */
const nodes: Readonly<Record<string, { readonly isOutput: boolean }>> = {
  CheckpointLoaderSimple: { isOutput: false },
  EmptyLatentImage: { isOutput: false },
  CLIPTextEncode: { isOutput: false },
  KSampler: { isOutput: false },
  VAEDecode: { isOutput: false },
  LoadImage: { isOutput: false },
  SaveImage: { isOutput: true },
};

/**
 * A server that speaks the part of ComfyUI's API that an agent uses: a queue that is worked off one
 * by one, a history, and messages on the websocket in upstream's order.
 *
 * Source: Comfy-Org/ComfyUI, server.py (002c3fb), execution.py (04e2a91) and main.py (02018c7).
 */
export async function start(options: ComfyuiOptions = {}): Promise<RunningComfyui> {
  const runs: Run[] = [];
  const requests: string[] = [];
  const inputs = new Map<string, Buffer>();
  const files = new Map<string, Buffer>();
  const sockets = new Map<string, WebSocket>();
  let notReady = options.notReadyTimes ?? 0;
  let pending: Item[] = [];
  let running: Item | undefined;
  let history = new Map<string, unknown>();
  let interrupt = () => {};
  let socketsOpened = 0;
  let epoch = 0;

  function send(type: string, data: unknown, clientId?: string): void {
    if (options.staysSilent && socketsOpened > 1) return;
    for (const [id, socket] of sockets)
      if (clientId === undefined || id === clientId) socket.send(JSON.stringify({ type, data }));
  }

  const queueInfo = () => ({
    exec_info: { queue_remaining: pending.length + (running === undefined ? 0 : 1) },
  });
  const queueUpdated = () => send("status", { status: queueInfo() });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url as string, "http://localhost");
    const asked = `${request.method} ${pathname}`;
    requests.push(asked);
    const body = await bodyOf(request);
    if (asked === "POST /prompt") return prompt(request, body, response);
    if (await broken(options.otherFault?.(asked), response, errorBody)) return;
    await options.before?.(asked);
    if (asked === "GET /prompt") {
      if (notReady-- > 0) sendJson(response, 503, { error: "it starts" });
      else sendJson(response, 200, queueInfo());
    } else if (asked === "GET /queue")
      sendJson(response, 200, {
        queue_running: running === undefined ? [] : [queueItem(running)],
        queue_pending: pending.map(queueItem),
      });
    else if (asked === "POST /queue") {
      const { delete: ids = [] } = body as { delete?: string[] };
      const before = pending.length;
      for (const item of pending.filter(({ promptId }) => ids.includes(promptId)))
        item.run.state = "interrupted";
      pending = pending.filter(({ promptId }) => !ids.includes(promptId));
      if (pending.length < before) queueUpdated();
      response.end();
    } else if (asked === "POST /interrupt") {
      if (options.isOld || !body.prompt_id || body.prompt_id === running?.promptId) interrupt();
      response.end();
    } else if (asked === "POST /upload/image") {
      const { name, bytes } = body.image as { name: string; bytes: Buffer };
      inputs.set(name, bytes);
      sendJson(response, 200, { name, subfolder: "", type: body.type ?? "input" });
    } else if (asked.startsWith("GET /history/")) {
      const id = decodeURIComponent(pathname.slice("/history/".length));
      sendJson(response, 200, history.has(id) ? { [id]: history.get(id) } : {});
    } else if (asked === "POST /history") {
      for (const id of (body as { delete?: string[] }).delete ?? []) history.delete(id);
      response.end();
    } else if (asked === "GET /view") {
      const file = files.get(`${searchParams.get("subfolder")}/${searchParams.get("filename")}`);
      if (file === undefined) response.writeHead(404).end();
      else {
        response.writeHead(200, { "Content-Type": "image/png", "Content-Length": file.length });
        response.end(file);
      }
    } else response.writeHead(404).end("404: Not Found");
  }

  async function prompt(
    request: IncomingMessage,
    body: Record<string, unknown>,
    response: ServerResponse,
  ): Promise<void> {
    const workflow = body.prompt as Record<string, Node>;
    const run: Run = {
      number: runs.length + 1,
      path: "/prompt",
      headers: request.headers,
      body,
      id: request.headers["x-request-id"] as string | undefined,
      state: "running",
    };
    const problem = validate(workflow);
    if (problem !== undefined) return sendJson(response, 400, problem);
    runs.push(run);
    const promptId =
      !options.isOld && typeof body.prompt_id === "string" ? body.prompt_id : randomUUID();
    const item: Item = {
      number: run.number,
      promptId,
      prompt: workflow,
      clientId: body.client_id as string | undefined,
      run,
    };
    const fault = options.fault?.(run);
    // A connection that ends before the answer does not take the prompt out of the queue again.
    const isQueued = fault === undefined || fault === "close" || fault === "cut";
    if (isQueued) {
      pending.push(item);
      queueUpdated();
      void work();
    } else run.state = "failed";
    if (await broken(fault, response, errorBody)) return;
    while (options.answersLate && !history.has(promptId)) await pause(5);
    sendJson(response, 200, { prompt_id: promptId, number: run.number, node_errors: {} });
  }

  function validate(workflow: Readonly<Record<string, Node>>): unknown {
    for (const [id, { class_type }] of Object.entries(workflow))
      if (nodes[class_type] === undefined)
        return {
          error: {
            type: "missing_node_type",
            message: `Node '${class_type}' not found. The custom node may not be installed.`,
            details: `Node ID '#${id}'`,
            extra_info: {},
          },
          node_errors: {},
        };
    if (!Object.values(workflow).some(({ class_type }) => nodes[class_type]?.isOutput))
      return {
        error: { type: "prompt_no_outputs", message: "Prompt has no outputs", details: "" },
        node_errors: {},
      };
    const errors = Object.entries(workflow).flatMap(([id, { class_type, inputs: given }]) => {
      if (class_type === "KSampler" && Number(given.steps) < 1)
        return [[id, nodeError(class_type, "Value -1 smaller than min of 1", "steps")]];
      if (class_type === "LoadImage" && !inputs.has(String(given.image)))
        return [
          [
            id,
            nodeError(
              class_type,
              "Custom validation failed for node",
              "image - Invalid image file",
            ),
          ],
        ];
      return [];
    });
    if (errors.length === 0) return undefined;
    return {
      error: {
        type: "prompt_outputs_failed_validation",
        message: "Prompt outputs failed validation",
        details: "",
        extra_info: {},
      },
      node_errors: Object.fromEntries(errors),
    };
  }

  async function work(): Promise<void> {
    if (running !== undefined) return;
    const item = pending.shift();
    if (item === undefined) return;
    running = item;
    queueUpdated();
    const { run, promptId, clientId } = item;
    const since = epoch;
    const messages: [string, object][] = [];
    const say = (type: string, data: object) => {
      const message = { ...data, prompt_id: promptId, timestamp: Date.now() };
      messages.push([type, message]);
      send(type, message, clientId);
    };
    say("execution_start", {});
    say("execution_cached", { nodes: [] });
    let isInterrupted = false;
    const interrupted = new Promise<void>((now) => {
      interrupt = () => {
        isInterrupted = true;
        now();
      };
    });
    const steps = Object.keys(item.prompt);
    for (const node of steps) {
      send("executing", { node, display_node: node, prompt_id: promptId }, clientId);
      sockets.get(clientId ?? "")?.send(Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xd8]));
      send("progress", { value: 1, max: 1, prompt_id: promptId, node }, clientId);
      if (node === steps[0] && options.messageBytes !== undefined)
        send("executed", { node, output: { text: ["x".repeat(options.messageBytes)] } }, clientId);
      if (node === steps[0] && options.dropsSocket?.(run)) dropSockets();
      await Promise.race([pause(runMs(options, run) / steps.length), interrupted]);
      if (isInterrupted || since !== epoch) break;
    }
    interrupt = () => {};
    // It was started anew in between.
    if (since !== epoch) return;
    const error = options.nodeError?.(run);
    let outputs: unknown = {};
    if (isInterrupted) {
      run.state = "interrupted";
      say("execution_interrupted", { node_id: steps[0], node_type: "KSampler", executed: [] });
    } else if (error !== undefined) {
      run.state = "failed";
      say("execution_error", {
        node_id: steps[0],
        node_type: item.prompt[steps[0] as string]?.class_type,
        executed: [],
        exception_message: `${error}\n`,
        exception_type: "RuntimeError",
        traceback: [],
      });
    } else {
      run.state = "completed";
      outputs = options.outputs?.(run) ?? saved(item);
      say("execution_success", {});
    }
    const isGood = run.state === "completed";
    history.set(promptId, {
      prompt: queueItem(item),
      outputs,
      status: { status_str: isGood ? "success" : "error", completed: isGood, messages },
    });
    running = undefined;
    queueUpdated();
    send("executing", { node: null, prompt_id: promptId }, clientId);
    void work();
  }

  /** What its SaveImage nodes write. */
  function saved({ prompt: workflow, run }: Item): unknown {
    const latent = Object.values(workflow).find(
      ({ class_type }) => class_type === "EmptyLatentImage",
    );
    const count = Number(latent?.inputs.batch_size ?? 1);
    const outputs = Object.entries(workflow).flatMap(([id, { class_type, inputs: given }]) => {
      if (class_type !== "SaveImage") return [];
      const images = Array.from({ length: count }, (_, index) => {
        const filename = `${given.filename_prefix}_${run.number}_${id}_${index + 1}_.png`;
        const subject = JSON.stringify([workflow, id, index]);
        files.set(`/${filename}`, drawnPng({ subject, bytes: options.imageBytes ?? 0 }));
        return { filename, subfolder: "", type: "output" };
      });
      return [[id, { images }]];
    });
    return Object.fromEntries(outputs);
  }

  function dropSockets(): void {
    for (const socket of sockets.values()) socket.terminate();
    sockets.clear();
  }

  const { server, url, stop, connections } = await listening(answer, options.port);
  const webSockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    requests.push("GET /ws");
    if (options.refusesSocket && socketsOpened > 0) {
      socket.destroy();
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (client) => {
      socketsOpened++;
      const clientId =
        new URL(request.url as string, "http://localhost").searchParams.get("clientId") ??
        randomUUID();
      sockets.set(clientId, client);
      client.on("close", () => {
        if (sockets.get(clientId) === client) sockets.delete(clientId);
      });
      client.send(JSON.stringify({ type: "status", data: { status: queueInfo(), sid: clientId } }));
    });
  });
  return {
    url,
    runs,
    requests,
    connections,
    inputs,
    get history() {
      return [...history.keys()];
    },
    dropSockets,
    restart: () => {
      epoch++;
      pending = [];
      running = undefined;
      history = new Map();
      interrupt();
      dropSockets();
    },
    stop: async () => {
      epoch++;
      interrupt();
      dropSockets();
      await stop();
    },
  };
}

function queueItem({ number, promptId, prompt, clientId }: Item): unknown[] {
  return [number, promptId, prompt, { client_id: clientId }, []];
}

function nodeError(class_type: string, message: string, details: string): unknown {
  return { class_type, dependent_outputs: [], errors: [{ type: "invalid", message, details }] };
}

function errorBody(message: string): unknown {
  return { error: message };
}
