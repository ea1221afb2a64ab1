import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { openApi } from "../../../cli/tasks/api";
import { isSignedHost } from "../../../cli/tasks/signature";

const root = resolve(__dirname, "../../..");

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
}

const submitted: Answer = {
  status: 202,
  body: {
    id: "a",
    runtime: "r",
    type: "text-to-image",
    outputLocation: "s3://b/a",
    createdAt: "2026-11-22T10:00:00.000Z",
  },
};

const task = { id: "a", runtime: "r", type: "text-to-image", content: { prompt: "x/ü" } } as const;

describe("the client of the tasks' API", () => {
  const asked: Asked[] = [];
  let answers: Answer[] = [];
  let server: Server;
  let url: string;
  const environment = { ...process.env };

  before(async () => {
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      asked.push({
        method: request.method!,
        path: request.url!,
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      });
      const { status, headers = {}, body } = answers.length > 1 ? answers.shift()! : answers[0]!;
      response.writeHead(status, headers);
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/prod`;
    process.env.AWS_ACCESS_KEY_ID = "AKIDEXAMPLE";
    process.env.AWS_SECRET_ACCESS_KEY = "secret-example";
    process.env.AWS_REGION = "eu-central-1";
  });
  after(() => {
    server.close();
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"])
      if (environment[name] === undefined) delete process.env[name];
      else process.env[name] = environment[name];
  });
  beforeEach(() => {
    asked.length = 0;
  });

  const open = (sign = false) =>
    openApi(root, { api: url, apiKey: "k", sign, stack: "dev", json: false });

  it("sends the key, below the stage", async () => {
    answers = [submitted];
    await (await open()).submit(task);
    assert.deepEqual([asked[0]!.path, asked[0]!.headers["x-api-key"]], ["/prod/v1/tasks", "k"]);
    assert.deepEqual(JSON.parse(asked[0]!.body), task);
  });

  it("tries again what could not be done at the moment", async () => {
    const busy = { status: 503, headers: { "retry-after": "0" }, body: { message: "busy" } };
    answers = [busy, { ...busy, status: 429 }, submitted];
    assert.equal((await (await open()).submit(task)).id, "a");
    assert.equal(asked.length, 3);
  });

  it("gives up in the end, and says what the API said", async () => {
    answers = [{ status: 503, headers: { "retry-after": "0" }, body: { message: "still busy" } }];
    await assert.rejects((await open()).submit(task), /503: still busy/);
    assert.equal(asked.length, 5);
  });

  it("names each field that is wrong", async () => {
    const fields = [
      { field: "content.seed", value: -1, allowed: "0 or more" },
      { field: "runtime", allowed: "r or s" },
    ];
    answers = [{ status: 400, body: { error: { code: "invalid", message: "Wrong.", fields } } }];
    await assert.rejects(
      (await open()).submit(task),
      /POST \/prod\/v1\/tasks: 400: Wrong\.\n {2}content\.seed is -1: 0 or more\n {2}runtime: r or s/,
    );
  });

  it("names a field once, where it is the only one that is wrong", async () => {
    const fields = [{ field: "id", value: "a b", allowed: "letters" }];
    const error = { code: "invalid", message: "id is wrong: letters", fields };
    answers = [{ status: 400, body: { error } }];
    const message = 'POST /prod/v1/tasks: 400: id is "a b": letters';
    await assert.rejects((await open()).submit(task), { message });
  });

  it("says so when somebody else answers", async () => {
    answers = [{ status: 200, body: "<html>" }];
    await assert.rejects((await open()).runtimes(), /not as the tasks' API does/);
  });

  it("signs so that API Gateway, which computes the same, lets it in", async () => {
    answers = [submitted];
    await (await open(true)).submit(task);
    const { headers } = asked[0]!;
    assert.match(
      headers.authorization!,
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/execute-api\/aws4_request, /,
    );
    assert.match(headers.authorization!, /SignedHeaders=[^,]*host;[^,]*x-api-key/);
    const signature = /Signature=([0-9a-f]{64})$/.exec(headers.authorization!)?.[1];
    assert.equal(signature, signatureOf(asked[0]!, "secret-example"));
  });

  it("signs of itself at API Gateway's own hosts, and nowhere else", () => {
    for (const host of [
      "a1.execute-api.us-west-2.amazonaws.com",
      "a1.execute-api.cn-north-1.amazonaws.com.cn",
      "a1-vpce-0f.execute-api.eu-west-1.amazonaws.com",
      "vpce-0f-ab.execute-api.eu-west-1.vpce.amazonaws.com",
    ])
      assert.ok(isSignedHost(host), host);
    for (const host of ["tasks.example.com", "execute-api.example.com", "127.0.0.1"])
      assert.ok(!isSignedHost(host), host);
  });
});

/** Source: IAM user guide, "Create a signed AWS API request". */
function signatureOf({ method, path, headers, body }: Asked, secret: string): string {
  const [, scope, names] = /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+),/.exec(
    headers.authorization!,
  )!;
  const hash = (text: string) => createHash("sha256").update(text).digest("hex");
  const canonical = [
    method,
    path,
    "",
    ...names!.split(";").map((name) => `${name}:${String(headers[name])}`),
    "",
    names,
    hash(body),
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hash(canonical)].join("\n");
  const key = scope!
    .split("/")
    .reduce<string | Buffer>(
      (from, part) => createHmac("sha256", from).update(part).digest(),
      `AWS4${secret}`,
    );
  return createHmac("sha256", key).update(toSign).digest("hex");
}
