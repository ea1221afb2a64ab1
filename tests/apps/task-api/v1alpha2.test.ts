import assert from "node:assert/strict";
import type { TaskView } from "../../../contracts/tasks/api";
import { taskMessageSchema } from "../../../contracts/tasks/message";
import { taskRecordSchema } from "../../../contracts/tasks/record";
import { describeOnMoto } from "../../python/moto";
import { type ApiProcess, createWorld, send, startApi, type World } from "./apiOnMoto";

/** One of each task type, in the shape that the guidance's clients send. */
const bodies = {
  "text-to-image": {
    metadata: {
      id: "t2i",
      runtime: "sdruntime",
      tasktype: "text-to-image",
      prefix: "output",
      context: "",
    },
    content: { alwayson_scripts: {}, prompt: "A lighthouse", steps: 16, width: 512, height: 512 },
  },
  "image-to-image": {
    metadata: {
      id: "i2i",
      runtime: "sdruntime",
      tasktype: "image-to-image",
      prefix: "output/",
      context: { order: 7 },
    },
    content: {
      alwayson_scripts: {},
      init_images: ["https://images.example.com/cat.png"],
      prompt: "A cat in a hat",
      steps: 16,
      width: 512,
      height: 512,
    },
  },
  "extra-single-image": {
    metadata: {
      id: "extra",
      runtime: "sdruntime",
      tasktype: "extra-single-image",
      prefix: "output",
      context: "",
    },
    content: {
      resize_mode: 0,
      upscaling_resize: 4,
      upscaler_1: "R-ESRGAN 4x+",
      image: "https://a.cdn.example.org/cat.png",
    },
  },
  pipeline: {
    metadata: { id: "workflow", runtime: "comfy", tasktype: "pipeline", prefix: "output" },
    content: {
      "3": { class_type: "KSampler", inputs: { seed: 89465186141685, model: ["4", 0], cfg: 8 } },
      "4": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "a.safetensors" } },
    },
  },
} as const;

describeOnMoto("The guidance's v1alpha2 API", (moto) => {
  let world: World;
  let api: ApiProcess;
  before("start the API", async () => {
    world = await createWorld(moto());
    api = await startApi(world.environment);
  });
  after("stop it", () => api?.stop());

  const post = (body: unknown, headers?: Record<string, string>) =>
    send("POST", `${api.url}/v1alpha2`, body, headers);

  for (const [type, task] of Object.entries(bodies))
    it(`takes ${type} with the guidance's answer, and publishes it as the guidance does`, async () => {
      const { id, runtime } = task.metadata;
      const { status, body } = await post({ task });
      assert.equal(status, 200);
      assert.deepEqual(body, {
        id,
        runtime,
        output_location: `s3://${world.environment.RESULTS_BUCKET}/output/${id}`,
      });
      const [message, ...others] = await world.receive(runtime);
      assert.deepEqual(others, []);
      const { metadata, content, key } = taskMessageSchema.parse(message?.body);
      assert.deepEqual({ metadata, content }, task);
      assert.equal(key, id);
      assert.equal(taskRecordSchema.parse(await world.record(id)).state, "queued");
    });

  it("makes a task of its own of an id that was used before, with a folder of its own", async () => {
    const task = {
      ...bodies["text-to-image"],
      metadata: { ...bodies["text-to-image"].metadata, id: "again" },
    };
    const first = await post({ task });
    const second = await post({ task });
    const third = await post({ task });
    const results = world.environment.RESULTS_BUCKET;
    assert.equal(first.body.output_location, `s3://${results}/output/again`);
    const runs = [second, third].map(({ body }) => {
      assert.equal(body.id, "again");
      const [, run] = /\/output\/again\/([0-9a-f]{8})$/.exec(body.output_location as string) ?? [];
      assert.ok(run);
      return run;
    });
    assert.notEqual(runs[0], runs[1]);
    const keys = (await world.receive("sdruntime")).map(({ body }) => body.key);
    assert.deepEqual(keys.sort(), ["again", ...runs.map((run) => `again~${run}`)].sort());

    const shown = await send<TaskView>("GET", `${api.url}/v1/tasks/again~${runs[0]}`);
    assert.equal(shown.status, 200);
    assert.deepEqual([shown.body.id, shown.body.run], ["again", runs[0]]);
    assert.equal(shown.body.outputLocation, second.body.output_location);
    const cancelled = await send<TaskView>("DELETE", `${api.url}/v1/tasks/again~${runs[1]}`);
    assert.equal(cancelled.body.state, "cancelled");
  });

  it("lets fields by that it does not know, and does not ask for a content type", async () => {
    const { metadata, content } = bodies["text-to-image"];
    const body = {
      task: { metadata: { ...metadata, id: "more", priority: 1 }, content, comment: "x" },
      client: "y",
    };
    const answer = await post(JSON.stringify(body), { "Content-Type": "text/plain" });
    assert.equal(answer.status, 200);
    assert.equal((await send("POST", `${api.url}/v1alpha2/`, body)).status, 200);
    await world.receive("sdruntime");
  });

  const { metadata, content } = bodies["text-to-image"];
  const without = (field: string) => ({
    content,
    metadata: Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== field)),
  });
  const refused: readonly (readonly [string, unknown, number, RegExp])[] = [
    ["no JSON", "{", 400, /^Invalid request format\nbody/],
    ["no task", {}, 400, /^Invalid request format\ntask: /],
    ["no metadata", { task: { content } }, 400, /structure, metadata is missing\ntask\.metadata:/],
    ["no content", { task: { metadata } }, 400, /structure, content is missing\ntask\.content:/],
    ["no id", { task: without("id") }, 400, /structure, id is missing\ntask\.metadata\.id:/],
    ["no runtime", { task: without("runtime") }, 400, /structure, runtime is missing/],
    [
      "no tasktype",
      { task: without("tasktype") },
      400,
      /structure, (tasktype is missing|invalid tasktype)/,
    ],
    ["no prefix", { task: without("prefix") }, 400, /structure, prefix is missing/],
    [
      "a bad id",
      { task: { content, metadata: { ...metadata, id: "a/b" } } },
      400,
      /^Incorrect payload structure, invalid id format\ntask\.metadata\.id is "a\/b": /,
    ],
    [
      "a bad tasktype",
      { task: { content, metadata: { ...metadata, tasktype: "video" } } },
      400,
      /^Incorrect payload structure, invalid tasktype\ntask\.metadata\.tasktype is "video": one of text-to-image/,
    ],
    [
      "another's tasktype",
      { task: { content, metadata: { ...metadata, tasktype: "pipeline" } } },
      400,
      /invalid tasktype\n.*text-to-image, image-to-image, extra-single-image by sdruntime/,
    ],
    [
      "an unknown runtime",
      { task: { content, metadata: { ...metadata, runtime: "Other_1" } } },
      404,
      /^Incorrect payload structure, invalid runtime format\ntask\.metadata\.runtime is "Other_1": sdruntime, comfy\n/,
    ],
    [
      "a URL of another host",
      { task: { metadata, content: { init_images: ["https://169.254.169.254/x"] } } },
      400,
      /task\.content\.init_images\[0\] is /,
    ],
  ];
  for (const [what, body, status, text] of refused)
    it(`refuses ${what} as text, in the guidance's words and with the field`, async () => {
      const answer = await post(body);
      assert.equal(answer.status, status);
      assert.match(answer.headers.get("content-type") ?? "", /^text\/plain/);
      assert.match(answer.text, text);
      assert.deepEqual(await world.receive("sdruntime"), []);
    });
});
