import assert from "node:assert/strict";
import { createAdapter } from "../../../../apps/queue-agent/adapters/createAdapter";
import { EDITS_PATH, GENERATIONS_PATH } from "../../../../contracts/inferenceApi";
import { drawnPng, sizeOf } from "../runtimes/drawnPng";
import { start } from "../runtimes/fleet";
import type { RunningRuntime, RuntimeOptions } from "../runtimes/runtimeServer";
import { aborted, always, bytesOf, failsAs, taskOf, until } from "./asked";

const image = drawnPng({ subject: "a cat" }).toString("base64");

describe("the adapter of our inference server", () => {
  const running: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((each) => each.stop()));
  });

  async function serving(options: RuntimeOptions = {}) {
    const server: RunningRuntime = await start(options);
    const adapter = createAdapter("fleet", { url: server.url, dynamicModel: false });
    running.push({ stop: () => adapter.close().then(server.stop) });
    return { server, adapter };
  }

  it("is ready when the server says so, and says why it is not before", async () => {
    const { adapter, server } = await serving({ notReadyTimes: 1 });
    assert.match((await adapter.readiness(always)) as string, /the model loads/);
    assert.equal(await adapter.readiness(always), undefined);
    await server.stop();
    assert.match((await adapter.readiness(always)) as string, /does not listen|closed/);
  });

  it("asks for the content as it is, with the task's id and trace, and gives PNGs", async () => {
    const { adapter, server } = await serving();
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const content = { prompt: "a cat", n: 3, size: "32x16", seed: 7, ours: { deep: [1] } };
    const result = await adapter.run(taskOf("text-to-image", content, { traceparent }), always);
    const images = await bytesOf(result);
    assert.deepEqual(images.map(sizeOf), Array(3).fill({ width: 32, height: 16 }));
    assert.deepEqual(
      result.images.map(({ contentType }) => contentType),
      Array(3).fill("image/png"),
    );
    const [run] = server.runs;
    assert.equal(run?.path, GENERATIONS_PATH);
    assert.deepEqual(run.body, { ...content, response_format: "b64_json" });
    assert.equal(run.headers.traceparent, traceparent);
    assert.equal(run.id, "task-1");
  });

  it("keeps what the server answered, without the images, as the output", async () => {
    const { adapter } = await serving();
    const { output } = await adapter.run(taskOf("text-to-image", { prompt: "a", n: 2 }), always);
    const { created, ...rest } = output as { created: number };
    assert.ok(created > 0);
    assert.deepEqual(rest, { data: [{ seed: 0 }, { seed: 1 }], model: "drawn" });
  });

  it("sends an image to start from, several, and a mask, as files", async () => {
    const { adapter, server } = await serving();
    const content = {
      prompt: "a dog",
      image: [image, `data:image/png;base64,${image}`],
      mask: image,
      strength: 0.5,
      n: 1,
      ours: { deep: [1] },
      none: null,
    };
    await bytesOf(await adapter.run(taskOf("image-to-image", content), always));
    const [run] = server.runs;
    assert.equal(run?.path, EDITS_PATH);
    const bytes = Buffer.from(image, "base64");
    assert.deepEqual(run.body, {
      prompt: "a dog",
      image: [
        { name: "image-1.png", type: "image/png", bytes },
        { name: "image-2.png", type: "image/png", bytes },
      ],
      mask: { name: "mask-1.png", type: "image/png", bytes },
      strength: "0.5",
      n: "1",
      ours: '{"deep":[1]}',
      response_format: "b64_json",
    });
  });

  it("names the input that is none, and asks the server nothing", async () => {
    const { adapter, server } = await serving();
    const run = (content: Parameters<typeof taskOf>[1]) =>
      adapter.run(taskOf("image-to-image", { prompt: "a", ...content }), always);
    await failsAs("input", /^content\.image: an image/, run({}));
    await failsAs("input", /^content\.image\[1\]: neither/, run({ image: [image, "a cat"] }));
    await failsAs("input", /^content\.mask: neither/, run({ image, mask: 7 }));
    assert.deepEqual(server.runs, []);
  });

  it("takes no other types", async () => {
    const { adapter } = await serving();
    await failsAs("unsupported", /pipeline/, adapter.run(taskOf("pipeline", {}), always));
  });

  it("gives many images and large ones as the server drew them", async () => {
    const { adapter } = await serving({ imageBytes: 8 * 1024 ** 2 });
    const result = await adapter.run(taskOf("text-to-image", { prompt: "a", n: 2 }), always);
    const large = await bytesOf(result);
    for (const { length } of large) assert.ok(length > 8 * 1024 ** 2);
    assert.ok(sizeOf(large[0]!).width > 1000);
    const { adapter: other } = await serving();
    const many = await other.run(taskOf("text-to-image", { prompt: "a", n: 100 }), always);
    assert.equal(new Set((await bytesOf(many)).map(String)).size, 100);
  });

  it("gives an image again when it is asked again", async () => {
    const { adapter } = await serving();
    const result = await adapter.run(taskOf("text-to-image", { prompt: "a" }), always);
    assert.deepEqual(await bytesOf(result), await bytesOf(result));
  });

  it("passes on what the server refuses, with the server's words", async () => {
    const { adapter } = await serving();
    const run = adapter.run(taskOf("text-to-image", { n: 1 }), always);
    await failsAs("refused", /400: Missing required parameter: 'prompt'/, run);
  });

  it("drops the connection when it is aborted, so that the server can stop", async () => {
    const { adapter, server } = await serving({ fault: () => "hang" });
    const task = taskOf("text-to-image", { prompt: "a" });
    const error = await aborted(adapter, task, () => server.runs.length === 1);
    assert.match(String(error), /the claim is lost/);
    await until(() => server.runs[0]?.state !== "running");
  });

  it("runs the next task after each kind of failure", async () => {
    const faults = [
      { status: 500 },
      "cut",
      { status: 503 },
      "close",
      { text: "nonsense" },
    ] as const;
    const { adapter } = await serving({ fault: ({ number }) => faults[number - 1] });
    const task = taskOf("text-to-image", { prompt: "a" });
    for (const _ of faults) await assert.rejects(adapter.run(task, always));
    assert.equal((await adapter.run(task, always)).images.length, 1);
  });

  it("keeps its connections for tasks that follow each other", async () => {
    const { adapter, server } = await serving();
    for (let each = 0; each < 10; each++)
      await adapter.run(taskOf("text-to-image", { prompt: "a" }), always);
    assert.equal(server.runs.length, 10);
    assert.ok(server.connections() <= 4, `${server.connections()} connections`);
  });
});
