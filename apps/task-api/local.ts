import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { APIGatewayProxyResult, Context } from "aws-lambda";
import * as z from "zod";
import { TASK_API } from "../../contracts/tasks/settings";
import { UserError } from "../../contracts/userError";
import { createLog, logLevels } from "../service/log";
import { readSettings, secret } from "../service/settings";
import { stopOnSignals } from "../service/stop";
import type { Handler } from "./handler";
import { contextOf, eventOf, GATEWAY_BYTES, timedOut, tooLarge } from "./proxyEvent";

/**
 * The function without Lambda and API Gateway, for tests and the demo: serves the same handler over
 * HTTP on loopback. Beside the function's own environment:
 */
const settingsSchema = z.object({
  PORT: z.coerce.number("a port").int("a port").min(0, "a port").max(65535, "a port").default(0),
  STAGE: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, "letters, digits, - and _")
    .optional()
    .describe("first part of all paths, as API Gateway has it"),
  API_KEY: secret(z.string().min(1).optional()).describe(
    "what clients have to send as x-api-key; absent: nothing",
  ),
  TIMEOUT_SECONDS: z.coerce
    .number("seconds")
    .positive("seconds")
    .default(25)
    .describe("how long a request may take, as Lambda's timeout"),
  LOG_LEVEL: z.enum(logLevels).default("info"),
});

async function main(): Promise<void> {
  const settings = readSettings(settingsSchema);
  const log = createLog(settings.LOG_LEVEL, { app: TASK_API });
  // It reads the function's environment as it loads.
  const { handler } = await import("./lambda");
  const server = createServer((request, response) => {
    serve(handler, settings, request, response).catch((error: unknown) => {
      log.error({ error, url: request.url }, "a request could not be answered");
      response.destroy();
    });
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(settings.PORT, "127.0.0.1", listening);
  });
  stopOnSignals({
    log,
    steps: [
      {
        name: "close the server",
        stop: () => new Promise((closed) => server.close(() => closed())),
      },
    ],
  });
  log.info({ port: (server.address() as AddressInfo).port }, "listening");
}

async function serve(
  handler: Handler,
  { STAGE: stage, API_KEY: apiKey, TIMEOUT_SECONDS }: z.infer<typeof settingsSchema>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes <= GATEWAY_BYTES) chunks.push(chunk as Buffer);
  }
  const event = eventOf(request, Buffer.concat(chunks).toString(), stage);
  const isForbidden =
    event === undefined || (apiKey !== undefined && request.headers["x-api-key"] !== apiKey);
  const { statusCode, headers, body } = isForbidden
    ? { statusCode: 403, headers: {}, body: '{"message":"Forbidden"}' }
    : bytes > GATEWAY_BYTES
      ? tooLarge
      : await inTime(TIMEOUT_SECONDS * 1000, (context) => handler(event, context));
  response.writeHead(statusCode, {
    ...(headers as Record<string, string> | undefined),
    "Content-Length": Buffer.byteLength(body),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** The function's answer, or API Gateway's when its time is over. */
async function inTime(
  timeoutMs: number,
  invoke: (context: Context) => Promise<APIGatewayProxyResult>,
): Promise<APIGatewayProxyResult> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<APIGatewayProxyResult>((ended) => {
    timer = setTimeout(() => ended(timedOut), timeoutMs);
  });
  try {
    return await Promise.race([invoke(contextOf(timeoutMs)), end]);
  } finally {
    clearTimeout(timer);
  }
}

main().catch((error: unknown) => {
  const isUsers = error instanceof UserError;
  process.stderr.write(`${isUsers ? error.message : ((error as Error).stack ?? error)}\n`);
  process.exit(isUsers ? 2 : 1);
});
