import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { certificateFor } from "./certificate";

/** An https server on loopback that stands for hosts of the internet. */
export interface HttpsServer {
  /** Of its authority. */
  readonly ca: string;
  readonly port: number;
  /** `Host path` of each request. */
  readonly asked: readonly string[];
  stop(): Promise<void>;
}

export async function httpsServer(
  names: readonly string[],
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<HttpsServer> {
  const { certificate, key } = certificateFor(names);
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ key, cert: certificate }, (request, response) => {
    asked.push(`${request.headers.host} ${request.url}`);
    answer(request, response);
  });
  server.on("secureConnection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
  });
  await new Promise<void>((up) => server.listen(0, "127.0.0.1", up));
  return {
    ca: certificate,
    port: (server.address() as AddressInfo).port,
    asked,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
}
