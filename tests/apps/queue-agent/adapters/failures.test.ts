import assert from "node:assert/strict";
import type { Adapter, RuntimeTask } from "../../../../apps/queue-agent/adapters/adapter";
import { comfyuiAdapter } from "../../../../apps/queue-agent/adapters/comfyui";
import { fleetAdapter } from "../../../../apps/queue-agent/adapters/fleet";
import { webuiAdapter } from "../../../../apps/queue-agent/adapters/webui";
import type { FailureCode } from "../../../../contracts/tasks/record";
import * as comfyui from "../runtimes/comfyui";
import * as fleet from "../runtimes/fleet";
import type { Fault, RunningRuntime, RuntimeOptions } from "../runtimes/runtimeServer";
import * as webui from "../runtimes/webui";
import { always, failsAs, taskOf } from "./asked";

interface Kind {
  readonly name: string;
  readonly start: (options: RuntimeOptions) => Promise<RunningRuntime>;
  readonly adapter: (url: string) => Adapter;
  readonly task: RuntimeTask;
}

const workflow = {
  "5": { class_type: "EmptyLatentImage", inputs: { width: 8, height: 8, batch_size: 1 } },
  "9": { class_type: "SaveImage", inputs: { filename_prefix: "ours", images: ["5", 0] } },
};

const kinds: readonly Kind[] = [
  {
    name: "our inference server",
    start: fleet.start,
    adapter: fleetAdapter,
    task: taskOf("text-to-image", { prompt: "a" }),
  },
  {
    name: "WebUI",
    start: webui.start,
    adapter: (url) => webuiAdapter(url, false),
    task: taskOf("text-to-image", { prompt: "a" }),
  },
  {
    name: "ComfyUI",
    start: comfyui.start,
    adapter: (url) =>
      comfyuiAdapter(url, {
        watchMs: 100,
        watchCloselyMs: 10,
        outOfReachMs: 50,
        queueingMs: 60_000,
      }),
    task: taskOf("pipeline", workflow),
  },
];

const failures: readonly [string, Fault, FailureCode, RegExp][] = [
  ["400", { status: 400, message: "n is too large" }, "refused", /400: n is too large/],
  ["404", { status: 404, message: "no such model" }, "refused", /404: no such model/],
  ["413", { status: 413, message: "too large" }, "refused", /413/],
  ["422", { status: 422, message: "width" }, "refused", /422: width/],
  ["408", { status: 408, message: "slow" }, "runtime", /408/],
  ["429", { status: 429, message: "later" }, "busy", /429: later/],
  ["503", { status: 503, message: "it loads" }, "busy", /503: it loads/],
  ["500", { status: 500, message: "out of memory" }, "runtime", /500: out of memory/],
  ["502", { status: 502 }, "runtime", /502/],
  ["302", { status: 302 }, "runtime", /302/],
  ["a connection that ends before the answer", "close", "runtime", /connection/],
  ["a connection that ends in the middle of it", "cut", "runtime", /connection/],
  [
    "an answer that does not end",
    "endless",
    "refused",
    /an answer of more than (\d+) bytes, and an agent takes \1 at most/,
  ],
];

/** Answers with status 200 that are none. */
const malformed: readonly string[] = [
  "",
  " ",
  "null",
  "true",
  "7",
  '"text"',
  "[]",
  "{}",
  "{",
  "<html><body>502</body></html>",
  '{"data":null}',
  '{"data":{}}',
  '{"data":[]}',
  '{"data":[null]}',
  '{"data":[{"url":"http://127.0.0.1/1.png"}]}',
  '{"data":[{"b64_json":7}]}',
  '{"data":[{"b64_json":""}]}',
  '{"data":[{"b64_json":"bm8gaW1hZ2UgYXQgYWxs"}]}',
  '{"data":[{"b64_json":"iVBORw0KGgo"}]}',
  '{"images":null,"parameters":{},"info":"{}"}',
  '{"images":["bm8gaW1hZ2U="],"parameters":{},"info":"{}"}',
  '{"images":["iVBORw0KGgo="],"info":"{}"}',
  '{"image":null,"html_info":""}',
  '{"prompt_id":null}',
  '{"prompt_id":""}',
  '{"number":7,"node_errors":{}}',
  "\u0000\u0001\u0002",
];

for (const { name, start, adapter: adapterFor, task } of kinds)
  describe(`what goes wrong with ${name}`, () => {
    let fault: Fault | undefined;
    let server: RunningRuntime;
    let adapter: Adapter;
    before(async () => {
      server = await start({ fault: () => fault });
      adapter = adapterFor(server.url);
    });
    after(async () => {
      await adapter.close();
      await server.stop();
    });

    for (const [title, given, code, message] of failures)
      it(`is ${code} of ${title}`, async () => {
        fault = given;
        await failsAs(code, message, adapter.run(task, always));
      });

    it("tells when a busy one wants to be asked again", async () => {
      fault = { status: 429, retryAfterSeconds: 17 };
      const { retryAfterSeconds } = await failsAs("busy", /429/, adapter.run(task, always));
      assert.equal(retryAfterSeconds, 17);
    });

    it(`is a runtime's failure of each of ${malformed.length} answers that are none`, async () => {
      for (const text of malformed) {
        fault = { text };
        await failsAs("runtime", /./, adapter.run(task, always));
      }
    });

    it("leaves nothing behind that keeps the next task from running", async () => {
      fault = undefined;
      const { images } = await adapter.run(task, always);
      assert.equal(images.length, 1);
    });

    it("is busy when nobody listens", async () => {
      const other = adapterFor("http://127.0.0.1:1");
      await failsAs("busy", /does not (listen|open)/, other.run(task, always));
      assert.match((await other.readiness(always)) as string, /does not listen/);
      await other.close();
    });

    it("is the abort's own reason when it was aborted before", async () => {
      const reason = new Error("stop");
      const run = adapter.run(task, AbortSignal.abort(reason));
      assert.equal(await run.catch((error: unknown) => error), reason);
    });
  });
