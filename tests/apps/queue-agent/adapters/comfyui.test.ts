import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type ComfyuiTimes, comfyuiAdapter } from "../../../../apps/queue-agent/adapters/comfyui";
import { createAdapter } from "../../../../apps/queue-agent/adapters/createAdapter";
import { answerBytes } from "../../../../fleet/agentResources";
import { type ComfyuiOptions, start } from "../runtimes/comfyui";
import { drawnPng, sizeOf } from "../runtimes/drawnPng";
import { aborted, always, bytesOf, bytesOfImage, failsAs, taskOf, until } from "./asked";

const quick: ComfyuiTimes = {
  watchMs: 60_000,
  watchCloselyMs: 20,
  outOfReachMs: 300,
  queueingMs: 1_000,
};

/** As the guidance's test of pipelines, shorter. */
function workflow(batchSize = 1, prefix = "ComfyUI") {
  return {
    "3": {
      class_type: "KSampler",
      inputs: { seed: 1, steps: 20, latent_image: ["5", 0] },
      _meta: { title: "KSampler" },
    },
    "5": {
      class_type: "EmptyLatentImage",
      inputs: { width: 512, height: 512, batch_size: batchSize },
    },
    "9": { class_type: "SaveImage", inputs: { filename_prefix: prefix, images: ["3", 0] } },
  };
}

const png = drawnPng({ subject: "a cat" });
const image = png.toString("base64");
const imageFile = `${createHash("sha256").update(png).digest("hex")}.png`;

describe("the adapter of ComfyUI", () => {
  const running: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((each) => each.stop()));
  });

  async function serving(options: ComfyuiOptions = {}, times: Partial<ComfyuiTimes> = {}) {
    const server = await start(options);
    const adapter = comfyuiAdapter(server.url, { ...quick, ...times });
    running.push({ stop: () => adapter.close().then(server.stop) });
    return { server, adapter };
  }

  it("is ready when it answers and its queue is empty", async () => {
    const { adapter, server } = await serving({ notReadyTimes: 1, runMs: 60_000 });
    assert.match((await adapter.readiness(always)) as string, /503: it starts/);
    assert.equal(await adapter.readiness(always), undefined);
    void fetch(`${server.url}/prompt`, {
      method: "POST",
      body: JSON.stringify({ prompt: workflow() }),
    });
    await until(() => server.runs.length === 1);
    assert.match((await adapter.readiness(always)) as string, /in its queue already: 1/);
  });

  it("is what is made for the name comfyui", async () => {
    const { server } = await serving();
    const adapter = createAdapter("comfyui", { url: `${server.url}/`, dynamicModel: false });
    assert.equal((await adapter.run(taskOf("pipeline", workflow()), always)).images.length, 1);
    await adapter.close();
  });

  it("queues the workflow once, with the task's trace, and gives its images in order", async () => {
    const { adapter, server } = await serving({ runMs: 20 });
    const result = await adapter.run(
      taskOf("pipeline", workflow(5), { traceparent: "00-1" }),
      always,
    );
    const images = await bytesOf(result);
    assert.equal(new Set(images.map(String)).size, 5);
    for (const bytes of images) assert.equal(sizeOf(bytes).width, 8);
    assert.deepEqual(
      result.images.map(({ contentType }) => contentType),
      Array(5).fill("image/png"),
    );
    assert.equal(server.runs.length, 1);
    assert.deepEqual(server.runs[0]?.body.prompt, workflow(5));
    assert.equal(server.runs[0]?.headers.traceparent, "00-1");
    assert.equal(server.runs[0]?.id, "task-1");
    const { outputs } = result.output as { outputs: Record<string, { images: unknown[] }> };
    assert.equal(outputs["9"]?.images.length, 5);
  });

  it("asks for nothing but the history when the websocket tells of the end", async () => {
    const { adapter, server } = await serving({ runMs: 20 });
    await adapter.run(taskOf("pipeline", workflow()), always);
    const asked = server.requests.map((each) => each.replace(/history\/.*/, "history"));
    assert.deepEqual(asked.slice(0, 3), ["GET /ws", "POST /prompt", "GET /history"]);
    await adapter.run(taskOf("pipeline", workflow()), always);
    assert.equal(server.requests.filter((each) => each === "GET /ws").length, 1);
  });

  it("misses no end of a workflow that is quicker than the answer to it", async () => {
    const { adapter, server } = await serving({ answersLate: true });
    for (let each = 0; each < 3; each++)
      assert.equal((await adapter.run(taskOf("pipeline", workflow()), always)).images.length, 1);
    assert.equal(server.runs.length, 3);
  });

  it("sees its end although somebody else's workflow waits behind it", async () => {
    const { adapter, server } = await serving({
      runMs: ({ number }) => (number === 1 ? 200 : 60_000),
    });
    const run = adapter.run(taskOf("pipeline", workflow()), always);
    await until(() => server.runs.length === 1);
    await fetch(`${server.url}/prompt`, {
      method: "POST",
      body: JSON.stringify({ prompt: workflow() }),
    });
    assert.equal((await run).images.length, 1);
    assert.equal(server.runs[1]?.state, "running");
  });

  it("streams images of 8 MiB, while the next workflow runs", async () => {
    const { adapter } = await serving({ imageBytes: 8 * 1024 ** 2 });
    const first = await adapter.run(taskOf("pipeline", workflow(3)), always);
    const [images, second] = await Promise.all([
      bytesOf(first),
      adapter.run(taskOf("pipeline", workflow()), always),
    ]);
    for (const bytes of images) assert.ok(bytes.length > 8 * 1024 ** 2);
    assert.equal(second.images.length, 1);
    const body = await first.images[0]!.body();
    assert.ok(!Buffer.isBuffer(body), "it is no stream");
    for await (const _ of body);
    assert.deepEqual(await bytesOfImage(first.images[0]!), images[0]);
  });

  it("queues the next workflow, and interrupts it, while nobody reads the images before it", async () => {
    const { adapter, server } = await serving({
      imageBytes: 8 * 1024 ** 2,
      runMs: ({ number }) => (number === 2 ? 60_000 : 0),
    });
    // As many as can be streamed at the same time.
    const first = await adapter.run(taskOf("pipeline", workflow(8)), always);
    const bodies = await Promise.all(first.images.map((each) => each.body()));
    assert.equal(await adapter.readiness(always), undefined);
    const task = taskOf("pipeline", workflow());
    const error = await aborted(adapter, task, () => server.runs.length === 2);
    assert.match(String(error), /the claim is lost/);
    assert.equal(server.runs[1]?.state, "interrupted");
    for (const body of bodies) {
      assert.ok(!Buffer.isBuffer(body), "it is no stream");
      let bytes = 0;
      for await (const chunk of body) bytes += (chunk as Buffer).length;
      assert.ok(bytes > 8 * 1024 ** 2, "it did not stay open");
    }
  });

  it("gives images, gifs and videos of all nodes", async () => {
    const file = (filename: string) => ({ filename, subfolder: "a", type: "output" });
    const { adapter } = await serving({
      outputs: () => ({
        "9": { images: [file("1.png"), file("2.webp")], animated: [false] },
        "10": { gifs: [{ ...file("3.mp4"), format: "video/h264-mp4" }], text: ["hello"] },
        "11": { videos: [file("4.webm")] },
      }),
    });
    const { images, output } = await adapter.run(taskOf("pipeline", workflow()), always);
    assert.deepEqual(
      new Set(images.map(({ contentType }) => contentType)),
      new Set(["image/png", "image/webp", "video/mp4", "video/webm"]),
    );
    assert.deepEqual((output as { outputs: { "10": { text: unknown } } }).outputs["10"].text, [
      "hello",
    ]);
    await failsAs("runtime", /does not hand out/, Promise.resolve(images[0]!.body()));
  });

  it("uploads images that nodes want as files, each once, and leaves other nodes as they are", async () => {
    const { adapter, server } = await serving();
    const nodes = {
      ...workflow(),
      "20": { class_type: "LoadImage", inputs: { image, upload: "image" } },
      "21": { class_type: "LoadImage", inputs: { image: `data:image/png;base64,${image}` } },
      "22": { class_type: "CLIPTextEncode", inputs: { text: image } },
    };
    await adapter.run(taskOf("pipeline", nodes), always);
    assert.deepEqual([...server.inputs], [[imageFile, png]]);
    assert.equal(server.requests.filter((each) => each === "POST /upload/image").length, 1);
    assert.deepEqual(server.runs[0]?.body.prompt, {
      ...nodes,
      "20": { class_type: "LoadImage", inputs: { image: imageFile, upload: "image" } },
      "21": { class_type: "LoadImage", inputs: { image: imageFile } },
    });
  });

  it("names the nodes that are not valid, and why", async () => {
    const { adapter, server } = await serving();
    const wrong = workflow();
    wrong["3"].inputs.steps = -1;
    const nodes = { ...wrong, "20": { class_type: "LoadImage", inputs: { image: "cat.png" } } };
    const error = await failsAs("refused", /400/, adapter.run(taskOf("pipeline", nodes), always));
    assert.match(error.message, /node 3 \(KSampler\): Value -1 smaller than min of 1: steps/);
    assert.match(error.message, /node 20 \(LoadImage\): .*image - Invalid image file/);
    assert.deepEqual(server.runs, []);
  });

  it("refuses what is no workflow", async () => {
    const { adapter } = await serving();
    const run = (content: Parameters<typeof taskOf>[1]) =>
      adapter.run(taskOf("pipeline", content), always);
    await failsAs("refused", /^content\.prompt: a node/, run({ prompt: "a dog" }));
    await failsAs("refused", /^content\.3: a node/, run({ "3": { class_type: "KSampler" } }));
    await failsAs("refused", /Prompt has no outputs/, run({}));
    const unknown = { "1": { class_type: "OurNode", inputs: {} } };
    await failsAs("refused", /Node 'OurNode' not found/, run(unknown));
    await failsAs(
      "unsupported",
      /text-to-image/,
      adapter.run(taskOf("text-to-image", { prompt: "a" }), always),
    );
  });

  it("names the node that failed, and with what", async () => {
    const { adapter } = await serving({ nodeError: () => "CUDA out of memory" });
    const run = adapter.run(taskOf("pipeline", workflow()), always);
    await failsAs("runtime", /^node 3 \(KSampler\): CUDA out of memory$/, run);
  });

  it("notices that somebody else interrupted the workflow", async () => {
    const { adapter, server } = await serving({ runMs: 60_000 });
    const run = adapter.run(taskOf("pipeline", workflow()), always);
    await until(() => server.runs.length === 1);
    await fetch(`${server.url}/interrupt`, {
      method: "POST",
      body: JSON.stringify({ prompt_id: server.runs[0]!.body.prompt_id }),
    });
    await failsAs("runtime", /interrupted/, run);
  });

  describe("when the websocket breaks", () => {
    it("goes on, and queues nothing twice", async () => {
      const { adapter, server } = await serving({ runMs: 100, dropsSocket: () => true });
      const result = await adapter.run(taskOf("pipeline", workflow(2)), always);
      assert.equal((await bytesOf(result)).length, 2);
      assert.equal(server.runs.length, 1);
      assert.equal(server.requests.filter((each) => each === "GET /ws").length, 2);
    });

    it("finds the end that came while it was broken", async () => {
      const { adapter, server } = await serving(
        { runMs: 30, dropsSocket: () => true },
        { watchCloselyMs: 200 },
      );
      const result = await adapter.run(taskOf("pipeline", workflow()), always);
      assert.equal(result.images.length, 1);
      assert.equal(server.runs.length, 1);
    });

    it("finds the end that came between two questions", async () => {
      const isOver = () => server.runs[0]?.state === "completed";
      const { adapter, server } = await serving({
        runMs: 100,
        dropsSocket: () => true,
        before: (asked) => (asked === "GET /queue" ? until(isOver) : undefined),
      });
      assert.equal((await adapter.run(taskOf("pipeline", workflow()), always)).images.length, 1);
      assert.equal(server.runs.length, 1);
    });

    it("goes on when ComfyUI says nothing on the new one", async () => {
      const { adapter, server } = await serving({
        runMs: 100,
        dropsSocket: () => true,
        staysSilent: true,
      });
      assert.equal((await adapter.run(taskOf("pipeline", workflow()), always)).images.length, 1);
      assert.equal(server.runs.length, 1);
    });

    it("goes on when there is no new one", async () => {
      const { adapter, server } = await serving({
        runMs: 100,
        dropsSocket: () => true,
        refusesSocket: true,
      });
      assert.equal((await adapter.run(taskOf("pipeline", workflow()), always)).images.length, 1);
      assert.equal(server.runs.length, 1);
    });

    it("opens a new one for the next task when it broke in between", async () => {
      const { adapter, server } = await serving();
      for (let each = 0; each < 3; each++) {
        assert.equal((await adapter.run(taskOf("pipeline", workflow()), always)).images.length, 1);
        server.dropSockets();
        await until(() => true);
      }
      assert.equal(server.runs.length, 3);
    });
  });

  it("sees an end that the websocket did not tell of", async () => {
    const { adapter, server } = await serving(
      { runMs: 100, staysSilent: true, dropsSocket: () => true },
      { watchMs: 50 },
    );
    assert.equal((await adapter.run(taskOf("pipeline", workflow()), always)).images.length, 1);
    assert.equal((await adapter.run(taskOf("pipeline", workflow()), always)).images.length, 1);
    assert.equal(server.runs.length, 2);
  });

  it("fails, and does not wait for ever, when ComfyUI started anew and knows nothing", async () => {
    const { adapter, server } = await serving({ runMs: 60_000 });
    const run = adapter.run(taskOf("pipeline", workflow()), always);
    await until(() => server.runs.length === 1);
    server.restart();
    await failsAs("runtime", /did it restart/, run);
  });

  it("fails when ComfyUI goes away and does not come back", async () => {
    const { adapter, server } = await serving({ runMs: 60_000 });
    const run = adapter.run(taskOf("pipeline", workflow()), always);
    run.catch(() => {});
    await until(() => server.runs.length === 1);
    await server.stop();
    await failsAs("runtime", /out of reach/, run);
  });

  it("goes on when the history cannot be asked for a moment", async () => {
    let times = 0;
    const { adapter, server } = await serving({
      otherFault: (asked) =>
        asked.startsWith("GET /history") && times++ < 3 ? { status: 500 } : undefined,
    });
    assert.equal((await adapter.run(taskOf("pipeline", workflow()), always)).images.length, 1);
    assert.equal(server.runs.length, 1);
  });

  it("has ComfyUI forget each workflow that has ended, and still hands out its images", async () => {
    const { adapter, server } = await serving({
      nodeError: ({ number }) => (number === 2 ? "CUDA out of memory" : undefined),
    });
    const result = await adapter.run(taskOf("pipeline", workflow()), always);
    await adapter.run(taskOf("pipeline", workflow()), always).catch(() => {});
    await until(() => server.requests.filter((each) => each === "POST /history").length === 2);
    await until(() => server.history.length === 0);
    assert.equal((await bytesOf(result)).length, 1);
  });

  it("completes although ComfyUI does not forget", async () => {
    const { adapter, server } = await serving({
      otherFault: (asked) => (asked === "POST /history" ? "hang" : undefined),
    });
    for (let each = 0; each < 3; each++)
      assert.equal((await adapter.run(taskOf("pipeline", workflow()), always)).images.length, 1);
    assert.equal(server.runs.length, 3);
  });

  it("reads no message that is larger than an image, and finds the end all the same", async () => {
    const { adapter, server } = await serving({ messageBytes: 33 * 1024 ** 2, runMs: 50 });
    assert.equal((await adapter.run(taskOf("pipeline", workflow()), always)).images.length, 1);
    assert.equal(server.runs.length, 1);
    const connected = server.requests.filter((each) => each === "GET /ws").length;
    assert.ok(connected > 1, "the connection with that message went on");
  });

  it("refuses, once, a history that an agent has no memory for", async () => {
    const { adapter, server } = await serving(
      { outputs: () => ({ "9": { text: ["x".repeat(answerBytes)] } }) },
      { outOfReachMs: 600_000 },
    );
    const run = adapter.run(taskOf("pipeline", workflow()), always);
    await failsAs("refused", /GET \/history\/.*an agent takes \d+ at most/, run);
    assert.equal(server.runs.length, 1);
  });

  it("takes the prompt back whose queueing was not answered", async () => {
    const { adapter, server } = await serving({
      runMs: 60_000,
      fault: ({ number }) => (number === 1 ? "close" : undefined),
    });
    await failsAs("runtime", /connection/, adapter.run(taskOf("pipeline", workflow()), always));
    await until(() => server.runs[0]?.state === "interrupted");
  });

  for (const isOld of [false, true])
    it(`interrupts the workflow when it is aborted${isOld ? ", of a ComfyUI with its own ids too" : ""}`, async () => {
      const { adapter, server } = await serving({
        isOld,
        runMs: ({ number }) => (number === 1 ? 60_000 : 0),
      });
      const task = taskOf("pipeline", workflow());
      const error = await aborted(adapter, task, () => server.runs.length === 1);
      assert.match(String(error), /the claim is lost/);
      assert.equal(server.runs[0]?.state, "interrupted");
      assert.equal((await adapter.run(task, always)).images.length, 1);
      assert.equal(server.runs.length, 2);
    });

  it("takes a workflow out of the queue that waits behind somebody else's", async () => {
    const { adapter, server } = await serving({ runMs: 60_000 });
    await fetch(`${server.url}/prompt`, {
      method: "POST",
      body: JSON.stringify({ prompt: workflow() }),
    });
    const task = taskOf("pipeline", workflow());
    await aborted(adapter, task, () => server.runs.length === 2);
    assert.equal(server.runs[0]?.state, "running");
    assert.equal(server.runs[1]?.state, "interrupted");
  });
});
