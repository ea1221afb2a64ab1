import assert from "node:assert/strict";
import {
  DEAD_LETTER_CODE_ATTRIBUTE,
  DEAD_LETTER_ID_ATTRIBUTE,
  DEAD_LETTER_REASON_ATTRIBUTE,
  DEAD_LETTERED_AT_ATTRIBUTE,
} from "../../../contracts/tasks/message";
import type { TaskRecord } from "../../../contracts/tasks/record";
import { type Manifest, manifestSchema } from "../../../contracts/tasks/result";
import { startFaultyProxy } from "../../python/faultyProxy";
import { describeOnMoto } from "../../python/moto";
import { malformedMessages } from "./malformedMessages";
import { start } from "./runtimes/fleet";
import {
  bodyOf,
  listening,
  type RunningRuntime,
  type RuntimeOptions,
  sendJson,
} from "./runtimes/runtimeServer";
import { type AgentProcess, eventually, messageBody, World } from "./world";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** Ten times as long as a message is invisible without heartbeats. */
const longTaskMs = 20_000;

describeOnMoto("an agent", (moto) => {
  const ends: (() => unknown)[] = [];

  async function worldWith(
    options: RuntimeOptions = {},
    settings: Parameters<World["agent"]>[1] = {},
  ): Promise<{ world: World; runtime: RunningRuntime; agent: () => Promise<AgentProcess> }> {
    const world = await World.create(moto());
    const runtime = await start(options);
    ends.push(
      () => world.end(),
      () => runtime.stop(),
    );
    return { world, runtime, agent: () => world.agent(runtime.url, settings) };
  }

  /** Of a message that nobody has any more. */
  const isDone = (world: World) =>
    eventually(
      "the queue is empty",
      () => world.queueLength(),
      ({ visible, inWork }) => visible + inWork === 0,
    );

  const ended = (world: World, key: string, state: TaskRecord["state"]) =>
    eventually(
      `${key} is ${state}`,
      () => world.record(key),
      (record) => record?.state === state,
    ) as Promise<TaskRecord>;

  const idsOf = (runtime: RunningRuntime) => runtime.runs.map(({ id }) => id);

  let long: Awaited<ReturnType<typeof worldWith>>;
  let longAgents: readonly AgentProcess[];
  before("start a long task", async () => {
    long = await worldWith({ runMs: longTaskMs }, { HEARTBEAT_SECONDS: "0.3" });
    await long.world.submit({ id: "long" });
    longAgents = [await long.agent(), await long.agent()];
  });
  after(async () => {
    for (const end of ends) await end();
  });

  it("runs a task, stores its images, the answer and the manifest, tells of it, and deletes its message", async () => {
    const { world, runtime, agent } = await worldWith({ imageBytes: 50_000 });
    await agent();
    const submittedAt = new Date(Date.now() - 60_000).toISOString();
    const content = { prompt: "a dog", n: 2 };
    await world.submit({ id: "a", prefix: "output/", context: { user: 1 }, content, submittedAt });
    const record = await ended(world, "a", "completed");
    const manifest = manifestSchema.parse(
      JSON.parse((await world.object("output/a/manifest.json")).bytes.toString()),
    ) as Manifest;
    const { attempt, images, output } = manifest;
    const names = [`a-${attempt}-1.png`, `a-${attempt}-2.png`, `a-${attempt}.out`];
    const keys = [...names, "manifest.json"].map((name) => `output/a/${name}`);
    assert.deepEqual(await world.objects(), keys);
    assert.deepEqual(
      [...images, output].map(({ key }) => key),
      keys.slice(0, 3),
    );
    for (const { key, contentType, bytes } of images) {
      const { type, bytes: stored } = await world.object(key);
      assert.deepEqual([type, stored.length], [contentType, bytes]);
      assert.equal(stored.toString("latin1", 1, 4), "PNG");
    }
    const said = JSON.parse((await world.object(output.key)).bytes.toString());
    assert.equal(said.model, "drawn");
    assert.equal(said.data[0].b64_json, undefined);
    assert.deepEqual(runtime.runs[0]?.body.prompt, "a dog");

    assert.deepEqual([record.attempts, record.images, record.output], [1, images, output]);
    assert.equal(record.manifestKey, keys[3]);
    assert.equal(record.claimToken, undefined);
    await isDone(world);
    assert.deepEqual(await world.notifications(), [
      {
        runtime: world.name,
        id: "a",
        result: true,
        status: "completed",
        image_url: keys.slice(0, 2).map((key) => `s3://${world.bucket}/${key}`),
        output_url: `s3://${world.bucket}/${keys[2]}`,
        context: { user: 1 },
      },
    ]);
    assert.deepEqual(await world.deadLetters(), []);
  });

  it("shows what it does as metrics, to Prometheus and to CloudWatch, and hands on the trace", async () => {
    const { world, runtime, agent } = await worldWith({ runMs: 50 }, { NOTIFY_RUNNING: "true" });
    const ids = ["a", "b", "c", "d"];
    for (const id of ids) await world.submit({ id }, { traceparent });
    const process = await agent();
    await Promise.all(ids.map((id) => ended(world, id, "completed")));
    await isDone(world);
    assert.deepEqual([...idsOf(runtime)].sort(), ids);
    assert.ok(runtime.runs.every(({ headers }) => headers.traceparent === traceparent));
    const told = await world.notifications();
    for (const status of ["running", "completed"])
      assert.deepEqual(told.flatMap((one) => (one.status === status ? [one.id] : [])).sort(), ids);
    assert.equal((await fetch(`${process.url}/readiness`)).status, 200);
    const metrics = await (await fetch(`${process.url}/metrics`)).text();
    for (const line of [
      'queue_agent_tasks_total{result="completed"} 4',
      "queue_agent_images_total 4",
      "queue_agent_queue_wait_seconds_count 4",
      "queue_agent_run_seconds_count 4",
      "queue_agent_runtime_idle_seconds_count 3",
      "queue_agent_runtime_ready 1",
    ])
      assert.ok(metrics.includes(`${line}\n`), line);

    const embedded = process.lines.filter(({ _aws }) => _aws !== undefined);
    const sums: Record<string, number> = {};
    for (const line of embedded) {
      const { Timestamp, CloudWatchMetrics } = line._aws as EmbeddedMetricFormat;
      assert.ok(Math.abs(Timestamp - Date.now()) < 120_000);
      const [{ Namespace, Dimensions, Metrics }] = CloudWatchMetrics;
      assert.equal(Namespace, "hw-agnostic-infer");
      assert.deepEqual(Dimensions, [["stack", "runtime"]]);
      assert.deepEqual([line.stack, line.runtime], ["dev", world.name]);
      for (const { Name } of Metrics) sums[Name] = (sums[Name] ?? 0) + (line[Name] as number);
    }
    assert.equal(sums["tasks-completed"], 4);
    assert.equal(sums["task-images"], 4);
    assert.ok((sums["task-run"] as number) >= 0.2);
    assert.ok((sums["task-queue-wait"] as number) > 0);
  });

  it("sends spans of its steps, in the trace of who has sent the task, where there is an endpoint", async () => {
    const spans: Span[] = [];
    const collector = await listening(async (request, response) => {
      const body = (await bodyOf(request)) as unknown as Traces;
      for (const { scopeSpans } of body.resourceSpans)
        for (const { spans: some } of scopeSpans) spans.push(...some);
      sendJson(response, 200, {});
    });
    ends.push(() => collector.stop());
    const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const { world, runtime, agent } = await worldWith({}, settings);
    await world.submit({ id: "a" }, { traceparent });
    const process = await agent();
    await ended(world, "a", "completed");
    await isDone(world);
    process.kill("SIGTERM");
    assert.equal(await process.ended, 0, process.output);
    const [, traceId, parentId] = traceparent.split("-");
    const whole = spans.find(({ name }) => name === `process ${world.name}`);
    assert.equal(whole?.parentSpanId, parentId);
    assert.deepEqual(
      whole?.links?.map(({ spanId }) => spanId),
      [parentId],
    );
    const inside = spans.filter(({ parentSpanId }) => parentSpanId === whole?.spanId);
    assert.deepEqual(inside.map(({ name }) => name).sort(), ["inputs", "receive", "run", "store"]);
    assert.ok(spans.every((span) => span.traceId === traceId));
    const run = inside.find(({ name }) => name === "run");
    assert.equal(runtime.runs[0]?.headers.traceparent, `00-${traceId}-${run?.spanId}-01`);
  });

  it("runs what was published by hand, and what has its content in the inputs' bucket", async () => {
    const { world, runtime, agent } = await worldWith();
    await world.putInput("content/big.json", JSON.stringify({ prompt: "x".repeat(400_000) }));
    await world.submit({ id: "big", key: "big~1a2b3c4d", contentKey: "content/big.json" });
    await world.send(messageBody(world.name, { id: "hand", prefix: "by" }));
    await agent();
    await ended(world, "big~1a2b3c4d", "completed");
    const record = await ended(world, "hand", "completed");
    assert.equal(record.prefix, "by");
    const big = runtime.runs.find(({ id }) => id === "big");
    assert.equal(String(big?.body.prompt).length, 400_000);
    assert.ok((await world.objects("big/1a2b3c4d/")).includes("big/1a2b3c4d/manifest.json"));
    assert.ok((await world.objects("by/hand/")).includes("by/hand/manifest.json"));
  });

  it("sends messages that are no tasks to the dead-letter queue as they are, with a reason, and goes on", async () => {
    const { world, runtime, agent } = await worldWith();
    const messages = malformedMessages(world.name);
    assert.ok(messages.length >= 20);
    for (const { body } of messages) await world.send(body);
    await world.send(messageBody(world.name, { id: "astray", runtime: "another" }));
    // Another runtime's own queue has it too: a new queue's filter is not at work at once.
    await world.send(messageBody(world.name, { id: "theirs", runtime: "another" }));
    await world.putRecord({ id: "theirs", runtime: "another" });
    await world.submit({ id: "after" });
    await agent();
    await ended(world, "after", "completed");
    const dead = await eventually(
      "all are dead letters",
      () => world.deadLetters(),
      ({ length }) => length === messages.length + 1,
    );
    const attributes = (body: string) =>
      dead.find(({ Body }) => Body === body)?.MessageAttributes ?? {};
    for (const { body, reason, kind } of messages) {
      const { [DEAD_LETTER_CODE_ATTRIBUTE]: code, [DEAD_LETTER_REASON_ATTRIBUTE]: said } =
        attributes(body);
      assert.equal(code?.StringValue, "malformed", kind);
      assert.match(said?.StringValue ?? "", reason, kind);
    }
    const astray = attributes(messageBody(world.name, { id: "astray", runtime: "another" }));
    assert.equal(astray[DEAD_LETTER_CODE_ATTRIBUTE]?.StringValue, "unsupported");
    assert.match(astray[DEAD_LETTER_REASON_ATTRIBUTE]?.StringValue ?? "", /it is for another/);
    assert.equal((await world.record("theirs"))?.state, "queued", "its own queue has it");
    await isDone(world);
    assert.deepEqual(idsOf(runtime), ["after"]);
  });

  it("makes attempts that fail again, and those that cannot succeed not", async () => {
    const { world, runtime, agent } = await worldWith(
      {
        fault: ({ body: { prompt }, number }) => {
          if (prompt === "of wrong") return { status: 400, message: "no such size" };
          if (prompt === "of hopeless" || (prompt === "of shaky" && number <= 3))
            return { status: 500, message: "out of memory" };
          return undefined;
        },
      },
      { MAX_ATTEMPTS: "2" },
    );
    for (const id of ["shaky", "wrong", "hopeless"]) await world.submit({ id, context: id });
    await world.submit({ id: "song", tasktype: "pipeline" });
    await world.submit({ id: "gone", contentKey: "content/gone.json" });
    const process = await agent();
    const [shaky, wrong, hopeless, song, gone] = [
      await ended(world, "shaky", "completed"),
      await ended(world, "wrong", "failed"),
      await ended(world, "hopeless", "failed"),
      await ended(world, "song", "failed"),
      await ended(world, "gone", "failed"),
    ];
    await isDone(world);
    assert.equal(shaky.attempts, 2);
    assert.equal(shaky.failure, undefined);
    const failures = [wrong, hopeless, song, gone].map(({ attempts, failure }) => [
      attempts,
      failure?.code,
    ]);
    assert.deepEqual(failures, [
      [1, "refused"],
      [2, "runtime"],
      [1, "unsupported"],
      [1, "input"],
    ]);
    assert.match(hopeless.failure?.message ?? "", /out of memory/);
    const runs = (id: string) => idsOf(runtime).filter((of) => of === id).length;
    assert.deepEqual(["shaky", "wrong", "hopeless", "song", "gone"].map(runs), [2, 1, 2, 0, 0]);
    const dead = await world.deadLetters();
    assert.equal(dead.length, 4);
    for (const record of [wrong, hopeless, song, gone]) {
      const { id, failure, deadLetterId } = record;
      const letter = dead.find(({ Body }) => JSON.parse(Body as string).metadata.id === id);
      const attribute = (name: string) => letter?.MessageAttributes?.[name]?.StringValue;
      assert.equal(attribute("runtime"), world.name);
      assert.equal(attribute(DEAD_LETTER_ID_ATTRIBUTE), deadLetterId);
      assert.equal(attribute(DEAD_LETTER_CODE_ATTRIBUTE), failure?.code);
      assert.equal(attribute(DEAD_LETTER_REASON_ATTRIBUTE), failure?.message);
      assert.ok(attribute(DEAD_LETTERED_AT_ATTRIBUTE));
      assert.ok((await world.record(id))?.deadLetteredAt);
      const told = (await world.notifications()).filter((one) => one.id === id);
      assert.deepEqual(
        told.map(({ result, status, error }) => ({ result, status, error })),
        [
          {
            result: false,
            status: "failed",
            error: { code: failure?.code, message: failure?.message },
          },
        ],
      );
    }
    const metrics = await (await fetch(`${process.url}/metrics`)).text();
    assert.match(metrics, /queue_agent_retries_total\{code="runtime"\} 2\n/);
    assert.match(metrics, /queue_agent_tasks_total\{result="failed"\} 4\n/);
  });

  it("runs once more what comes back from the dead-letter queue, and one of two copies of it", async () => {
    let isBroken = true;
    const { world, runtime, agent } = await worldWith(
      { fault: () => (isBroken ? { status: 400 } : undefined) },
      { MAX_ATTEMPTS: "1" },
    );
    await world.submit({ id: "a" });
    await agent();
    const { deadLetterId = "" } = await ended(world, "a", "failed");
    await isDone(world);
    isBroken = false;
    const body = messageBody(world.name, { id: "a" });
    // An old copy: it has failed once more since.
    await world.send(body, { [DEAD_LETTER_ID_ATTRIBUTE]: "older" });
    await isDone(world);
    assert.equal((await world.record("a"))?.state, "failed");
    for (const _ of ["copy", "copy"])
      await world.send(body, { [DEAD_LETTER_ID_ATTRIBUTE]: deadLetterId });
    await ended(world, "a", "completed");
    await isDone(world);
    assert.equal(runtime.runs.length, 2);
    assert.equal((await world.deadLetters()).length, 1);
  });

  it("does not run what was cancelled, what is over, or what it works on already", async () => {
    const { world, runtime, agent } = await worldWith({ runMs: 1500 });
    await world.submit({ id: "cancelled" });
    await world.putRecord({ id: "cancelled", state: "cancelled" });
    const output = { key: "done/done.out", contentType: "application/json", bytes: 2 };
    await world.submit({ id: "done" });
    await world.putRecord({ id: "done", state: "completed", images: [], output });
    await world.submit({ id: "untold" });
    const failure = { code: "runtime", message: "it broke", at: new Date().toISOString() } as const;
    await world.putRecord({ id: "untold", state: "failed", failure, deadLetterId: "d" });
    await world.submit({ id: "twice" });
    await world.send(messageBody(world.name, { id: "twice" }));
    await agent();
    await ended(world, "twice", "completed");
    await isDone(world);
    assert.deepEqual(idsOf(runtime), ["twice"]);
    const told = await world.notifications();
    assert.deepEqual(
      told
        .filter(({ id }) => id !== "twice")
        .map(({ id, status }) => `${id} ${status}`)
        .sort(),
      ["done completed", "untold failed"],
    );
    const dead = await world.deadLetters();
    assert.deepEqual(
      dead.map(
        ({ MessageAttributes }) => MessageAttributes?.[DEAD_LETTER_ID_ATTRIBUTE]?.StringValue,
      ),
      ["d"],
    );
    assert.ok((await world.record("untold"))?.deadLetteredAt);
    assert.equal((await world.record("cancelled"))?.state, "cancelled");
  });

  it("draws anew for an id whose record is forgotten and whose old results are still there", async () => {
    const { world, runtime, agent } = await worldWith();
    const old = {
      id: "reused",
      key: "reused",
      runtime: world.name,
      type: "text-to-image",
      submittedAt: "2025-11-14T00:00:00.000Z",
      attempt: "0a0b0c0d",
      images: [{ key: "reused/reused-0a0b0c0d-1.png", contentType: "image/png", bytes: 3 }],
      output: { key: "reused/reused-0a0b0c0d.out", contentType: "application/json", bytes: 2 },
      startedAt: "2025-11-14T00:00:00.000Z",
      finishedAt: "2025-11-14T00:00:01.000Z",
    } satisfies Manifest;
    await world.putResult("reused/manifest.json", JSON.stringify(old));
    await world.submit({ id: "reused" });
    await agent();
    const record = await ended(world, "reused", "completed");
    assert.deepEqual(idsOf(runtime), ["reused"]);
    assert.equal(record.images?.length, 1);
    assert.notEqual(record.images?.[0]?.key, old.images[0]!.key);
    const [image] = record.images!;
    assert.ok((await world.object(image!.key)).bytes.length > 0, "what was drawn is there");
    const manifest = JSON.parse(String((await world.object("reused/manifest.json")).bytes));
    assert.deepEqual(manifest.images, record.images);
  });

  it("takes over the results of an agent that died after it had stored them, and gives up what agents die of", async () => {
    const { world, runtime, agent } = await worldWith();
    const createdAt = "2026-11-14T00:00:00.000Z";
    const times = { createdAt, startedAt: createdAt };
    const dead = { state: "running", claimToken: "t", claimExpiresAtMs: 1, ...times } as const;
    await world.submit({ id: "stored" });
    await world.putRecord({ id: "stored", ...dead, attempts: 3 });
    const object = (name: string) => ({
      key: `stored/${name}`,
      contentType: "image/png",
      bytes: 3,
    });
    const manifest: Manifest = {
      id: "stored",
      key: "stored",
      runtime: world.name,
      type: "text-to-image",
      submittedAt: createdAt,
      attempt: "1a2b3c4d",
      images: [object("stored-1a2b3c4d-1.png")],
      output: object("stored-1a2b3c4d.out"),
      startedAt: "2026-11-14T00:00:00.000Z",
      finishedAt: "2026-11-14T00:00:01.000Z",
    };
    await world.putResult("stored/manifest.json", JSON.stringify(manifest));
    await world.submit({ id: "deadly" });
    await world.putRecord({ id: "deadly", ...dead, attempts: 3 });
    await agent();
    const record = await ended(world, "stored", "completed");
    assert.deepEqual(record.images, manifest.images);
    const lost = await ended(world, "deadly", "failed");
    assert.equal(lost.failure?.code, "lost");
    await isDone(world);
    assert.deepEqual(idsOf(runtime), []);
    const [told] = (await world.notifications()).filter(({ id }) => id === "stored");
    assert.deepEqual(told?.image_url, [`s3://${world.bucket}/stored/stored-1a2b3c4d-1.png`]);
    assert.equal((await world.deadLetters()).length, 1);
  });

  it("told to stop, gives back what waits at once, ends what runs, and ends itself", async () => {
    const { world, runtime, agent } = await worldWith(
      { runMs: 2000 },
      { VISIBILITY_SECONDS: "60" },
    );
    const ids = ["a", "b", "c", "d"];
    for (const id of ids) await world.submit({ id });
    const process = await agent();
    // Nothing is received ahead before the first run has shown how long runs take.
    await eventually("the second one runs", () => runtime.runs.length === 2);
    await eventually(
      "one runs and one waits",
      () => world.queueLength(),
      ({ visible, inWork }) => visible === 1 && inWork === 2,
    );
    process.kill("SIGTERM");
    await eventually(
      "the other one is back",
      () => world.queueLength(),
      ({ visible }) => visible === 2,
    );
    assert.equal(runtime.runs[1]?.state, "running");
    assert.equal(await process.ended, 0, process.output);
    assert.equal(runtime.runs.length, 2);
    assert.equal((await world.record(runtime.runs[1]?.id as string))?.state, "completed");
    assert.deepEqual(await world.queueLength(), { visible: 2, inWork: 0 });
    const begun = idsOf(runtime);
    for (const id of ids.filter((it) => !begun.includes(it))) {
      const record = await world.record(id);
      assert.deepEqual([record?.state, record?.attempts], ["queued", 0]);
    }
  });

  it("told to stop, hands back what does not end in time, as if it had not begun", async () => {
    const { world, runtime, agent } = await worldWith(
      { runMs: 60_000 },
      { VISIBILITY_SECONDS: "60", HEARTBEAT_SECONDS: "20", DRAIN_SECONDS: "1" },
    );
    await world.submit({ id: "a" });
    const process = await agent();
    await eventually("it runs", () => runtime.runs.length === 1);
    process.kill("SIGTERM");
    assert.equal(await process.ended, 0, process.output);
    assert.equal(runtime.runs[0]?.state, "interrupted");
    const record = await world.record("a");
    assert.deepEqual(
      [record?.state, record?.attempts, record?.claimToken],
      ["queued", 0, undefined],
    );
    assert.deepEqual(await world.queueLength(), { visible: 1, inWork: 0 });
  });

  it("breaks off a task that takes longer than the longest, and one that another agent has claimed", async () => {
    const { world, runtime, agent } = await worldWith(
      { runMs: ({ id }) => (id === "endless" || id === "stolen" ? 60_000 : 0) },
      { LONGEST_TASK_SECONDS: "1.5" },
    );
    await world.submit({ id: "stolen" });
    const process = await agent();
    await eventually("it runs", () => runtime.runs.length === 1);
    const claimExpiresAtMs = Date.now() + 60_000;
    await world.putRecord({
      id: "stolen",
      state: "running",
      claimToken: "other",
      claimExpiresAtMs,
    });
    await eventually("it is broken off", () => runtime.runs[0]?.state === "interrupted");
    assert.equal((await world.record("stolen"))?.claimToken, "other");
    await world.submit({ id: "endless" });
    const { failure, attempts } = await ended(world, "endless", "failed");
    assert.deepEqual([failure?.code, attempts], ["timeout", 1]);
    assert.match(process.output, /another agent has claimed it/);
    assert.deepEqual(await world.objects(), []);
  });

  it("takes no tasks before the runtime is ready, and none while it is not any more", async () => {
    const { world, runtime, agent } = await worldWith({ notReadyTimes: 2 });
    await world.submit({ id: "a" });
    const process = await agent();
    await eventually("it listens", () => process.output.includes('"started"'));
    const readiness = async () => (await fetch(`${process.url}/readiness`)).status;
    assert.equal(await readiness(), 503);
    await ended(world, "a", "completed");
    assert.equal(await readiness(), 200);
    await runtime.stop();
    await world.submit({ id: "b" });
    await eventually("it is not ready", readiness, (status) => status === 503);
    const { state, attempts } = (await world.record("b")) as TaskRecord;
    assert.deepEqual([state, attempts], ["queued", 1]);
    const again = await start({ port: Number(new URL(runtime.url).port) });
    ends.push(() => again.stop());
    await ended(world, "b", "completed");
    assert.equal(await readiness(), 200);
  });

  it("takes results for stored whose storing was never confirmed, even at the last attempt", async () => {
    // S3 writes the manifest and never says so; then it says nothing at all for a while.
    const { world, runtime } = await worldWith();
    let isUnconfirmed = true;
    let isSilent = false;
    const proxy = await startFaultyProxy(world.moto.endpoint, ({ service, method, path }) => {
      if (service !== "s3" || !path.includes("manifest.json")) return "pass";
      if (method === "GET") return isSilent ? "refuse" : "pass";
      isSilent = isUnconfirmed;
      return isUnconfirmed ? "fail" : "pass";
    });
    ends.push(() => proxy.stop());
    const agent = await world.agent(runtime.url, {
      AWS_ENDPOINT_URL: proxy.endpoint,
      MAX_ATTEMPTS: "1",
    });
    await world.submit({ id: "unconfirmed" });
    await eventually(
      "the message is left for later",
      () => agent.output,
      (output) => output.includes("a message is left for later"),
    );
    isUnconfirmed = false;
    isSilent = false;
    await ended(world, "unconfirmed", "completed");
    await isDone(world);
    assert.deepEqual(idsOf(runtime), ["unconfirmed"]);
    assert.deepEqual(await world.deadLetters(), []);
  });

  it("keeps a task ten times as long as its message's visibility from all other agents", async () => {
    const { world, runtime } = long;
    const record = await ended(world, "long", "completed");
    await isDone(world);
    assert.deepEqual(idsOf(runtime), ["long"]);
    assert.equal(record.attempts, 1);
    assert.equal((await world.notifications()).length, 1);
    for (const agent of longAgents) assert.doesNotMatch(agent.output, /claimed it meanwhile/);
  });
});

interface EmbeddedMetricFormat {
  readonly Timestamp: number;
  readonly CloudWatchMetrics: readonly [
    {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
    },
  ];
}

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly links?: readonly { readonly spanId: string }[];
}

interface Traces {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}
