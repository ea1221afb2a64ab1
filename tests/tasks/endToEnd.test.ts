import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { TaskView } from "../../contracts/tasks/api";
import { outputLocation, type TaskType } from "../../contracts/tasks/task";
import * as comfyui from "../apps/queue-agent/runtimes/comfyui";
import { drawnPng } from "../apps/queue-agent/runtimes/drawnPng";
import * as fleet from "../apps/queue-agent/runtimes/fleet";
import type { Run, RunningRuntime } from "../apps/queue-agent/runtimes/runtimeServer";
import * as webui from "../apps/queue-agent/runtimes/webui";
import { describeOnMoto } from "../python/moto";
import { type AgentStep, stepOf } from "./harness/agentCall";
import type { TaskClient } from "./harness/taskClient";
import { type RuntimeName, TaskWorld } from "./harness/taskWorld";
import { until } from "./harness/until";

const MiB = 2 ** 20;

/** A workflow in ComfyUI's API format that saves two images. */
const workflow = {
  "4": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "drawn.safetensors" } },
  "5": { class_type: "EmptyLatentImage", inputs: { width: 8, height: 8, batch_size: 2 } },
  "6": { class_type: "CLIPTextEncode", inputs: { text: "a lighthouse", clip: ["4", 1] } },
  "3": { class_type: "KSampler", inputs: { steps: 4, latent_image: ["5", 0] } },
  "8": { class_type: "VAEDecode", inputs: { samples: ["3", 0], vae: ["4", 2] } },
  "9": { class_type: "SaveImage", inputs: { filename_prefix: "drawn", images: ["8", 0] } },
};

const input = drawnPng({ subject: "an input" }).toString("base64");

interface Example {
  readonly runtime: RuntimeName;
  readonly type: TaskType;
  readonly content: Readonly<Record<string, unknown>>;
  /** What the test's runtime draws for it. */
  readonly subjects: readonly string[];
}

/** A task of each type that each adapter takes. */
const examples: readonly Example[] = [
  {
    runtime: "drawing",
    type: "text-to-image",
    content: { prompt: "a lighthouse", n: 3 },
    subjects: ["a lighthouse 0", "a lighthouse 1", "a lighthouse 2"],
  },
  {
    runtime: "drawing",
    type: "image-to-image",
    content: { prompt: "at night", image: input },
    subjects: ["at night 0"],
  },
  {
    runtime: "webui",
    type: "text-to-image",
    content: { prompt: "a harbour", batch_size: 2 },
    subjects: ["a harbour 1000", "a harbour 1001"],
  },
  {
    runtime: "webui",
    type: "image-to-image",
    content: { prompt: "in snow", init_images: [input] },
    subjects: ["in snow 1000"],
  },
  {
    runtime: "webui",
    type: "extra-single-image",
    content: { image: input, upscaling_resize: 2 },
    subjects: ["upscaled"],
  },
  {
    runtime: "comfyui",
    type: "pipeline",
    content: workflow,
    subjects: [0, 1].map((index) => JSON.stringify([workflow, "9", index])),
  },
];

describeOnMoto("A task's way from the API to its results", (moto) => {
  let world: TaskWorld;
  let api: TaskClient;
  const runtimes = new Map<RuntimeName, RunningRuntime>();
  const steps = new Map<RuntimeName, AgentStep[]>();

  before("start the API, the agents and their runtimes", async () => {
    world = await TaskWorld.start(moto(), {
      runtimes: ["drawing", "webui", "comfyui"],
      times: {
        visibilitySeconds: 30,
        heartbeatSeconds: 5,
        longestTaskSeconds: 60,
        drainSeconds: 10,
      },
      notifyRunning: true,
    });
    api = await world.startApi();
    for (const [runtime, { start }] of [
      ["drawing", fleet],
      ["webui", webui],
      ["comfyui", comfyui],
    ] as const) {
      const running = await start();
      world.onStop(() => running.stop());
      runtimes.set(runtime, running);
      const seen: AgentStep[] = [];
      steps.set(runtime, seen);
      await world.startAgent({
        runtime,
        runtimeUrl: running.url,
        answered: (call) => void seen.push(stepOf(call)),
      });
    }
  });
  after("stop them", () => world?.stop());

  /** The task once it is over. */
  function ended(id: string): Promise<TaskView> {
    return until(`the end of ${id}`, async () => {
      const { body } = await api.task(id);
      return ["completed", "failed", "cancelled"].includes(body.state) ? body : undefined;
    });
  }

  async function submitted(task: object): Promise<string> {
    const { status, body } = await api.submit(task);
    assert.equal(status, 202, JSON.stringify(body));
    return body.id;
  }

  /** What the runtime was asked for a task whose prompt is the only one of its kind. */
  function runsOf(runtime: RuntimeName, prompt: string): readonly Run[] {
    return runtimes.get(runtime)!.runs.filter(({ body }) => body.prompt === prompt);
  }

  /** Subscribers are told after the state is written. */
  async function told(id: string, status: string) {
    return await until(`that it is told that ${id} is ${status}`, async () =>
      (await world.notifications()).find((it) => it.id === id && it.status === status),
    );
  }

  async function emptied(runtime: RuntimeName): Promise<void> {
    await until(`the queue of ${runtime} to be empty`, async () =>
      (await world.queueLength(runtime)) === 0 ? true : undefined,
    );
  }

  for (const { runtime, type, content, subjects } of examples) {
    it(`${runtime}, ${type} by /v1: the links lead to the runtime's very bytes`, async () => {
      const id = await submitted({ runtime, type, prefix: "output", content });
      const task = await ended(id);
      assert.equal(task.state, "completed", JSON.stringify(task));
      assert.equal(task.attempts, 1);
      const bytes = await Promise.all(task.images!.map(({ url }) => downloaded(url)));
      assert.deepEqual(
        bytes,
        subjects.map((subject) => drawnPng({ subject })),
      );
      assert.deepEqual(
        task.images!.map(({ contentType, bytes }) => ({ contentType, bytes })),
        bytes.map(({ length }) => ({ contentType: "image/png", bytes: length })),
      );
      const output = JSON.parse((await downloaded(task.output!.url)).toString()) as unknown;
      assert.ok(!JSON.stringify(output).includes(bytes[0]!.toString("base64")));
    });

    it(`${runtime}, ${type} by v1alpha2: the answer, the objects and the notification are the guidance's`, async () => {
      const id = `client-${randomUUID()}`;
      const context = { user: "u-1", steps: [1, 2] };
      const metadata = { id, runtime, tasktype: type, prefix: "team/output", context };
      const { status, body } = await api.submitV1Alpha2({ task: { metadata, content } });
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(body, {
        id,
        runtime,
        output_location: outputLocation(world.resultsBucket, { id, prefix: "team/output" }),
      });
      const notification = await told(id, "completed");
      const { image_url = [], output_url = "" } = notification;
      assert.deepEqual(notification, {
        runtime,
        id,
        result: true,
        status: "completed",
        image_url,
        output_url,
        context,
      });
      assert.equal(image_url.length, subjects.length);
      const folder = `s3://${world.resultsBucket}/team/output/${id}/`;
      for (const [index, url] of image_url.entries()) {
        assert.match(url, new RegExp(`^${folder}${id}-[0-9a-f]{8}-${index + 1}\\.png$`));
        const image = await world.object(url.slice(`s3://${world.resultsBucket}/`.length));
        assert.deepEqual(image, drawnPng({ subject: subjects[index]! }));
      }
      assert.match(output_url, new RegExp(`^${folder}${id}-[0-9a-f]{8}\\.out$`));
      // Asked for by `notifyRunning`; before, and without a result.
      assert.deepEqual(await told(id, "running"), { runtime, id, status: "running", context });
    });
  }

  it("A v1alpha2 id that is used again is another run, with results of its own", async () => {
    const metadata = { id: randomUUID(), runtime: "drawing", tasktype: "text-to-image" };
    const answers = [];
    for (const prompt of ["the first", "the second"]) {
      const task = { metadata: { ...metadata, prefix: "output" }, content: { prompt } };
      const { body } = await api.submitV1Alpha2<{ output_location: string }>({ task });
      answers.push(body.output_location);
    }
    const [first, second] = answers as [string, string];
    assert.match(second, new RegExp(`^${first}/[0-9a-f]{8}$`));
    const images = await until("both to be told", async () => {
      const of = (await world.notifications()).filter(
        ({ id, status }) => id === metadata.id && status === "completed",
      );
      return of.length === 2 ? of.flatMap(({ image_url = [] }) => image_url) : undefined;
    });
    const bytes = await Promise.all(
      images.map((url) => world.object(url.slice(`s3://${world.resultsBucket}/`.length))),
    );
    assert.deepEqual(
      new Set(bytes.map((each) => each.toString("base64"))),
      new Set(
        ["the first 0", "the second 0"].map((subject) => drawnPng({ subject }).toString("base64")),
      ),
    );
  });

  it("The manifest comes after the results, the state after it, then the notification, then the deletion", async () => {
    await emptied("drawing");
    const aside = ["receive", "extend", "renew", "tell that it runs", "other"];
    const seen = steps.get("drawing")!;
    const before = seen.length;
    const id = await submitted({
      runtime: "drawing",
      type: "text-to-image",
      content: { prompt: "in order", n: 2 },
    });
    await ended(id);
    const order = await until("the message's deletion", () => {
      const since = seen.slice(before).filter((step) => !aside.includes(step));
      return since.includes("delete") ? since : undefined;
    });
    assert.equal(order[0], "claim");
    assert.deepEqual(order.slice(1, 4).sort(), ["image", "image", "output"]);
    assert.deepEqual(order.slice(4), ["manifest", "complete", "tell", "delete"]);
  });

  it("The trace that a client began goes on in the runtime", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const { body } = await api.submit(
      { runtime: "webui", type: "text-to-image", content: { prompt: "a trace" } },
      { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    );
    await ended(body.id);
    const [run] = runsOf("webui", "a trace");
    assert.match(String(run?.headers.traceparent), new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
  });

  it("An input too large for the topic arrives by claim check as it was", async () => {
    const image = drawnPng({ subject: "large", bytes: 0.6 * MiB }).toString("base64");
    const id = await submitted({
      runtime: "webui",
      type: "image-to-image",
      content: { prompt: "of a large input", init_images: [image] },
    });
    assert.equal((await ended(id)).state, "completed");
    const [run] = runsOf("webui", "of a large input");
    assert.deepEqual(run!.body.init_images, [image]);
  });

  it("An input too large for a request is refused, and arrives by upload as it was", async () => {
    const image = drawnPng({ subject: "larger", bytes: 6.5 * MiB });
    const task = (init: string) => ({
      runtime: "webui",
      type: "image-to-image",
      content: { prompt: "of an upload", init_images: [init] },
    });
    const refused = await api.submit(task(image.toString("base64")));
    assert.equal(refused.status, 413);
    assert.match(JSON.stringify(refused.body), /uploads/);
    const { status, body: upload } = await api.upload({
      bytes: image.length,
      contentType: "image/png",
    });
    assert.equal(status, 201, JSON.stringify(upload));
    // A length beside fetch's own is refused where another fetch than Node's is in the process.
    const { "Content-Length": _, ...headers } = upload.headers as Record<string, string>;
    const stored = await fetch(upload.url, {
      method: upload.method,
      headers,
      body: new Uint8Array(image),
    });
    assert.equal(stored.status, 200, await stored.text());
    const id = await submitted(task(upload.reference));
    const { state, failure } = await ended(id);
    assert.equal(state, "completed", JSON.stringify(failure));
    const [run] = runsOf("webui", "of an upload");
    assert.ok(Buffer.from((run!.body.init_images as string[])[0]!, "base64").equals(image));
  });

  it("A task for a runtime that is not there is refused by name, and nothing is queued", async () => {
    const { status, body } = await api.submit({
      id: "for-nobody",
      runtime: "nobody",
      type: "text-to-image",
      content: {},
    });
    assert.equal(status, 404);
    assert.deepEqual(body.error.fields, [
      { field: "runtime", value: "nobody", allowed: "comfyui, drawing, webui" },
    ]);
    assert.equal(await world.record("for-nobody"), undefined);
  });

  it("A request that is repeated at once is one task, and the same with another body is refused", async () => {
    const id = randomUUID();
    const task = {
      id,
      runtime: "drawing",
      type: "text-to-image",
      content: { prompt: "only once" },
    };
    const answers = await Promise.all(Array.from({ length: 8 }, () => api.submit(task)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
    assert.deepEqual(new Set(answers.map(({ body }) => JSON.stringify(body))).size, 1);
    await ended(id);
    assert.deepEqual((await api.submit(task)).body, answers[0]!.body);
    const other = await api.submit({ ...task, content: { prompt: "another" } });
    assert.equal(other.status, 409);
    await emptied("drawing");
    assert.equal(runsOf("drawing", "only once").length, 1);
    assert.equal(runsOf("drawing", "another").length, 0);
  });

  it("What the runtime refuses is told as failed, and is in the dead-letter queue with the reason", async () => {
    const id = await submitted({
      runtime: "drawing",
      type: "text-to-image",
      context: { batch: 7 },
      content: { n: 1 },
    });
    const task = await ended(id);
    assert.equal(task.state, "failed");
    assert.equal(task.failure!.code, "refused");
    const { error, ...notification } = await told(id, "failed");
    assert.deepEqual(notification, {
      runtime: "drawing",
      id,
      result: false,
      status: "failed",
      image_url: [],
      context: { batch: 7 },
    });
    assert.equal(error!.code, "refused");
    const letter = await until("the dead letter", async () =>
      (await world.deadLetters("drawing")).find(({ body }) => body.includes(id)),
    );
    assert.match(letter.attributes.deadLetterReason!, /Missing required parameter: 'prompt'/);
  });
});

// Short, because moto still answers the poll of an agent that has ended.
const cancellationTimes = {
  visibilitySeconds: 3,
  heartbeatSeconds: 1,
  longestTaskSeconds: 60,
  drainSeconds: 10,
};

const drawn = (id: string) => ({
  id,
  runtime: "drawing",
  type: "text-to-image",
  content: { prompt: id },
});

describeOnMoto("A task's cancellation", (moto) => {
  let world: TaskWorld;
  let api: TaskClient;
  let runtime: RunningRuntime;

  before("start the API and a runtime, but no agent", async () => {
    world = await TaskWorld.start(moto(), {
      runtimes: ["drawing"],
      times: cancellationTimes,
    });
    api = await world.startApi();
    runtime = await fleet.start({ runMs: 5 });
    world.onStop(() => runtime.stop());
  });
  after("stop them", () => world?.stop());

  const promptsRun = () => runtime.runs.map(({ body }) => body.prompt as string);

  it("What is cancelled before it starts is never generated, and leaves the queue", async () => {
    for (const id of ["cancelled-1", "left-alone", "cancelled-2"]) await api.submit(drawn(id));
    for (const id of ["cancelled-1", "cancelled-2", "cancelled-2"]) {
      const { status, body } = await api.cancel(id);
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(body.state, "cancelled");
    }
    const agent = await world.startAgent({ runtime: "drawing", runtimeUrl: runtime.url });
    await until("an empty queue", async () =>
      (await world.queueLength("drawing")) === 0 ? true : undefined,
    );
    assert.deepEqual(promptsRun(), ["left-alone"]);
    assert.equal((await api.task("left-alone")).body.state, "completed");
    const { status, body } = await api.cancel("left-alone");
    assert.equal(status, 409);
    assert.match(JSON.stringify(body.error.fields), /completed/);
    assert.equal((await world.deadLetters("drawing")).length, 0);
    await agent.end();
  });

  it("Of a cancellation and a claim at the same time, exactly one wins", async () => {
    const ids = Array.from({ length: 90 }, (_, index) => `raced-${index}`);
    for (const id of ids) assert.equal((await api.submit(drawn(id))).status, 202);
    // Two agents take them from the front, and clients cancel just in front of them.
    const before = runtime.runs.length;
    const others = await fleet.start({ runMs: 5 });
    world.onStop(() => others.stop());
    await world.startAgent({ runtime: "drawing", runtimeUrl: runtime.url });
    await world.startAgent({ runtime: "drawing", runtimeUrl: others.url });
    const prompts = () =>
      [...runtime.runs.slice(before), ...others.runs].map(({ body }) => body.prompt as string);
    const statuses = new Map<string, number>();
    const cancel = async (id: string) => {
      if (statuses.has(id)) return;
      statuses.set(id, 0);
      statuses.set(id, (await api.cancel(id)).status);
    };
    let seen = -1;
    await until(
      "all to have been cancelled, or to have been tried to",
      async () => {
        const begun = prompts().length;
        const isEmpty = (await world.queueLength("drawing")) === 0;
        // Clients that are faster than agents would leave no race.
        if (begun === seen) return isEmpty ? true : undefined;
        seen = begun;
        const done = begun + [...statuses.values()].filter((it) => it === 200).length;
        // The one that is claimed now, the ones that are next, and one that has started.
        await Promise.all(
          [done - 1, done, done + 1, done + 3].flatMap((at) => ids[at] ?? []).map(cancel),
        );
        return undefined;
      },
      90_000,
    );
    const cancelled = ids.filter((id) => statuses.get(id) === 200);
    const records = await world.records();
    for (const id of ids)
      assert.equal(
        records.get(id)!.state,
        cancelled.includes(id) ? "cancelled" : "completed",
        `${id}: the API answered ${statuses.get(id)}`,
      );
    assert.deepEqual(prompts().sort(), ids.filter((id) => !cancelled.includes(id)).sort());
    assert.deepEqual(
      new Set([...statuses.values()]),
      new Set([200, 409]),
      "some of each, or it was no race",
    );
  });
});

describeOnMoto("A task that was claimed ahead", (moto) => {
  let world: TaskWorld;
  before("start a world", async () => {
    world = await TaskWorld.start(moto(), { runtimes: ["drawing"], times: cancellationTimes });
  });
  after("stop it", () => world?.stop());

  it("Is cancelled, as long as what runs before it takes longer than expected", async () => {
    const api = await world.startApi();
    const slow = await fleet.start({
      runMs: ({ body }) => (body.prompt === "overruns" ? 8_000 : 1_500),
    });
    world.onStop(() => slow.stop());
    for (const id of ["expected", "overruns", "waits"])
      assert.equal((await api.submit(drawn(id))).status, 202);
    const agent = await world.startAgent({ runtime: "drawing", runtimeUrl: slow.url });
    for (const state of ["running", "queued"])
      await until(`what waits to be ${state}`, async () =>
        (await world.record("waits"))?.state === state && slow.runs.length === 2 ? true : undefined,
      );
    const { status, body } = await api.cancel("waits");
    assert.equal(status, 200, JSON.stringify(body));
    await until("an empty queue", async () =>
      (await world.queueLength("drawing")) === 0 ? true : undefined,
    );
    assert.deepEqual(
      slow.runs.map((run) => run.body.prompt),
      ["expected", "overruns"],
    );
    assert.equal((await world.record("waits"))?.state, "cancelled");
    await agent.end();
  });
});

async function downloaded(url: string): Promise<Buffer> {
  const response = await fetch(url);
  assert.equal(response.status, 200, url);
  return Buffer.from(await response.arrayBuffer());
}
