import assert from "node:assert/strict";
import type { AwsCall, Fate } from "../python/faultyProxy";
import { describeOnMoto } from "../python/moto";
import { ManagedWorld, runtime } from "./harness/managedWorld";
import type { TaskClient } from "./harness/taskClient";
import { until } from "./harness/until";

/** SageMaker's topics are told once, and what they are told nothing of would be queued for ever. */
describeOnMoto("A managed runtime whose SageMaker keeps silent", (moto) => {
  let world: ManagedWorld;
  let client: TaskClient;
  let decide: (call: AwsCall) => Fate = () => "pass";
  before("start it", async () => {
    world = await ManagedWorld.start(moto(), { apiSeconds: 4, cache: false });
    ({ client } = await world.startApi());
    await world.startResults({ sweepSeconds: 0.2, decide: (call) => decide(call) });
  });
  after("stop it", () => world?.stop());
  beforeEach("silence it", () => {
    decide = () => "pass";
    world.sageMaker.decide = () => "pass";
    world.sageMaker.copies = () => 0;
    world.sageMaker.scale(1);
  });

  const submit = (id: string) =>
    client.submit({
      id,
      runtime: runtime.name,
      type: "text-to-image",
      content: { prompt: id },
    });
  const ended = (id: string) =>
    until(`${id} is over`, async () => {
      const { body } = await client.task(id);
      return body.state === "queued" ? undefined : body;
    });
  const idle = () => until("SageMaker is idle", () => (world.sageMaker.isIdle ? true : undefined));
  const invocations = (id: string) =>
    world.sageMaker.invocations.filter(({ inputLocation }) => inputLocation.includes(`/${id}/`));

  it("has its tasks left alone until all the time is over that it may take", async () => {
    await submit("early");
    await idle();
    // Some sweeps later.
    await new Promise((later) => setTimeout(later, 1500));
    const record = await world.record("early");
    assert.equal(record?.state, "queued");
    const allSeconds = (record!.lostAtMs! - Date.parse(record!.invokedAt!)) / 1000;
    const { ttlSeconds, timeoutSeconds } = invocations("early")[0]!;
    assert.ok(allSeconds > ttlSeconds + timeoutSeconds, `${allSeconds} s`);
    assert.deepEqual(await world.awaited(), ["early"]);
    await world.overdue("early");
    await ended("early");
  });

  it("has a task completed with the answer that it put into S3", async () => {
    await submit("answered");
    await idle();
    await world.overdue("answered");
    const { state, attempts, images } = await ended("answered");
    assert.deepEqual({ state, attempts }, { state: "completed", attempts: 1 });
    assert.equal(images?.length, 1);
    assert.equal(invocations("answered").length, 1);
    const told = await until("subscribers know", async () =>
      (await world.notifications()).find(({ id }) => id === "answered"),
    );
    assert.equal(told.status, "completed");
  });

  it("is asked again where there is no answer", async () => {
    world.sageMaker.scale(0);
    await submit("again");
    await world.overdue("again");
    await until("it is asked again", () => (invocations("again").length === 2 ? true : undefined));
    world.sageMaker.copies = () => 1;
    world.sageMaker.scale(1);
    const { state, attempts } = await ended("again");
    assert.deepEqual({ state, attempts }, { state: "completed", attempts: 2 });
  });

  it("has a task failed as lost after as many attempts as it may have", async () => {
    world.sageMaker.scale(0);
    await submit("lost");
    for (let attempt = 1; attempt <= runtime.maxAttempts!; attempt++) {
      await until(`attempt ${attempt}`, async () => {
        const record = await world.record("lost");
        return record?.attempts === attempt - 1 && record.invokedAt !== undefined
          ? true
          : undefined;
      });
      await world.overdue("lost");
    }
    const { state, attempts, failure } = await ended("lost");
    assert.deepEqual({ state, attempts }, { state: "failed", attempts: runtime.maxAttempts });
    assert.equal(failure?.code, "lost");
    assert.equal(failure?.message, "SageMaker has told nothing of it");
    const told = await until("subscribers know", async () =>
      (await world.notifications()).find(({ id }) => id === "lost"),
    );
    assert.equal(told.status, "failed");
    assert.equal(invocations("lost").length, runtime.maxAttempts);
  });

  it("has subscribers told, although SNS fails when the task is over", async () => {
    let failures = 0;
    decide = ({ action }) => (action === "Publish" && failures++ < 6 ? "refuse" : "pass");
    await submit("told");
    await idle();
    await world.overdue("told");
    const told = await until("subscribers know", async () =>
      (await world.notifications()).find(({ id }) => id === "told"),
    );
    assert.equal(told.status, "completed");
    assert.ok(failures > 6, "SNS has not failed");
    assert.equal((await world.record("told"))?.isUntold, undefined);
  });

  it("is asked until it takes the task again, which costs no further attempt", async () => {
    world.sageMaker.scale(0);
    await submit("refused");
    let refusals = 0;
    world.sageMaker.decide = () => (refusals++ < 3 ? "refuse" : "pass");
    await world.overdue("refused");
    await until("it is taken", () => (invocations("refused").length === 2 ? true : undefined));
    world.sageMaker.copies = () => 1;
    world.sageMaker.scale(1);
    const { state, attempts } = await ended("refused");
    assert.deepEqual({ state, attempts }, { state: "completed", attempts: 2 });
    assert.equal(refusals, 4);
  });

  it("is believed when it tells at last, at the same time as the sweep", async () => {
    world.sageMaker.copies = () => 1;
    world.sageMaker.hold();
    await submit("late");
    await idle();
    await Promise.all([world.overdue("late"), world.sageMaker.release()]);
    const { state, images } = await ended("late");
    assert.equal(state, "completed");
    assert.equal(images?.length, 1);
    assert.equal((await world.results("late/")).length, 3);
    assert.equal(invocations("late").length, 1);
  });

  it("has the next sweep do what one could not", async () => {
    let failures = 0;
    decide = ({ action }) => (action === "SendMessage" && failures++ < 6 ? "refuse" : "pass");
    await submit("unsent");
    await idle();
    await world.overdue("unsent");
    const { state } = await ended("unsent");
    assert.equal(state, "completed");
    assert.ok(failures > 6, "SQS has not failed");
  });

  it("is not asked for a task that was cancelled", async () => {
    world.sageMaker.scale(0);
    await submit("cancelled");
    await client.cancel("cancelled");
    await world.overdue("cancelled");
    await new Promise((later) => setTimeout(later, 1000));
    assert.equal((await world.record("cancelled"))?.state, "cancelled");
    assert.equal(invocations("cancelled").length, 1);
    assert.ok(!(await world.awaited()).includes("cancelled"));
  });

  it("leaves nothing in the index of what is awaited when all is over", async () => {
    assert.deepEqual(await world.awaited(), []);
  });
});
