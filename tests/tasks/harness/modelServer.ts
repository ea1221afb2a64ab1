import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { drawnPng } from "../../apps/queue-agent/runtimes/drawnPng";

/** What the server has been asked, and what came of it. */
export interface Generation {
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly status: number;
}

export interface ModelServer {
  readonly url: string;
  readonly generations: readonly Generation[];
  /** Prompts that it fails at, with this status. */
  failAt: (prompt: string) => number | undefined;
  stop(): Promise<void>;
}

/** The part of our server's SageMaker contract that an endpoint uses: `/ping` and `/invocations`. */
export async function startModelServer(): Promise<ModelServer> {
  const generations: Generation[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url === "/ping") {
      response.writeHead(200).end();
      return;
    }
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    const { prompt, n = 1, seed } = body;
    const status = started.failAt(String(prompt)) ?? 200;
    generations.push({ body, headers: request.headers, status });
    response.writeHead(status, { "content-type": "application/json" });
    if (status !== 200) {
      response.end(JSON.stringify({ error: { message: `no ${String(prompt)}`, type: "x" } }));
      return;
    }
    const data = Array.from({ length: Number(n) }, (_, index) => ({
      b64_json: drawnPng({
        subject: `${String(prompt)} ${String(seed)} ${index}`,
        width: 8,
        height: 8,
        bytes: 0,
      }).toString("base64"),
      seed: seed ?? index,
    }));
    response.end(JSON.stringify({ created: 1, data, model: "drawn" }));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const started: ModelServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    generations,
    failAt: () => undefined,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
  return started;
}
