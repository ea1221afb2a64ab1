import assert from "node:assert/strict";
import { CopyObjectCommand, DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { SendMessageCommand, SetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import type { ProblemBody, SubmittedV1Alpha2, TaskView } from "../../contracts/tasks/api";
import { uploadObject } from "../../contracts/tasks/message";
import { drawnPng } from "../apps/queue-agent/runtimes/drawnPng";
import { describeOnMoto } from "../python/moto";
import type { AppProcess } from "./harness/appProcess";
import { ManagedWorld, runtime } from "./harness/managedWorld";
import type { TaskClient } from "./harness/taskClient";
import { until } from "./harness/until";

describeOnMoto("A managed runtime", (moto) => {
  let world: ManagedWorld;
  let client: TaskClient;
  let api: AppProcess;
  let results: AppProcess;
  before("start it", async () => {
    world = await ManagedWorld.start(moto(), { apiSeconds: 4 });
    ({ client, app: api } = await world.startApi());
    results = await world.startResults();
  });
  after("stop it", () => world?.stop());
  afterEach("let it work again", () => {
    world.model.failAt = () => undefined;
    world.sageMaker.copies = () => 1;
    world.sageMaker.decide = () => "pass";
    world.sageMaker.scale(1);
  });

  const task = (id: string, content: Record<string, unknown> = {}) => ({
    id,
    runtime: runtime.name,
    type: "text-to-image",
    context: { order: id },
    content: { prompt: `a dog, ${id}`, ...content },
  });
  const ended = (id: string, state: TaskView["state"] = "completed") =>
    until(`${id} is ${state}`, async () => {
      const { body } = await client.task(id);
      return body.state === state ? body : undefined;
    });
  const generated = (prompt: string) =>
    world.model.generations.filter(({ body }) => body.prompt === prompt).length;
  const told = (id: string) =>
    until(`subscribers are told of ${id}`, async () => {
      const all = (await world.notifications()).filter((each) => each.id === id);
      return all.length === 0 ? undefined : all;
    });

  it("does a task of /v1 as agents do: images, what was answered, a manifest, a notification", async () => {
    const { status } = await client.submit(
      { ...task("plain", { n: 2 }), prefix: "team/a" },
      { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
    );
    assert.equal(status, 202);
    const view = await ended("plain");
    assert.equal(view.attempts, 1);
    assert.equal(view.images?.length, 2);
    for (const image of view.images ?? []) assert.equal(image.contentType, "image/png");
    const keys = await world.results("team/a/plain/");
    assert.equal(keys.length, 4);
    assert.ok(keys.includes("team/a/plain/manifest.json"));
    const [notification] = await told("plain");
    assert.equal(notification?.status, "completed");
    assert.deepEqual(notification?.context, { order: "plain" });
    assert.deepEqual(
      notification?.image_url,
      view.images?.map(({ location }) => location),
    );
    const image = await world.object(view.images![0]!.location.split("/").slice(3).join("/"));
    assert.deepEqual(
      image,
      drawnPng({ subject: "a dog, plain undefined 0", width: 8, height: 8, bytes: 0 }),
    );
  });

  it("asks SageMaker with the task's longest time, the longest wait, and the client's trace", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await client.submit(task("asked"), { traceparent });
    const invocation = world.sageMaker.invocations.at(-1);
    assert.equal(invocation?.endpoint, runtime.endpoint);
    assert.equal(invocation?.timeoutSeconds, runtime.longestTaskSeconds);
    assert.equal(invocation?.ttlSeconds, 21_600);
    assert.match(invocation?.customAttributes ?? "", new RegExp(`^traceparent=${traceparent}`));
    await ended("asked");
  });

  it("does a task of /v1alpha2, where an id may be used again", async () => {
    const request = {
      task: {
        metadata: {
          id: "guided",
          runtime: runtime.name,
          tasktype: "text-to-image",
          prefix: "output",
        },
        content: { prompt: "guided" },
      },
    };
    const first = await client.submitV1Alpha2<SubmittedV1Alpha2>(request);
    const second = await client.submitV1Alpha2<SubmittedV1Alpha2>(request);
    assert.deepEqual([first.status, second.status], [200, 200]);
    assert.notEqual(first.body.output_location, second.body.output_location);
    for (const { body } of [first, second]) {
      const folder = body.output_location.split("/").slice(3).join("/");
      await until(`${folder} has a manifest`, async () =>
        (await world.results(folder)).includes(`${folder}/manifest.json`) ? true : undefined,
      );
    }
  });

  it("generates once for the same id and body, however often it is sent", async () => {
    world.sageMaker.scale(0);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => client.submit(task("often"))),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      [202, 202, 202, 202, 202],
    );
    world.sageMaker.scale(1);
    await ended("often");
    assert.equal((await client.submit(task("often"))).status, 202);
    assert.equal((await client.submit(task("often", { n: 2 }))).status, 409);
    assert.equal(generated("a dog, often"), 1);
  });

  it("waits for an endpoint without instances, and loses nothing", async () => {
    world.sageMaker.scale(0);
    for (let index = 0; index < 5; index++) await client.submit(task(`cold-${index}`));
    assert.equal(world.sageMaker.backlog, 5);
    assert.equal((await client.task("cold-0")).body.state, "queued");
    world.sageMaker.scale(2);
    for (let index = 0; index < 5; index++) await ended(`cold-${index}`);
  });

  it("does nothing for notifications that come twice, or once more when all is over", async () => {
    world.sageMaker.copies = () => 2;
    await client.submit(task("twice"));
    const view = await ended("twice");
    await told("twice");
    await world.sageMaker.again(world.successTopicArn);
    await client.submit(task("after-twice"));
    await ended("after-twice");
    await told("after-twice");
    const { linksExpireAt: _1, images: _2, output: _3, ...now } = (await client.task("twice")).body;
    const { linksExpireAt: _4, images: _5, output: _6, ...then } = view;
    assert.deepEqual(now, then);
    assert.equal((await world.results("twice/")).length, 3);
    const again = (await world.notifications()).filter(({ id }) => id === "plain");
    assert.equal(again.length, 1);
  });

  it("tries again what the server failed at, and completes it", async () => {
    let failures = 0;
    world.model.failAt = (prompt) =>
      prompt === "a dog, shaky" && failures++ < 2 ? 500 : undefined;
    await client.submit(task("shaky"));
    const view = await ended("shaky");
    assert.equal(view.attempts, 3);
    assert.equal(view.failure, undefined);
    assert.equal(generated("a dog, shaky"), 3);
  });

  it("fails what the server fails at each time, after as many attempts as it may have", async () => {
    world.model.failAt = (prompt) => (prompt === "a dog, broken" ? 500 : undefined);
    await client.submit(task("broken"));
    const view = await ended("broken", "failed");
    assert.equal(view.attempts, runtime.maxAttempts);
    assert.equal(view.failure?.code, "runtime");
    assert.match(view.failure?.message ?? "", /^no a dog, broken \(ClientError: .*\(500\)/);
    const [notification] = await told("broken");
    assert.equal(notification?.status, "failed");
    assert.equal(notification?.error?.code, "runtime");
  });

  it("does not try again what the server refuses", async () => {
    world.model.failAt = (prompt) => (prompt === "a dog, wrong" ? 400 : undefined);
    await client.submit(task("wrong"));
    const view = await ended("wrong", "failed");
    assert.deepEqual([view.attempts, view.failure?.code], [1, "refused"]);
  });

  it("fails what no instance has taken in time, and says so to its subscribers", async () => {
    world.sageMaker.scale(0);
    await client.submit(task("expired"));
    await world.sageMaker.expire();
    const { attempts, failure } = await ended("expired", "failed");
    assert.deepEqual([attempts, failure?.code], [1, "timeout"]);
    assert.match(failure?.message ?? "", /^no instance took the request within the 6 h /);
    const [notification] = await told("expired");
    assert.equal(notification?.status, "failed");
    assert.equal(notification?.error?.message, failure?.message);
    assert.equal(generated("a dog, expired"), 0);
  });

  it("is not confused by an earlier attempt's notification that comes after the last one's", async () => {
    let failures = 0;
    world.model.failAt = (prompt) => (prompt === "a dog, late" && failures++ < 1 ? 503 : undefined);
    world.sageMaker.copies = ({ inputLocation }) => (inputLocation.includes("/late/") ? 3 : 1);
    await client.submit(task("late"));
    assert.equal((await ended("late")).attempts, 2);
    assert.equal(generated("a dog, late"), 2);
  });

  it("drops the results of a task that was cancelled meanwhile", async () => {
    world.sageMaker.scale(0);
    await client.submit(task("unwanted"));
    assert.equal((await client.cancel("unwanted")).status, 200);
    world.sageMaker.scale(1);
    await client.submit(task("after-unwanted"));
    await ended("after-unwanted");
    await until("both are generated", () => (world.sageMaker.isIdle ? true : undefined));
    assert.equal((await client.task("unwanted")).body.state, "cancelled");
    assert.deepEqual(await world.results("unwanted/"), []);
    assert.deepEqual(
      (await world.notifications()).filter(({ id }) => id === "unwanted"),
      [],
    );
  });

  it("gives an upload to the server in base64, and refuses what it would have to fetch", async () => {
    const bytes = drawnPng({ subject: "start", width: 8, height: 8, bytes: 0 });
    const id = "11111111-2222-4333-8444-555555555555";
    await world.clients.s3.send(
      new PutObjectCommand({
        Bucket: `${world.name}-inputs`,
        Key: uploadObject(id),
        Body: bytes,
      }),
    );
    const edit = (name: string, image: unknown) => ({
      ...task(name, { image }),
      type: "image-to-image",
    });
    assert.equal((await client.submit(edit("edit", `upload://${id}`))).status, 202);
    await ended("edit");
    const { body } = world.model.generations.find((each) => each.body.prompt === "a dog, edit")!;
    assert.equal(body.image, bytes.toString("base64"));

    const refusals = [
      ["fetched", "https://images.example.com/dog.png", /not fetched by https/],
      ["gone", "upload://11111111-2222-4333-8444-666666666666", /is not there/],
      ["absent", undefined, /an image: base64/],
    ] as const;
    for (const [name, image, why] of refusals) {
      const refused = await client.submit(edit(name, image));
      assert.equal(refused.status, 400, name);
      const [field] = (refused.body as ProblemBody).error.fields;
      assert.equal(field?.field, "content.image");
      assert.match(field?.allowed ?? "", why);
      assert.equal(await world.record(name), undefined);
    }
  });

  it("answers a seeded request from the cache, with images of its own, without the endpoint", async () => {
    const before = world.samples(api);
    await client.submit(task("seed-1", { prompt: "seeded", seed: 7, n: 2 }));
    const first = await ended("seed-1");
    await client.submit({ ...task("seed-2", { prompt: "seeded", seed: 7, n: 2 }), prefix: "b" });
    const { body: second } = await client.task("seed-2");
    assert.equal(second.state, "completed");
    assert.equal(second.attempts, 0);
    assert.equal(generated("seeded"), 1);
    const keyOf = (location: string) => location.split("/").slice(3).join("/");
    for (const index of [0, 1]) {
      const [one, two] = [first, second].map(({ images }) => keyOf(images![index]!.location));
      assert.match(two!, /^b\/seed-2\//);
      assert.deepEqual(await world.object(one!), await world.object(two!));
    }
    assert.equal((await told("seed-2"))[0]?.status, "completed");
    await until("both are counted", () => (world.samples(api) - before === 2 ? true : undefined));
  });

  it("generates for another field, another seed, and chance", async () => {
    const before = world.samples(api);
    const prompt = "varied";
    const contents = [
      { prompt, seed: 0 },
      { prompt, seed: 1 },
      { prompt, seed: 0, steps: 3 },
      { prompt, seed: -1 },
      { prompt, seed: -1 },
      { prompt },
      { prompt },
    ];
    for (const [index, content] of contents.entries()) {
      await client.submit(task(`varied-${index}`, content));
      await ended(`varied-${index}`);
    }
    assert.equal(generated(prompt), contents.length);
    await until("each is counted once", () =>
      world.samples(api) - before === contents.length ? true : undefined,
    );
  });

  it("generates anew when the cached images are gone, or others", async () => {
    const content = { prompt: "kept", seed: 1 };
    await client.submit(task("kept-1", content));
    const { images } = await ended("kept-1");
    const key = images![0]!.location.split("/").slice(3).join("/");
    await world.clients.s3.send(new DeleteObjectCommand({ Bucket: world.resultsBucket, Key: key }));
    await client.submit(task("kept-2", content));
    const { images: anew } = await ended("kept-2");
    assert.equal(generated("kept"), 2);

    await world.clients.s3.send(
      new CopyObjectCommand({
        Bucket: world.resultsBucket,
        CopySource: `${world.resultsBucket}/kept-2/manifest.json`,
        Key: anew![0]!.location.split("/").slice(3).join("/"),
      }),
    );
    await client.submit(task("kept-3", content));
    await ended("kept-3");
    assert.equal(generated("kept"), 3);
  });

  it("says that it can be repeated when SageMaker does not take it, and keeps nothing of it", async () => {
    world.sageMaker.decide = () => "refuse";
    assert.equal((await client.submit(task("refused"))).status, 503);
    assert.equal(await world.record("refused"), undefined);
    world.sageMaker.decide = () => "pass";
    assert.equal((await client.submit(task("refused"))).status, 202);
    await ended("refused");
    assert.equal(generated("a dog, refused"), 1);
  });

  it("does not tell its clients where the endpoint is", async () => {
    const { body } = await client.ask<object>("GET", "/v1/runtimes");
    assert.ok(!JSON.stringify(body).includes(runtime.endpoint));
    assert.ok(!JSON.stringify(body).includes(runtime.revision!));
  });

  it("keeps damaged notifications with the dead letters, and drops what is of something else", async () => {
    await world.clients.sqs.send(
      new SetQueueAttributesCommand({
        QueueUrl: world.queueUrl,
        Attributes: {
          RedrivePolicy: JSON.stringify({
            deadLetterTargetArn: `arn:aws:sqs:us-west-2:123456789012:${world.name}-dead`,
            maxReceiveCount: 2,
          }),
        },
      }),
    );
    const send = (MessageBody: string) =>
      world.clients.sqs.send(new SendMessageCommand({ QueueUrl: world.queueUrl, MessageBody }));
    await send('{"eventSource":"aws:sagemaker","eventName":"Drill"}');
    await until("the unknown one is dropped", () =>
      /an unknown message is dropped.*Drill/.test(results.said) ? true : undefined,
    );
    const damaged = ["no JSON", '{"eventSource":"aws:sagemaker","eventName":"InferenceResult"}'];
    for (const body of damaged) await send(body);
    const letters: string[] = [];
    await until("both are dead letters", async () => {
      letters.push(...(await world.deadLetters()));
      return letters.length >= 2 ? true : undefined;
    });
    assert.deepEqual(letters.sort(), damaged.sort());
  });
});

describeOnMoto("A managed runtime that goes over to another revision", (moto) => {
  let world: ManagedWorld;
  before("start it", async () => {
    world = await ManagedWorld.start(moto());
  });
  after("stop it", () => world?.stop());

  it("keeps no image under the key of the one before, and finds none there", async () => {
    const next = "0123456789abcdef";
    const { client: before } = await world.startApi();
    const { client: after } = await world.startApi({ revision: next });
    const draw = async (client: TaskClient, id: string) => {
      const content = { prompt: "the same", seed: 1 };
      assert.equal(
        (await client.submit({ id, runtime: runtime.name, type: "text-to-image", content })).status,
        202,
      );
    };
    const drawn = (id: string) =>
      until(`${id} is completed`, async () =>
        (await world.record(id))?.state === "completed"
          ? world.model.generations.length
          : undefined,
      );

    world.sageMaker.scale(0);
    await draw(before, "waits");
    await world.startResults({ revision: next });
    world.sageMaker.scale(1);
    assert.equal(await drawn("waits"), 1);
    await draw(before, "same-key");
    assert.equal(await drawn("same-key"), 2, "what came late was not kept");
    await draw(after, "next-key");
    assert.equal(await drawn("next-key"), 3, "nothing was found under another revision");
    await draw(after, "next-key-again");
    assert.equal(await drawn("next-key-again"), 3, "it is kept under its own");
  });
});
