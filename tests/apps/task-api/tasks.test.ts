import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import {
  CONTEXT_BYTES,
  type ProblemBody,
  problemSchema,
  REQUEST_BYTES,
  type Submitted,
  submittedSchema,
  type TaskView,
  taskViewSchema,
} from "../../../contracts/tasks/api";
import { TOPIC_MESSAGE_BYTES, taskMessageSchema } from "../../../contracts/tasks/message";
import { type TaskRecord, taskRecordSchema } from "../../../contracts/tasks/record";
import { type FaultyProxy, startFaultyProxy } from "../../python/faultyProxy";
import { describeOnMoto } from "../../python/moto";
import { type ApiProcess, createWorld, runtimes, send, startApi, type World } from "./apiOnMoto";

const dog = {
  runtime: "sdruntime",
  type: "text-to-image",
  prefix: "output",
  context: { user: "ada", tags: [1, null, "x"] },
  content: { prompt: "A dog", steps: 16, width: 512, height: 512 },
};

describeOnMoto("The tasks' API", (moto) => {
  let world: World;
  let proxy: FaultyProxy;
  let api: ApiProcess;
  before("start the API", async () => {
    world = await createWorld(moto());
    // For the table's conditional writes at once.
    proxy = await startFaultyProxy(moto().endpoint, () => "pass");
    api = await startApi({ ...world.environment, AWS_ENDPOINT_URL: proxy.endpoint });
  });
  after("stop it", async () => {
    await api?.stop();
    await proxy?.stop();
  });

  const submit = <T = Submitted>(body: unknown, headers?: Record<string, string>) =>
    send<T>("POST", `${api.url}/v1/tasks`, body, headers);
  const get = <T = TaskView>(id: string) => send<T>("GET", `${api.url}/v1/tasks/${id}`);
  const cancel = <T = TaskView>(id: string) => send<T>("DELETE", `${api.url}/v1/tasks/${id}`);

  it("takes a task: into the table, and through the topic to its runtime's queue only", async () => {
    const id = "a-dog";
    const { status, body, headers } = await submit({ ...dog, id });
    assert.equal(status, 202);
    submittedSchema.parse(body);
    const results = world.environment.RESULTS_BUCKET;
    assert.equal(body.outputLocation, `s3://${results}/output/a-dog`);
    assert.equal(headers.get("location"), "/v1/tasks/a-dog");

    const record = taskRecordSchema.parse(await world.record(id));
    assert.equal(record.state, "queued");
    assert.equal(record.createdAt, body.createdAt);
    assert.deepEqual(record.context, dog.context);
    assert.ok(record.expiresAt > Date.now() / 1000);

    assert.deepEqual(await world.receive("comfy"), []);
    const [message, ...others] = await world.receive("sdruntime");
    assert.deepEqual(others, []);
    assert.deepEqual(taskMessageSchema.parse(message?.body), {
      metadata: {
        id,
        runtime: "sdruntime",
        tasktype: "text-to-image",
        prefix: "output",
        context: dog.context,
      },
      content: dog.content,
      key: id,
      submittedAt: body.createdAt,
      requestHash: record.requestHash,
    });
    assert.equal(message?.attributes.runtime, "sdruntime");
  });

  it("makes an id where the client has none, and another for the next request", async () => {
    const [first, second] = [await submit(dog), await submit(dog)];
    assert.equal(first.status, 202);
    assert.match(first.body.id, /^[0-9a-f-]{36}$/);
    assert.notEqual(first.body.id, second.body.id);
    await world.receive("sdruntime");
  });

  it("answers a repeated request as the first one, however its fields are ordered", async () => {
    const first = await submit({ ...dog, id: "twice" });
    const { content, ...rest } = dog;
    const reordered = { content: { ...content, prompt: "A dog" }, id: "twice", ...rest };
    const second = await submit(reordered);
    assert.equal(second.status, 202);
    assert.deepEqual(second.body, first.body);
    const keys = (await world.receive("sdruntime")).map(({ body }) => body.key);
    // While it waits, the repetition is published too, as the first one may have died before.
    assert.deepEqual(keys, ["twice", "twice"]);
  });

  it("does not publish a repeated request for a task that runs or has ended", async () => {
    for (const state of ["running", "completed", "failed", "cancelled"] as const) {
      const id = `was-${state}`;
      const first = await submit({ ...dog, id });
      await world.receive("sdruntime");
      await world.write({ ...((await world.record(id)) as TaskRecord), state });
      const second = await submit({ ...dog, id });
      assert.deepEqual([second.status, second.body], [202, first.body]);
      assert.deepEqual(await world.receive("sdruntime"), []);
    }
  });

  it("refuses another request with the same id", async () => {
    await submit({ ...dog, id: "taken" });
    for (const other of [
      { ...dog, id: "taken", content: { ...dog.content, steps: 17 } },
      { ...dog, id: "taken", prefix: "elsewhere" },
      { ...dog, id: "taken", context: undefined },
    ]) {
      const { status, body } = await submit<ProblemBody>(other);
      assert.equal(status, 409);
      assert.equal(fields(body)[0], "id");
    }
    assert.equal((await world.receive("sdruntime")).length, 1);
  });

  it("takes one of several different requests that come at once with one id", async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, steps) => submit({ ...dog, id: "race", content: { steps } })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [202, ...Array(9).fill(409)]);
    const messages = await world.receive("sdruntime");
    assert.equal(messages.length, 1);
    assert.equal((await world.record("race"))?.requestHash, messages[0]?.body.requestHash);
  });

  it("answers the same request, sent several times at once, with one task", async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => submit({ ...dog, id: "twins" })),
    );
    for (const { status, body } of answers)
      assert.deepEqual([status, body], [202, answers[0]?.body]);
    const messages = await world.receive("sdruntime");
    assert.ok(messages.length >= 1 && messages.length <= 10);
    assert.equal(new Set(messages.map(({ body }) => JSON.stringify(body))).size, 1);
  });

  it("lets an id be used again when its record's time is over", async () => {
    await submit({ ...dog, id: "old" });
    const record = (await world.record("old")) as TaskRecord;
    await world.write({ ...record, expiresAt: 1000 });
    assert.equal((await get("old")).status, 404);
    assert.equal((await cancel("old")).status, 404);
    assert.equal((await submit({ ...dog, id: "old", content: { prompt: "new" } })).status, 202);
    await world.receive("sdruntime");
  });

  it("leaves in the inputs' bucket what the topic would not take, and no less", async () => {
    const send = async (length: number) => {
      const id = `large-${length}`;
      const content = { init_images: ["A".repeat(length)] };
      assert.equal((await submit({ ...dog, id, type: "image-to-image", content })).status, 202);
      const [message] = await world.receive("sdruntime");
      assert.ok(message);
      taskMessageSchema.parse(message.body);
      return { message, content, id };
    };
    const small = await send(1000);
    const { attributes } = small.message;
    const attributeBytes = Object.entries(attributes).reduce(
      (sum, [name, value]) => sum + name.length + "String".length + value.length,
      0,
    );
    // As long as it may be: what is beside the image has the same length, but for the id's digits.
    const most = TOPIC_MESSAGE_BYTES - attributeBytes - (small.message.bytes - 1000) - 4;
    const largest = await send(most);
    assert.equal(largest.message.bytes + attributeBytes, TOPIC_MESSAGE_BYTES);
    assert.deepEqual(largest.message.body.content, largest.content);

    for (const length of [most + 1, 4_000_000]) {
      const { message, content, id } = await send(length);
      assert.equal(message.body.content, undefined);
      assert.equal(message.body.contentKey, `content/${id}.json`);
      const { Body } = await world.s3.send(
        new GetObjectCommand({
          Bucket: world.environment.INPUTS_BUCKET,
          Key: message.body.contentKey,
        }),
      );
      assert.deepEqual(JSON.parse((await Body?.transformToString()) ?? ""), content);
    }
  });

  it("keeps the large content of a task when another request comes with its id", async () => {
    const request = (fill: string) => ({
      ...dog,
      id: "mine",
      content: { image: fill.repeat(300_000) },
    });
    await submit(request("A"));
    assert.equal((await submit(request("B"))).status, 409);
    const { Body } = await world.s3.send(
      new GetObjectCommand({ Bucket: world.environment.INPUTS_BUCKET, Key: "content/mine.json" }),
    );
    assert.match((await Body?.transformToString()) ?? "", /^\{"image":"AAA/);
    await world.receive("sdruntime");
  });

  it("refuses a request that Lambda would not take, and names uploads", async () => {
    for (const bytes of [REQUEST_BYTES, 9_000_000]) {
      const { status, body } = await submit<ProblemBody>({
        ...dog,
        content: { image: "A".repeat(bytes) },
      });
      assert.equal(status, 413);
      assert.match(body.error.message, /POST \/v1\/uploads/);
      assert.deepEqual(fields(body), ["body"]);
    }
  });

  it("carries the client's trace to the queue, else a new one each time", async () => {
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await submit(dog, { Traceparent: traceparent, Tracestate: "a=b" });
    const [{ attributes } = { attributes: {} }] = await world.receive("sdruntime");
    assert.deepEqual(attributes, { runtime: "sdruntime", traceparent, tracestate: "a=b" });

    await submit(dog);
    await submit(dog, { traceparent: "nonsense" });
    const made = (await world.receive("sdruntime")).map(
      (message) => message.attributes.traceparent,
    );
    assert.equal(new Set(made).size, 2);
    for (const one of made) assert.match(one ?? "", /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it("shows a task, and links to its results that can be fetched", async () => {
    await submit({ ...dog, id: "shown" });
    await world.receive("sdruntime");
    const waiting = await get("shown");
    assert.equal(waiting.status, 200);
    assert.deepEqual(
      [waiting.body.state, waiting.body.attempts, waiting.body.images],
      ["queued", 0, undefined],
    );
    assert.deepEqual(waiting.body.context, dog.context);

    const results = world.environment.RESULTS_BUCKET as string;
    const stored = { contentType: "image/png", bytes: 3 };
    await world.s3.send(
      new PutObjectCommand({ Bucket: results, Key: "output/shown/a b-1.png", Body: "PNG" }),
    );
    await world.s3.send(
      new PutObjectCommand({ Bucket: results, Key: "output/shown/x.out", Body: "{}" }),
    );
    await world.write({
      ...((await world.record("shown")) as TaskRecord),
      state: "completed",
      attempts: 2,
      startedAt: "2026-01-01T00:00:00.000Z",
      finishedAt: "2026-01-01T00:00:10.000Z",
      claimToken: "secret-token",
      images: [{ key: "output/shown/a b-1.png", ...stored }],
      output: { key: "output/shown/x.out", contentType: "application/json", bytes: 2 },
      manifestKey: "output/shown/manifest.json",
    });
    const { body, text } = await get("shown");
    taskViewSchema.parse(body);
    assert.doesNotMatch(text, /secret-token|requestHash/);
    assert.equal(body.state, "completed");
    assert.equal(body.images?.[0]?.location, `s3://${results}/output/shown/a b-1.png`);
    assert.equal(await (await fetch(body.images?.[0]?.url as string)).text(), "PNG");
    assert.equal(await (await fetch(body.output?.url as string)).text(), "{}");
    assert.match(body.images?.[0]?.url as string, /X-Amz-Expires=600/);
  });

  it("shows why a task has failed", async () => {
    await submit({ ...dog, id: "failed" });
    await world.receive("sdruntime");
    const failure = { code: "refused", message: "steps", at: "2026-01-01T00:00:00Z" } as const;
    await world.write({
      ...((await world.record("failed")) as TaskRecord),
      state: "failed",
      failure,
    });
    assert.deepEqual((await get("failed")).body.failure, failure);
  });

  it("cancels what waits, and says so again", async () => {
    await submit({ ...dog, id: "cancelled" });
    await world.receive("sdruntime");
    const first = await cancel("cancelled");
    assert.deepEqual([first.status, first.body.state], [200, "cancelled"]);
    assert.ok(first.body.finishedAt);
    const second = await cancel("cancelled");
    assert.deepEqual([second.status, second.body.finishedAt], [200, first.body.finishedAt]);
    assert.equal((await world.record("cancelled"))?.state, "cancelled");
  });

  it("does not cancel what runs or has ended, and says what it is", async () => {
    for (const state of ["running", "completed", "failed"] as const) {
      await submit({ ...dog, id: `not-${state}` });
      await world.write({ ...((await world.record(`not-${state}`)) as TaskRecord), state });
      const { status, body } = await cancel<ProblemBody>(`not-${state}`);
      assert.equal(status, 409);
      assert.deepEqual(body.error.fields[0]?.value, state);
      assert.equal((await world.record(`not-${state}`))?.state, state);
    }
    await world.receive("sdruntime");
  });

  it("says that there is no such task", async () => {
    for (const ask of [get, cancel]) {
      const { status, body } = await ask<ProblemBody>(randomUUID());
      assert.equal(status, 404);
      assert.deepEqual(fields(body), ["id"]);
    }
  });

  it("lists the runtimes", async () => {
    const { status, body } = await send("GET", `${api.url}/v1/runtimes`);
    assert.equal(status, 200);
    assert.deepEqual(body, { runtimes });
  });

  it("says which runtimes there are when asked for another one", async () => {
    for (const runtime of ["sdruntime2", "constructor"]) {
      const { status, body } = await submit<ProblemBody>({ ...dog, runtime });
      assert.equal(status, 404);
      assert.deepEqual(body.error.fields, [
        { field: "runtime", value: runtime, allowed: "sdruntime, comfy" },
      ]);
    }
  });

  const refused: readonly (readonly [string, unknown, string])[] = [
    ["a type that the runtime does not take", { ...dog, type: "pipeline" }, "type"],
    ["a type that there is not", { ...dog, type: "text-to-video" }, "type"],
    ["an id with a space", { ...dog, id: "a b" }, "id"],
    ["an empty id", { ...dog, id: "" }, "id"],
    ["an id of 65 characters", { ...dog, id: "a".repeat(65) }, "id"],
    ["an id that is a number", { ...dog, id: 1 }, "id"],
    ["an id that is null", { ...dog, id: null }, "id"],
    ["a runtime's name with capitals", { ...dog, runtime: "SD" }, "runtime"],
    ["no runtime", { ...dog, runtime: undefined }, "runtime"],
    ["no content", { ...dog, content: undefined }, "content"],
    ["a content that is a list", { ...dog, content: [] }, "content"],
    ["a prefix that leads elsewhere", { ...dog, prefix: "a/../b" }, "prefix"],
    ["a prefix that is too long", { ...dog, prefix: "a".repeat(257) }, "prefix"],
    ["a misspelt field", { ...dog, prompt: "A dog" }, "prompt"],
    ["a field named __proto__", `{"__proto__":{},"runtime":"sdruntime"}`, "__proto__"],
    ["a context that is too large", { ...dog, context: "x".repeat(CONTEXT_BYTES) }, "context"],
    [
      "a number that is not held exactly",
      `{"content":{"a b":[1,18446744073709551615]}}`,
      'content["a b"][1]',
    ],
    ["a number beyond all", `{"content":{"seed":1e999}}`, "content.seed"],
    ["no JSON", "{", "body"],
    ["a text", '"task"', "body"],
    ["a list", "[]", "body"],
    ["nothing", "", "body"],
    ["white space", "  \n", "body"],
    ["100,000 levels", "[".repeat(100_000) + "]".repeat(100_000), "body"],
    ["a deep content", `{"content":${'{"a":'.repeat(100)}1${"}".repeat(100)}}`, "content"],
    [
      "a URL of another host",
      { ...dog, content: { a: [{ b: "https://example.net/x" }] } },
      "content.a[0].b",
    ],
  ];
  for (const [what, body, field] of refused)
    it(`refuses ${what}, and names the field`, async () => {
      const answer = await submit<ProblemBody>(body, { "Content-Type": "application/json" });
      assert.equal(answer.status, 400, answer.text);
      const [first] = fields(answer.body);
      assert.ok(first?.startsWith(field), `${first}`);
      assert.ok(answer.body.error.fields.every(({ allowed }) => allowed !== ""));
    });

  it("names all fields that are wrong at once", async () => {
    const { body } = await submit<ProblemBody>({ id: "", type: "x", content: 1, more: 1 });
    assert.deepEqual([...fields(body)].sort(), ["content", "id", "more", "runtime", "type"]);
  });

  it("refuses a context that the table does not hold", async function () {
    const { status, body } = await submit<ProblemBody>({ ...dog, context: { "": { a: 1e-200 } } });
    // moto holds some that DynamoDB does not.
    if (status === 202) return this.skip();
    assert.equal(status, 400);
    assert.deepEqual(fields(body), ["context"]);
  });

  it("wants JSON to be called JSON", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]) {
      const { status, body } = await submit<ProblemBody>(dog, { "Content-Type": type });
      assert.equal(status, 415);
      assert.deepEqual(fields(body), ["Content-Type"]);
    }
    for (const type of ["Application/JSON; charset=utf-8", "application/vnd.x+json"])
      assert.equal((await submit(dog, { "Content-Type": type })).status, 202);
    await world.receive("sdruntime");
  });

  it("says at an unknown path which there are, and at a known one which methods", async () => {
    for (const path of [
      "/",
      "/v1",
      "/v1/tasks/a/b",
      "/v2/tasks",
      "/v1/tasks/%E0%A4%A/x",
      "//",
      "/v1/tasks/{id}/",
    ]) {
      const { status, body } = await send<ProblemBody>("GET", api.url + path);
      if (path === "/v1/tasks/{id}/") assert.equal(status, 400);
      else {
        assert.equal(status, 404, path);
        assert.match(body.error.fields[0]?.allowed ?? "", /\/v1\/tasks\/\{id\}, \/v1\/uploads/);
      }
    }
    for (const [method, path, allow] of [
      ["PUT", "/v1/tasks", "POST"],
      ["GET", "/v1/tasks", "POST"],
      ["POST", "/v1/tasks/x", "GET, DELETE"],
      ["DELETE", "/v1/runtimes", "GET"],
      ["GET", "/v1alpha2", "POST"],
      ["HEAD", "/v1/tasks/x", "GET, DELETE"],
      ["OPTIONS", "/v1/uploads", "POST"],
    ] as const) {
      const { status, headers } = await send(method, api.url + path);
      assert.deepEqual([status, headers.get("allow")], [405, allow], `${method} ${path}`);
    }
  });

  it("finds paths that end with a slash, and encoded ids", async () => {
    assert.equal((await send("GET", `${api.url}/v1/runtimes/`)).status, 200);
    await submit({ ...dog, id: "plain-id" });
    assert.equal((await get("plain%2Did")).status, 200);
    await world.receive("sdruntime");
  });

  it("counts what it took, refused and failed to do, as EMF with the stack and the runtime", async () => {
    await submit(dog);
    await submit({});
    await world.receive("sdruntime");
    const counts = api.lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ _aws }) => _aws !== undefined);
    const submitted = counts.find((line) => line["tasks-submitted"] === 1);
    assert.deepEqual(
      [submitted?.stack, submitted?.runtime, metricDirective(submitted)],
      ["test", "sdruntime", [["stack", "runtime"]]],
    );
    const refusal = counts.find((line) => line["task-api-refused"] === 1);
    assert.deepEqual([refusal?.stack, metricDirective(refusal)], ["test", [["stack"]]]);
  });
});

describeOnMoto("The tasks' API behind a stage and a key", (moto) => {
  let api: ApiProcess;
  before("start it", async () => {
    const { environment } = await createWorld(moto());
    api = await startApi({ ...environment, STAGE: "prod", API_KEY: "a-key" });
  });
  after("stop it", () => api?.stop());

  it("answers below the stage, with the key, and tells locations with the stage", async () => {
    const key = { "x-api-key": "a-key" };
    const { status, headers } = await send("POST", `${api.url}/prod/v1/tasks`, dog, key);
    assert.equal(status, 202);
    const location = api.url + headers.get("location");
    assert.match(location, /\/prod\/v1\/tasks\/[0-9a-f-]+$/);
    assert.equal((await send("GET", location, undefined, key)).status, 200);
    assert.equal((await send("GET", location)).status, 403);
    assert.equal((await send("GET", `${api.url}/v1/runtimes`, undefined, key)).status, 403);
  });

  it("ends in good order when it is told to", async () => {
    assert.equal(await api.stop(), 0);
  });
});

function fields(body: ProblemBody): readonly string[] {
  return problemSchema.parse(body).error.fields.map(({ field }) => field);
}

function metricDirective(line: Record<string, unknown> | undefined): unknown {
  const { _aws } = line as { _aws: { CloudWatchMetrics: [{ Dimensions: unknown }] } };
  return _aws.CloudWatchMetrics[0].Dimensions;
}
