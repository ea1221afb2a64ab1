import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** What goes wrong with a run. */
export type Fault =
  /** Refused, with a message; 429 and 503 may say when to come again. */
  | { readonly status: number; readonly message?: string; readonly retryAfterSeconds?: number }
  /** Nothing is ever answered. */
  | "hang"
  /** The connection ends before the answer. */
  | "close"
  /** The connection ends in the middle of the answer. */
  | "cut"
  /** 200 with JSON that does not end until the client leaves. */
  | "endless"
  /** 200 with this text instead of the answer. */
  | { readonly text: string };

/** What a runtime was asked to do. */
export interface Run {
  /** From 1. */
  readonly number: number;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** JSON, or a form's fields; files as buffers. */
  readonly body: Readonly<Record<string, unknown>>;
  /** `X-Request-ID`, of runtimes that get one. */
  readonly id: string | undefined;
  state: "running" | "completed" | "interrupted" | "failed";
}

export interface RuntimeOptions {
  /** Milliseconds that a run takes, or by its number. Default: 0. */
  readonly runMs?: number | ((run: Run) => number);
  /** What goes wrong with a run. Default: nothing. */
  readonly fault?: (run: Run) => Fault | undefined;
  /** Images are of so many bytes at least. Default: a few hundred. */
  readonly imageBytes?: number;
  /** The first so many times, it says that it is not ready. */
  readonly notReadyTimes?: number;
  /** Where it listens. Default: any free port. */
  readonly port?: number;
}

export interface RunningRuntime {
  /** E.g. `http://127.0.0.1:8000`. */
  readonly url: string;
  /** In the order in which they came. */
  readonly runs: readonly Run[];
  /** Every request, `METHOD /path`, readiness included. */
  readonly requests: readonly string[];
  /** How many connections were opened so far. */
  connections(): number;
  /** Ends all connections at once, as a runtime that dies. */
  stop(): Promise<void>;
}

export interface Listening {
  readonly server: Server;
  readonly url: string;
  connections(): number;
  stop(): Promise<void>;
}

/** Answers on loopback; what `answer` throws is an answer 500. */
export async function listening(
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  port = 0,
): Promise<Listening> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (response.destroyed) return;
      sendJson(response, 500, { error: { message: String(error) } });
    });
  });
  let connections = 0;
  server.on("connection", (socket) => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((up, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", up);
  });
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
}

export function sendJson(
  response: ServerResponse,
  status: number,
  content: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify(content));
}

/** Does what a fault says; false: nothing is wrong, or a hang is over because the client left. */
export async function broken(
  fault: Fault | undefined,
  response: ServerResponse,
  errorBody: (message: string, status: number) => unknown,
): Promise<boolean> {
  if (fault === undefined) return false;
  if (fault === "hang") await new Promise((left) => response.once("close", left));
  else if (fault === "close") response.destroy();
  else if (fault === "cut") {
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": 1000 });
    response.write("{");
    await pause(20);
    response.destroy();
  } else if (fault === "endless") {
    response.writeHead(200, { "Content-Type": "application/json" });
    response.write('{"images":["');
    await endless(response);
  } else if ("text" in fault) {
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(fault.text);
  } else {
    const { status, message = "it went wrong", retryAfterSeconds } = fault;
    sendJson(response, status, errorBody(message, status), {
      ...(retryAfterSeconds !== undefined && { "Retry-After": String(retryAfterSeconds) }),
    });
  }
  return true;
}

const MIB_OF_JSON = Buffer.alloc(2 ** 20, "A");

/**
 * Writes until the client leaves.
 *
 * @returns how many bytes were handed to the connection
 */
export async function endless(response: ServerResponse): Promise<number> {
  let bytes = 0;
  function* parts() {
    for (;;) {
      bytes += MIB_OF_JSON.length;
      yield MIB_OF_JSON;
    }
  }
  await pipeline(Readable.from(parts()), response).catch(() => {});
  return bytes;
}

/** JSON, or the fields of a form. */
export async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const type = request.headers["content-type"] ?? "";
  if (!type.startsWith("multipart/form-data"))
    return bytes.length === 0 ? {} : (JSON.parse(bytes.toString()) as Record<string, unknown>);
  const form = await new Response(bytes, { headers: { "Content-Type": type } }).formData();
  const fields: Record<string, unknown> = {};
  for (const name of new Set(form.keys())) {
    const values = await Promise.all(
      form.getAll(name).map(async (value) =>
        typeof value === "string"
          ? value
          : {
              name: value.name,
              type: value.type,
              bytes: Buffer.from(await value.arrayBuffer()),
            },
      ),
    );
    fields[name] = values.length === 1 ? values[0] : values;
  }
  return fields;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((over) => setTimeout(over, milliseconds).unref());
}

/** Milliseconds that a run takes. */
export function runMs({ runMs: given = 0 }: RuntimeOptions, run: Run): number {
  return typeof given === "number" ? given : given(run);
}
