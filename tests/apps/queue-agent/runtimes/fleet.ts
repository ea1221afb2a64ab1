import type { IncomingMessage, ServerResponse } from "node:http";
import { EDITS_PATH, GENERATIONS_PATH } from "../../../../contracts/inferenceApi";
import { drawnPng } from "./drawnPng";
import {
  bodyOf,
  broken,
  listening,
  pause,
  type Run,
  type RunningRuntime,
  type RuntimeOptions,
  runMs,
  sendJson,
} from "./runtimeServer";

/**
 * A server that speaks the part of OpenAI's images API that an agent uses, one run at a time.
 *
 * Source: OpenAI API reference, "Create image", "Create image edit" and "Error codes".
 */
export async function start(options: RuntimeOptions = {}): Promise<RunningRuntime> {
  const runs: Run[] = [];
  const requests: string[] = [];
  let notReady = options.notReadyTimes ?? 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url as string;
    requests.push(`${request.method} ${path}`);
    if (path === "/readiness") {
      if (notReady-- > 0) sendJson(response, 503, { status: "no", reasons: ["the model loads"] });
      else sendJson(response, 200, { status: "ok" });
      return;
    }
    if (request.method !== "POST" || ![GENERATIONS_PATH, EDITS_PATH].includes(path)) {
      sendJson(response, 404, errorBody(`Invalid URL (${request.method} ${path})`, 404));
      return;
    }
    const run: Run = {
      number: runs.length + 1,
      path,
      headers: request.headers,
      body: await bodyOf(request),
      id: request.headers["x-request-id"] as string | undefined,
      state: "running",
    };
    runs.push(run);
    response.once("close", () => {
      if (run.state === "running") run.state = "interrupted";
    });
    if (await broken(options.fault?.(run), response, errorBody)) {
      run.state = "failed";
      return;
    }
    await pause(runMs(options, run));
    if (run.state === "interrupted") return;
    const { prompt, n = 1, size = "8x8", image } = run.body;
    if (typeof prompt !== "string")
      return failed(run, response, "Missing required parameter: 'prompt'.");
    if (path === EDITS_PATH && image === undefined)
      return failed(run, response, "Missing required parameter: 'image'.");
    const [width, height] = String(size).split("x").map(Number) as [number, number];
    const data = Array.from({ length: Number(n) }, (_, index) => ({
      b64_json: drawnPng({
        subject: `${prompt} ${index}`,
        width: Math.min(width, 64),
        height: Math.min(height, 64),
        bytes: options.imageBytes ?? 0,
      }).toString("base64"),
      seed: index,
    }));
    run.state = "completed";
    sendJson(response, 200, { created: Math.floor(Date.now() / 1000), data, model: "drawn" });
  }

  const { url, stop, connections } = await listening(answer, options.port);
  return { url, runs, requests, connections, stop };
}

function failed(run: Run, response: ServerResponse, message: string): void {
  run.state = "failed";
  sendJson(response, 400, errorBody(message, 400));
}

function errorBody(message: string, status: number): unknown {
  const type = status < 500 ? "invalid_request_error" : "server_error";
  return { error: { message, type, param: null, code: null } };
}
