import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import type { Log } from "./log";

/** Longer than an ALB keeps an idle connection (60 s by default), so that it is the one to close. */
const KEEP_ALIVE_MS = 65_000;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;

export interface EndpointsOptions {
  /** 0: any free one, see `port`. */
  readonly port: number;
  /** Default: all addresses. */
  readonly host?: string;
  /** What /metrics shows. */
  readonly metrics: Registry;
  /**
   * Why the process no longer works and has to be started anew; nothing: it works. Default: it
   * works as long as it answers.
   */
  readonly liveness?: () => readonly string[];
  /** Why it cannot do its work now; nothing: it can. */
  readonly readiness: () => readonly string[];
  readonly log: Log;
}

/** What a pod's app answers to Kubernetes and Prometheus. */
export interface Endpoints {
  /** Where it listens. */
  readonly port: number;
  /** Answers what was asked already, and takes no more. May be called again. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/**
 * Serves /health and /readiness (200, or 503 with the reasons, as JSON) and /metrics (text).
 *
 * @throws Error when it cannot listen, e.g. because the port is taken
 */
export async function serveEndpoints(options: EndpointsOptions): Promise<Endpoints> {
  const server = createServer((request, response) => {
    const failed = (error: unknown) => {
      options.log.error({ error, url: request.url }, "a request could not be answered");
      return json(500, { status: "error" });
    };
    void answerTo(request, options)
      .catch(failed)
      .then((answer) => {
        // `close` would wait for a connection that is kept.
        if (!server.listening) response.setHeader("Connection", "close");
        send(request, response, answer);
      });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen({ port: options.port, host: options.host }, listening);
  });
  return { port: (server.address() as AddressInfo).port, close: () => closed(server) };
}

async function answerTo(request: IncomingMessage, options: EndpointsOptions): Promise<Answer> {
  const path = (request.url ?? "/").split("?")[0];
  if (!["/health", "/readiness", "/metrics"].includes(path as string))
    return json(404, { error: "only /health, /readiness and /metrics are here" });
  if (request.method !== "GET" && request.method !== "HEAD")
    return json(405, { error: "only GET and HEAD are allowed" });
  if (path === "/health") return state(options.liveness?.() ?? []);
  if (path === "/readiness") return state(options.readiness());
  const { metrics } = options;
  return { status: 200, type: metrics.contentType, text: await metrics.metrics() };
}

function state(reasons: readonly string[]): Answer {
  return reasons.length === 0 ? json(200, { status: "ok" }) : json(503, { status: "no", reasons });
}

function json(status: number, content: unknown): Answer {
  return { status, type: "application/json", text: `${JSON.stringify(content)}\n` };
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, type, text }: Answer,
): void {
  const headers = {
    "Content-Type": type,
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store",
    ...(status === 405 && { Allow: "GET, HEAD" }),
  };
  response.writeHead(status, headers).end(request.method === "HEAD" ? undefined : text);
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // It also closes idle connections. An error says that it is closed already.
    server.close(() => resolve());
  });
}
