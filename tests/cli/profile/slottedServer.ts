import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { performance } from "node:perf_hooks";

export interface SlottedServerOptions {
  /** Images made at once. */
  readonly slots: number;
  readonly serviceMs: number;
  /** Requests that may wait; more are answered 503. */
  readonly queue?: number;
  /** Stands still once: from the request of this number on, for so long. */
  readonly freeze?: { readonly atRequest: number; readonly ms: number };
  /** What `/metrics` says of the device, from the share of time it was busy since the last time. */
  readonly utilisation?: boolean;
  /** The status of the request of this number, where it is not 200. */
  readonly statusOf?: (request: number) => number;
  /** Keys that it takes; absent: it asks for none. */
  readonly apiKey?: string;
}

/** A server of images with a known capacity, slots / serviceMs, that serves in the order of arrival. */
export interface SlottedServer {
  readonly url: string;
  readonly capacityPerSecond: number;
  /** Requests for images that arrived. */
  readonly arrived: () => number;
  /** Their bodies and the times of their arrival, milliseconds. */
  readonly requests: readonly { readonly body: unknown; readonly at: number }[];
  close(): Promise<void>;
}

export async function slottedServer(options: SlottedServerOptions): Promise<SlottedServer> {
  const { slots, serviceMs, queue = Number.POSITIVE_INFINITY, freeze, statusOf } = options;
  const requests: { body: unknown; at: number }[] = [];
  const freeAt = Array.from({ length: slots }, () => 0);
  let [waiting, busyMs, readAt] = [0, 0, performance.now()];

  const generate = async (request: IncomingMessage, response: ServerResponse) => {
    const at = performance.now();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    requests.push({ body: JSON.parse(Buffer.concat(chunks).toString()), at });
    const number = requests.length;
    if (freeze !== undefined && number === freeze.atRequest)
      for (const [index, each] of freeAt.entries()) freeAt[index] = Math.max(each, at + freeze.ms);
    const status = statusOf?.(number) ?? 200;
    if (waiting >= slots + queue) {
      response.writeHead(503, { "retry-after": "1" }).end('{"error":{"message":"full"}}');
      return;
    }
    waiting += 1;
    const slot = freeAt.indexOf(Math.min(...freeAt));
    freeAt[slot] = Math.max(freeAt[slot]!, at) + serviceMs;
    setTimeout(() => {
      waiting -= 1;
      busyMs += serviceMs / slots;
      response.writeHead(status, { "content-type": "application/json" });
      response.end(
        status === 200 ? '{"data":[{"b64_json":"AA=="}]}' : '{"error":{"message":"device lost"}}',
      );
    }, freeAt[slot]! - at);
  };

  const metrics = (response: ServerResponse) => {
    const now = performance.now();
    const ratio = Math.min(1, busyMs / (now - readAt));
    [busyMs, readAt] = [0, now];
    response.end(
      "# TYPE inference_device_utilisation_ratio gauge\n" +
        `inference_device_utilisation_ratio{device="0"} ${ratio}\ninference_ready 1\n`,
    );
  };

  const server = createServer((request, response) => {
    const { authorization } = request.headers;
    if (options.apiKey !== undefined && authorization !== `Bearer ${options.apiKey}`)
      response.writeHead(401).end('{"error":{"message":"no such key"}}');
    else if (request.url === "/v1/images/generations") void generate(request, response);
    else if (request.url === "/metrics" && options.utilisation) metrics(response);
    else response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    capacityPerSecond: (slots / serviceMs) * 1000,
    arrived: () => requests.length,
    requests,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
