import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { S3Client } from "@aws-sdk/client-s3";
import type { RuntimeImage } from "../../../apps/queue-agent/adapters/adapter";
import { RuntimeClient } from "../../../apps/queue-agent/adapters/runtimeClient";
import { Results } from "../../../apps/queue-agent/results";
import { TaskFailed } from "../../../apps/queue-agent/taskFailed";
import type { Task } from "../../../apps/queue-agent/taskMessage";
import { always, until } from "./adapters/asked";
import { type Listening, listening } from "./runtimes/runtimeServer";

const MIB = 2 ** 20;

const task: Task = {
  key: "task-1",
  id: "task-1",
  run: undefined,
  runtime: "drawing",
  type: "pipeline",
  prefix: undefined,
  context: undefined,
  content: {},
  contentKey: undefined,
  requestHash: undefined,
  submittedAt: "2026-01-01T00:00:00.000Z",
  deadLetterId: undefined,
  traceHeaders: {},
};

/** What S3 is asked for. */
interface Asked {
  readonly kind: "object" | "begin" | "part" | "complete" | "abort";
  readonly path: string;
  /** Of the task's images, from 1; 0: none of them. */
  readonly image: number;
}

type S3Answer = "good" | "refused" | "never";

describe("results that cannot be stored", () => {
  /** By the name of an image. */
  let hands: (name: string, response: ServerResponse) => void;
  let answers: (asked: Asked) => S3Answer;
  let open: string[];
  let asked: Asked[];
  /** Requests that S3 has not answered. */
  let unanswered: number;
  let runtime: Listening;
  let s3: Listening;
  let client: RuntimeClient;
  let results: Results;

  beforeEach(async () => {
    hands = (_name, response) => response.end(Buffer.alloc(16 * MIB, 1));
    answers = () => "good";
    open = [];
    asked = [];
    unanswered = 0;
    runtime = await listening(async (request, response) => {
      const name = new URL(request.url as string, "http://localhost").searchParams.get("filename")!;
      open.push(name);
      response.once("close", () => open.splice(open.indexOf(name), 1));
      response.writeHead(200);
      hands(name, response);
    });
    s3 = await listening(async (request, response) => {
      const one = askedOf(request);
      asked.push(one);
      unanswered++;
      response.once("close", () => unanswered--);
      for await (const _ of request);
      const answer = answers(one);
      if (answer === "refused")
        response
          .writeHead(403)
          .end(`<Error><Code>Refused</Code><Message>${one.kind}</Message></Error>`);
      else if (answer === "good")
        response
          .writeHead(200, { ETag: '"1"' })
          .end(
            one.kind === "begin"
              ? "<A><UploadId>1</UploadId></A>"
              : one.kind === "complete"
                ? "<A/>"
                : "",
          );
    });
    client = new RuntimeClient(runtime.url);
    results = new Results(
      new S3Client({
        endpoint: s3.url,
        region: "us-west-2",
        forcePathStyle: true,
        credentials: { accessKeyId: "test", secretAccessKey: "test" },
        requestChecksumCalculation: "WHEN_REQUIRED",
        maxAttempts: 1,
      }),
      "results",
    );
  });
  afterEach(async () => {
    results.client.destroy();
    await Promise.all([client.close(), runtime.stop(), s3.stop()]);
  });

  const image = (name: string): RuntimeImage => ({
    bytes: 5 * MIB,
    body: () => client.stream({ method: "GET", path: "/view", query: { filename: name } }, always),
  });
  const stored = (...names: string[]) =>
    results.store(task, {
      attempt: "12345678",
      startedAt: "",
      finishedAt: "",
      result: { images: names.map(image), output: null },
    });
  const four = ["1", "2", "3", "4"];

  it("hold no connection to the runtime, so that as many tries as one likes can follow", async () => {
    answers = ({ kind }) => (kind === "part" ? "refused" : "good");
    for (let each = 0; each < 5; each++) {
      await assert.rejects(stored(...four), { name: "Refused" });
      await until(() => open.length === 0);
    }
    answers = () => "good";
    const { images } = await stored(...four);
    assert.deepEqual(
      images.map(({ bytes }) => bytes),
      four.map(() => 16 * MIB),
    );
  });

  it("are given up together: what S3 has not answered yet keeps nothing open", async () => {
    const waits = () => asked.filter(({ kind, image }) => kind === "part" && image !== 1).length;
    answers = ({ kind, image }) => (kind !== "part" ? "good" : image === 1 ? "refused" : "never");
    // The first one's part comes last.
    hands = (name, response) =>
      void (name === "1" ? until(() => waits() === 3) : Promise.resolve()).then(() =>
        response.end(Buffer.alloc(16 * MIB, 1)),
      );
    await assert.rejects(stored(...four), { name: "Refused" });
    await until(() => open.length === 0 && unanswered === 0);
  });

  it("are given up together, and nothing more is uploaded", async () => {
    let refuse = () => {};
    const mayRefuse = new Promise<void>((may) => {
      refuse = may;
    });
    // The others bring a part and then no end, until they are left.
    hands = (name, response) => {
      if (name === "1") void mayRefuse.then(() => response.end(Buffer.alloc(16 * MIB, 1)));
      else response.write(Buffer.alloc(6 * MIB, 1));
    };
    answers = ({ kind, image }) => (kind === "part" && image === 1 ? "refused" : "good");
    const storing = assert.rejects(stored(...four, "5"), { name: "Refused" });
    await until(() => asked.filter(({ kind }) => kind === "part").length === 3);
    refuse();
    await storing;
    await until(() => open.length === 0);
    await until(() => asked.filter(({ kind }) => kind === "abort").length === 4);
    assert.equal(asked.filter(({ kind }) => kind === "part").length, 4);
    assert.ok(!asked.some(({ kind, image }) => kind === "complete" || image === 5));
  });

  it("let go of an image whose beginning does not come", async () => {
    hands = (name, response) => {
      response.write("abc");
      if (name === "1") void until(() => open.length === 2).then(() => response.destroy());
    };
    const error = await stored("1", "2").catch((thrown: unknown) => thrown);
    assert.ok(error instanceof TaskFailed, String(error));
    assert.match(error.message, /broke off an image/);
    await until(() => open.length === 0);
  });

  it("fail with what went wrong first", async () => {
    answers = ({ kind }) => (kind === "object" ? "refused" : "good");
    hands = (_name, response) => response.write(Buffer.alloc(6 * MIB, 1));
    await assert.rejects(stored(...four), { name: "Refused", message: "object" });
    await until(() => open.length === 0);
  });
});

function askedOf({ method, url }: IncomingMessage): Asked {
  const { pathname: path, searchParams } = new URL(url as string, "http://localhost");
  const kind =
    method === "DELETE"
      ? "abort"
      : method === "POST"
        ? searchParams.has("uploads")
          ? "begin"
          : "complete"
        : searchParams.has("partNumber")
          ? "part"
          : "object";
  return { kind, path, image: Number(/-(\d+)\.\w+$/.exec(path)?.[1] ?? 0) };
}
