import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A call of the AWS SDK on its way to moto. */
export interface AwsCall {
  /** From the signature: `sns`, `sqs`, `dynamodb`, `s3`, …; empty: not signed. */
  readonly service: string;
  /** E.g. `Publish`, `PutItem`; of S3, which names none, the HTTP method: `PUT`. */
  readonly action: string;
  readonly method: string;
  readonly path: string;
  readonly body: Buffer;
}

/**
 * What becomes of a call:
 * `pass`: moto answers; `refuse`: 503, moto never hears of it; `throttle`: 400 ThrottlingException,
 * likewise; `reset`: the connection breaks before moto hears of it; `lose`: moto does it, and the
 * connection breaks before the answer; `fail`: moto does it, and the caller is told 503.
 */
export type Fate = "pass" | "refuse" | "throttle" | "reset" | "lose" | "fail";

export interface FaultyProxy {
  /** For `AWS_ENDPOINT_URL`. */
  readonly endpoint: string;
  stop(): Promise<void>;
}

/**
 * A proxy on loopback in front of `target`, e.g. moto's endpoint, that lets chosen calls fail. A
 * `decide` that waits holds the call back, which orders what would race otherwise.
 *
 * DynamoDB's calls reach moto one at a time: moto looks at a condition and writes without a lock, so
 * that two conditional writes at once may both succeed there, as they never do in DynamoDB.
 *
 * @param answered is told of what the target has done, and of its HTTP status, before the caller is
 */
export async function startFaultyProxy(
  target: string,
  decide: (call: AwsCall) => Fate | Promise<Fate>,
  answered: (call: AwsCall, status: number) => void = () => undefined,
): Promise<FaultyProxy> {
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  };
  const forwarded: Forward = async (call, incoming) => {
    const work = () => forward(target, incoming, call.body);
    const answer = await (call.service === "dynamodb" ? inTurn(work) : work());
    answered(call, answer.status);
    return answer;
  };
  const server = createServer((incoming, response) => {
    answer(forwarded, decide, incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}

interface Forwarded {
  readonly status: number;
  readonly rawHeaders: string[];
  readonly body: Buffer;
}

type Forward = (call: AwsCall, incoming: IncomingMessage) => Promise<Forwarded>;

async function answer(
  forwarded: Forward,
  decide: (call: AwsCall) => Fate | Promise<Fate>,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const call = callOf(incoming, await bodyOf(incoming));
  const fate = await decide(call);
  if (fate === "reset") response.destroy();
  else if (fate === "refuse" || fate === "throttle") refuse(response, fate);
  else {
    const { status, rawHeaders, body } = await forwarded(call, incoming);
    if (fate === "lose") response.destroy();
    else if (fate === "fail") refuse(response, "refuse");
    else response.writeHead(status, rawHeaders).end(body);
  }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function callOf({ method = "GET", url = "/", headers }: IncomingMessage, body: Buffer): AwsCall {
  const scope = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? "");
  const target = headers["x-amz-target"];
  const isForm = headers["content-type"]?.startsWith("application/x-www-form-urlencoded") ?? false;
  const action =
    typeof target === "string"
      ? target.split(".").pop()
      : isForm && new URLSearchParams(body.toString()).get("Action");
  return { service: scope?.[1] ?? "", action: action || method, method, path: url, body };
}

function forward(
  target: string,
  { method, url, rawHeaders }: IncomingMessage,
  body: Buffer,
): Promise<Forwarded> {
  return new Promise((answered, failed) => {
    const { hostname, port } = new URL(target);
    const headers: string[] = [];
    // The host is signed, so it stays as it is.
    for (let at = 0; at < rawHeaders.length; at += 2)
      if (!/^(transfer-encoding|connection|expect|content-length)$/i.test(rawHeaders[at] as string))
        headers.push(rawHeaders[at] as string, rawHeaders[at + 1] as string);
    headers.push("Content-Length", String(body.length));
    const outgoing = request({ hostname, port, method, path: url, headers, agent: false });
    outgoing.once("error", failed).once("response", (message) => {
      bodyOf(message).then((content) => {
        const { statusCode: status = 502, rawHeaders } = message;
        answered({ status, rawHeaders: plain(rawHeaders), body: content });
      }, failed);
    });
    outgoing.end(body);
  });
}

/** Without what is of one connection: the answer is sent as a whole. */
function plain(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter(
    (_, at) => !/^(transfer-encoding|connection)$/i.test(rawHeaders[at - (at % 2)] as string),
  );
}

/** In a form that clients of all of AWS's protocols take for an error of the server. */
function refuse(response: ServerResponse, fate: "refuse" | "throttle"): void {
  const code = fate === "throttle" ? "ThrottlingException" : "ServiceUnavailable";
  response
    .writeHead(fate === "throttle" ? 400 : 503, {
      "Content-Type": "application/x-amz-json-1.0",
      "x-amzn-errortype": code,
    })
    .end(JSON.stringify({ __type: code, message: "by the test's will" }));
}
