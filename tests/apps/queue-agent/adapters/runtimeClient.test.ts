import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { RuntimeClient } from "../../../../apps/queue-agent/adapters/runtimeClient";
import { agentHeapPart, agentResources, answerBytes } from "../../../../fleet/agentResources";
import { drawnPng } from "../runtimes/drawnPng";
import { endless, type Listening, listening } from "../runtimes/runtimeServer";
import { always, failsAs, until } from "./asked";

const MOST = 1_000_000;

describe("what an agent reads of a runtime's answer", () => {
  let answer: (response: ServerResponse) => Promise<void>;
  let server: Listening;
  let client: RuntimeClient;
  before(async () => {
    server = await listening((_request, response) => answer(response));
    client = new RuntimeClient(server.url, MOST);
  });
  after(async () => {
    await client.close();
    await server.stop();
  });

  const asked = () => client.json({ method: "GET", path: "/draw" }, always);
  const text = (bytes: number) => JSON.stringify("a".repeat(bytes - 2));

  for (const isAnnounced of [true, false])
    it(`is all of it up to the bound, and no byte more${isAnnounced ? ", when its length is announced" : ""}`, async () => {
      const answered = (bytes: number) => async (response: ServerResponse) => {
        response.writeHead(200, isAnnounced ? { "Content-Length": bytes } : {});
        response.end(text(bytes));
      };
      answer = answered(MOST);
      assert.equal(((await asked()) as string).length, MOST - 2);
      answer = answered(MOST + 1);
      await failsAs(
        "refused",
        isAnnounced
          ? /^GET \/draw: an answer of 1000001 bytes, and an agent takes 1000000 at most: fewer/
          : /^GET \/draw: an answer of more than 1000000 bytes, and an agent takes 1000000 at most/,
        asked(),
      );
    });

  it("is nothing where too much is announced", async () => {
    let isLeft = false;
    answer = async (response) => {
      response.writeHead(200, { "Content-Length": 10 ** 12 });
      response.flushHeaders();
      await new Promise((left) => response.once("close", left));
      isLeft = true;
    };
    await failsAs("refused", /an answer of 1000000000000 bytes/, asked());
    await until(() => isLeft);
  });

  it("ends with the bound where nothing is announced, and so does the connection", async () => {
    let written: number | undefined;
    answer = async (response) => {
      response.writeHead(200);
      written = await endless(response);
    };
    await failsAs("refused", /more than 1000000 bytes/, asked());
    await until(() => written !== undefined);
    // What was on its way in both machines' buffers when it was enough.
    assert.ok(written! < 64 * 2 ** 20, `${written} bytes were written`);
    answer = async (response) => void response.end("7");
    assert.equal(await asked(), 7, "the next request gets its answer");
  });

  it("has no bound where it is passed on as it comes in", async () => {
    const parts = 20;
    answer = async (response) => {
      for (let part = 0; part < parts; part++) response.write(Buffer.alloc(MOST));
      response.end();
    };
    let bytes = 0;
    for await (const chunk of await client.stream({ method: "GET", path: "/view" }, always))
      bytes += (chunk as Buffer).length;
    assert.equal(bytes, parts * MOST);
  });

  it("fits into the heap of an agent, twice, up to the bound", async () => {
    const image = drawnPng({ subject: "large", bytes: 2 ** 20 }).toString("base64");
    const count = Math.floor((answerBytes - 100) / (image.length + 20));
    answer = async (response) => {
      response.write('{"data":[');
      for (let index = 0; index < count; index++)
        response.write(`${index === 0 ? "" : ","}{"b64_json":"${image}"}`);
      response.end("]}");
    };
    const heapMiB = Math.floor(agentResources(1).memoryMiB * agentHeapPart);
    const folder = mkdtempSync(join(tmpdir(), "fleet-answers-"));
    try {
      const script = join(folder, "agent.cjs");
      buildSync({
        stdin: {
          contents: TWO_TASKS,
          resolveDir: resolve(__dirname, "../../../../apps/queue-agent"),
        },
        bundle: true,
        platform: "node",
        outfile: script,
        logLevel: "error",
      });
      const child = spawn(process.execPath, [
        `--max-old-space-size=${heapMiB}`,
        script,
        server.url,
      ]);
      let said = "";
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
      const status = await new Promise((ended) => child.once("close", ended));
      assert.equal(status, 0, said.slice(0, 2000));
      assert.equal(said, `${count} images, then ${count}\n`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the signal of a request to a runtime", () => {
  it("ends it while it waits for a connection, and it is not sent any more", async () => {
    const asked: string[] = [];
    const server = await listening(async ({ url }, response) => {
      asked.push(url as string);
      if (url !== "/hangs") response.end("7");
    });
    const client = new RuntimeClient(server.url);
    try {
      const get = (path: string, signal: AbortSignal) =>
        client.json({ method: "GET", path }, signal);
      const late = new AbortController();
      const hanging = Array.from({ length: 20 }, () => new AbortController());
      const isOver = Promise.allSettled(hanging.map(({ signal }) => get("/hangs", signal)));
      const waiting = get("/late", late.signal);
      waiting.catch(() => {});
      await until(() => asked.length > 0);
      late.abort(new Error("the claim is lost"));
      await assert.rejects(waiting, /^Error: the claim is lost$/);
      for (const each of hanging) each.abort(new Error("it is over"));
      for (const each of await isOver)
        assert.match(String(each.status === "rejected" && each.reason), /it is over/);
      assert.equal(await get("/next", always), 7);
      assert.ok(!asked.includes("/late"), "it was sent");
    } finally {
      await client.close();
      await server.stop();
    }
  });

  it("ends it before it begins when it was aborted already", async () => {
    const server = await listening(async (_request, response) => void response.end("7"));
    const client = new RuntimeClient(server.url);
    try {
      const signal = AbortSignal.abort(new Error("the claim is lost"));
      await assert.rejects(client.json({ method: "GET", path: "/" }, signal), /the claim is lost/);
      assert.equal(server.connections(), 0);
    } finally {
      await client.close();
      await server.stop();
    }
  });
});

/** Runs a task while the images of the one before it are stored. */
const TWO_TASKS = `
  import { fleetAdapter } from "./adapters/fleet";
  import { keepHeapSmall } from "./memory";
  keepHeapSmall();
  const adapter = fleetAdapter(process.argv[2]);
  const task = { id: "a", type: "text-to-image", content: { prompt: "a" }, headers: {} };
  const run = () => adapter.run(task, new AbortController().signal);
  async function main() {
    const first = await run();
    const [second] = await Promise.all([run(), ...first.images.map((image) => image.body())]);
    console.log(first.images.length + " images, then " + second.images.length);
    await adapter.close();
  }
  void main();
`;
