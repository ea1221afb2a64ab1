import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An HTTP server that does what a test says, to show what a real API server seldom does. */
export interface ScriptedServer {
  readonly address: string;
  /** Of the requests so far, without `timeoutSeconds`. */
  readonly urls: readonly string[];
  close(): Promise<void>;
}

/** @param answers of the requests in their order; the last one is of all that follow, too */
export async function scriptedServer(...answers: readonly Answer[]): Promise<ScriptedServer> {
  const urls: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const answer = answers[Math.min(urls.length, answers.length - 1)] as Answer;
    urls.push((request.url as string).replace(/&timeoutSeconds=\d+/, ""));
    answer(request, response);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    urls,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
}

/** Answers with JSON. */
export function json(content: unknown, status = 200): Answer {
  return (_request, response) => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(content));
  };
}

/** Answers with a list at a resource version. */
export function list(resourceVersion: string, items: readonly unknown[], next?: string): Answer {
  return json({ items, metadata: { resourceVersion, ...(next && { continue: next }) } });
}

/** Answers with the given text, as it is, and leaves the answer open. */
export function open(...chunks: readonly string[]): Answer {
  return (_request, response) => {
    response.writeHead(200, { "Content-Type": "application/json" });
    response.flushHeaders();
    for (const chunk of chunks) response.write(chunk);
  };
}

/** Answers with the given text, as it is, and ends. */
export function ended(...chunks: readonly string[]): Answer {
  return (_request, response) => {
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(chunks.join(""));
  };
}

/** Takes the request and says nothing. */
export const silent: Answer = () => {};

/** Hangs up. */
export const hangUp: Answer = (request) => void request.socket.destroy();

/** An event of a watch, as it is sent. */
export function event(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}
