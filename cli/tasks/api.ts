import { setTimeout as sleep } from "node:timers/promises";
import type { z } from "zod";
import {
  problemSchema,
  runtimeListSchema,
  type Submitted,
  submittedSchema,
  type TaskView,
  taskViewSchema,
  type Upload,
  type UploadRequest,
  uploadSchema,
} from "../../contracts/tasks/api";
import type { Runtime } from "../../contracts/tasks/runtimes";
import type { TaskRequest } from "../../contracts/tasks/task";
import { UserError } from "../../contracts/userError";
import type { ApiRequest } from "./apiRequest";
import { apiUrl } from "./apiUrl";
import { networkProblem } from "./networkProblem";
import { isSignedHost, signed } from "./signature";
import { stackNames } from "./stackNames";

export interface ApiOptions {
  readonly api?: string;
  readonly apiKey?: string;
  readonly sign: boolean;
  readonly stack: string;
  readonly json: boolean;
}

/** An error that the API answered. */
export class Refused extends UserError {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Longer than API Gateway waits for the function. Source: API Gateway quotas, "Integration timeout". */
const TIMEOUT_MS = 35_000;

/** Tries of a request that did not reach the API, or that it cannot do at the moment. */
const TRIES = 5;
const TRY_AGAIN_STATUSES = [429, 502, 503, 504];
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/** The tasks' API, as its clients see it. Every method fails with a UserError that says what to do. */
export class TaskApi {
  /**
   * @param url with the stage, e.g. `https://a1b2c3.execute-api.us-west-2.amazonaws.com/prod`
   * @param sign the request as it is to be sent
   */
  constructor(
    readonly url: string,
    private readonly sign: (request: ApiRequest) => Promise<Readonly<Record<string, string>>>,
  ) {}

  /** The same id and body again is the same task, so that it may be sent again. */
  submit(task: TaskRequest & { readonly id: string }): Promise<Submitted> {
    return this.ask(submittedSchema, "POST", "/v1/tasks", task);
  }

  task(key: string): Promise<TaskView> {
    return this.ask(taskViewSchema, "GET", `/v1/tasks/${encodeURIComponent(key)}`);
  }

  cancel(key: string): Promise<TaskView> {
    return this.ask(taskViewSchema, "DELETE", `/v1/tasks/${encodeURIComponent(key)}`);
  }

  upload(request: UploadRequest): Promise<Upload> {
    return this.ask(uploadSchema, "POST", "/v1/uploads", request);
  }

  async runtimes(): Promise<readonly Runtime[]> {
    return (await this.ask(runtimeListSchema, "GET", "/v1/runtimes")).runtimes;
  }

  private async ask<T extends z.ZodType>(
    schema: T,
    method: ApiRequest["method"],
    path: string,
    body?: unknown,
  ): Promise<z.output<T>> {
    const request: ApiRequest = {
      method,
      url: new URL(this.url.replace(/\/+$/, "") + path),
      headers: body === undefined ? {} : { "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    const { status, text } = await this.send(request);
    const { success, data } = schema.safeParse(parsed(text));
    if (status < 200 || status > 299) throw refused(request, status, text);
    if (!success)
      throw new UserError(
        `${request.url} answers, but not as the tasks' API does. Is --api (FLEET_API_URL) its ` +
          "address, with the stage?",
      );
    return data;
  }

  private async send(request: ApiRequest): Promise<{ status: number; text: string }> {
    for (let tried = 1; ; tried += 1) {
      const isLast = tried === TRIES;
      let wanted: string | null = null;
      try {
        const headers = await this.sign(request);
        const { method, url, body } = request;
        const signal = AbortSignal.timeout(TIMEOUT_MS);
        const answer = await fetch(url, { method, headers, body: body ?? null, signal });
        const text = await answer.text();
        if (isLast || !TRY_AGAIN_STATUSES.includes(answer.status))
          return { status: answer.status, text };
        wanted = answer.headers.get("retry-after");
      } catch (error) {
        const problem = networkProblem(error);
        if (problem === undefined) throw error;
        // Whether a task was cancelled would not be known.
        if (isLast || problem.isPermanent || request.method === "DELETE")
          throw new UserError(
            `${request.url.origin} cannot be reached: ${problem.text}. Is --api (FLEET_API_URL) ` +
              `right?${isLoopback(request.url) ? "" : " A private API is reached from inside its VPC only."}`,
          );
      }
      await sleep(pauseMs(tried, wanted));
    }
  }
}

/**
 * The API that the options, the environment or the stack's outputs name.
 *
 * @throws UserError when none does, or an address is no URL
 */
export async function openApi(root: string, options: ApiOptions): Promise<TaskApi> {
  const url = await apiUrl(root, options);
  const { hostname } = new URL(url);
  const key: Record<string, string> = options.apiKey ? { "x-api-key": options.apiKey } : {};
  if (!options.sign && !isSignedHost(hostname))
    return new TaskApi(url, async ({ headers }) => ({ ...headers, ...key }));
  const sign = await signed(hostname, stackNames(root, options.stack).region);
  return new TaskApi(url, (request) =>
    sign({ ...request, headers: { ...request.headers, ...key } }),
  );
}

function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
}

function pauseMs(tried: number, retryAfter: string | null): number {
  const seconds = Number(retryAfter ?? Number.NaN);
  const pause = Number.isFinite(seconds) ? seconds * 1000 : FIRST_PAUSE_MS * 2 ** (tried - 1);
  // Not all who were refused at the same moment at the same moment again.
  return Math.min(LONGEST_PAUSE_MS, pause) * (0.75 + Math.random() / 2);
}

function refused({ method, url }: ApiRequest, status: number, text: string): Refused {
  const { success, data } = problemSchema.safeParse(parsed(text));
  const about = `${method} ${url.pathname}: ${status}`;
  if (!success) return new Refused(status, `${about}: ${gatewayMessage(status, text)}`);
  const { message, fields } = data.error;
  const lines = fields.map(({ field, value, allowed }) => {
    const was = value === undefined ? "" : ` is ${JSON.stringify(value)}`;
    return `${field}${was}: ${allowed}`;
  });
  // Of one field the message says the same, without the value.
  const [only] = fields;
  if (lines.length === 1 && message === `${only!.field} is wrong: ${only!.allowed}`)
    return new Refused(status, `${about}: ${lines[0]}`);
  return new Refused(
    status,
    [`${about}: ${message}`, ...lines.map((line) => `  ${line}`)].join("\n"),
  );
}

/** What API Gateway says itself, before the API is asked. */
function gatewayMessage(status: number, text: string): string {
  const answer = parsed(text) as { message?: string; Message?: string } | undefined;
  const said = answer?.message ?? answer?.Message ?? text.slice(0, 200);
  if (status === 401 || status === 403)
    return (
      `${said}\nThe API wants a key (--api-key or FLEET_API_KEY; the stack's output taskApiKey says ` +
      "how to get it), a signature by AWS credentials whose IAM policy allows execute-api:Invoke " +
      "(--sign), or requests from a network that is let in."
    );
  if (status === 429) return `${said}\nToo many requests: the key's throttle or quota is reached.`;
  return said;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
