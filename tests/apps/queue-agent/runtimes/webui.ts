import type { IncomingMessage, ServerResponse } from "node:http";
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

export interface WebuiOptions extends RuntimeOptions {
  /** Titles of the checkpoints on its disk; the first one is loaded. Default: one. */
  readonly checkpoints?: readonly string[];
  /** Checkpoints that are found by the next refresh only. */
  readonly newCheckpoints?: readonly string[];
  /** What goes wrong with other requests, by `METHOD /path`. */
  readonly otherFault?: (request: string) => Fault | undefined;
}

export interface RunningWebui extends RunningRuntime {
  /** The checkpoint that is loaded. */
  readonly checkpoint: string;
}

const API = "/sdapi/v1";
const TASK_PATHS = [`${API}/txt2img`, `${API}/img2img`, `${API}/extra-single-image`];

/**
 * A server that speaks the part of Stable Diffusion WebUI's API that an agent uses. Runs wait for
 * each other, and go on when their client leaves, as WebUI's do.
 *
 * Source: AUTOMATIC1111/stable-diffusion-webui, modules/api/api.py and models.py, version 1.10.
 */
export async function start(options: WebuiOptions = {}): Promise<RunningWebui> {
  const runs: Run[] = [];
  const requests: string[] = [];
  let notReady = options.notReadyTimes ?? 0;
  let checkpoints = options.checkpoints ?? ["drawn.safetensors [0123456789]"];
  let checkpoint = checkpoints[0] as string;
  let turn: Promise<unknown> = Promise.resolve();
  let interrupt = () => {};

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url as string;
    const asked = `${request.method} ${path}`;
    requests.push(asked);
    const body = await bodyOf(request);
    if (TASK_PATHS.includes(path) && request.method === "POST") {
      const run: Run = {
        number: runs.length + 1,
        path,
        headers: request.headers,
        body,
        id: request.headers["x-request-id"] as string | undefined,
        state: "running",
      };
      runs.push(run);
      // Its queue_lock.
      const before = turn;
      turn = before.then(() => task(run, response)).catch(() => {});
      await turn;
      return;
    }
    if (await broken(options.otherFault?.(asked), response, errorBody)) return;
    switch (asked) {
      case `GET ${API}/options`:
        // Its routes come late, with the model.
        if (notReady-- > 0) return sendJson(response, 404, { detail: "Not Found" });
        return sendJson(response, 200, { samples_format: "png", sd_model_checkpoint: checkpoint });
      case `POST ${API}/options`: {
        const wanted = body.sd_model_checkpoint;
        if (typeof wanted === "string" && !checkpoints.includes(wanted))
          return sendJson(response, 500, errorBody(`model '${wanted}' not found`));
        if (typeof wanted === "string") checkpoint = wanted;
        return sendJson(response, 200, null);
      }
      case `POST ${API}/refresh-checkpoints`:
        checkpoints = [...checkpoints, ...(options.newCheckpoints ?? [])];
        return sendJson(response, 200, null);
      case `GET ${API}/sd-models`:
        return sendJson(
          response,
          200,
          checkpoints.map((title) => ({
            title,
            model_name: title.replace(/\.safetensors.*$/, ""),
            hash: null,
            sha256: null,
            filename: `/models/${title}`,
            config: null,
          })),
        );
      case `POST ${API}/interrupt`:
        interrupt();
        return sendJson(response, 200, {});
      default:
        return sendJson(response, 404, { detail: "Not Found" });
    }
  }

  async function task(run: Run, response: ServerResponse): Promise<void> {
    const { body } = run;
    if (await broken(options.fault?.(run), response, errorBody)) {
      run.state = "failed";
      return;
    }
    await Promise.race([
      pause(runMs(options, run)),
      new Promise<void>((interrupted) => {
        interrupt = () => {
          run.state = "interrupted";
          interrupted();
        };
      }),
    ]);
    interrupt = () => {};
    if (run.path.endsWith("extra-single-image")) {
      if (!isImage(body.image)) return failed(run, response, 500, "Invalid encoded image");
      if (run.state === "running") run.state = "completed";
      sendJson(response, 200, { html_info: "<p>4x</p>", image: drawn("upscaled") });
      return;
    }
    const { prompt = "", batch_size = 1, n_iter = 1, init_images } = body;
    const unknown = Object.keys((body.alwayson_scripts ?? {}) as object)[0];
    if (unknown !== undefined)
      return failed(run, response, 422, `always on script ${unknown} not found`);
    if (run.path.endsWith("img2img")) {
      if (!Array.isArray(init_images)) return failed(run, response, 404, "Init image not found");
      if (!init_images.every(isImage)) return failed(run, response, 500, "Invalid encoded image");
    }
    const count = Number(batch_size) * Number(n_iter);
    const all_seeds = Array.from({ length: count }, (_, index) => 1000 + index);
    if (run.state === "running") run.state = "completed";
    sendJson(response, 200, {
      images: all_seeds.map((seed) => drawn(`${String(prompt)} ${seed}`)),
      parameters: { ...body, ...(body.include_init_images !== true && { init_images: null }) },
      info: JSON.stringify({ prompt, seed: 1000, all_seeds, job_timestamp: "20260101000000" }),
    });
  }

  const drawn = (subject: string) =>
    drawnPng({ subject, bytes: options.imageBytes ?? 0 }).toString("base64");

  const { url, stop, connections } = await listening(answer, options.port);
  return {
    url,
    runs,
    requests,
    connections,
    stop,
    get checkpoint() {
      return checkpoint;
    },
  };
}

function isImage(value: unknown): boolean {
  if (typeof value !== "string") return false;
  return Buffer.from(value, "base64").subarray(1, 4).toString() === "PNG";
}

function failed(run: Run, response: ServerResponse, status: number, detail: string): void {
  run.state = "failed";
  sendJson(response, status, { error: "HTTPException", detail, body: "", errors: "" });
}

function errorBody(message: string): unknown {
  return { error: "RuntimeError", detail: "", body: "", errors: message };
}
