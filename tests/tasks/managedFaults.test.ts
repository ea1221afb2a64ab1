import assert from "node:assert/strict";
import type { AwsCall, Fate } from "../python/faultyProxy";
import { describeOnMoto } from "../python/moto";
import type { AppProcess } from "./harness/appProcess";
import { ManagedWorld, runtime } from "./harness/managedWorld";
import { seeded } from "./harness/seeded";
import { until } from "./harness/until";

const task = (id: string) => ({
  id,
  runtime: runtime.name,
  type: "text-to-image",
  content: { prompt: id },
});

/** Of a conditional write, what it is for. */
function isUpdate({ action, body }: AwsCall, part: string): boolean {
  if (action !== "UpdateItem") return false;
  const { UpdateExpression } = JSON.parse(body.toString()) as { UpdateExpression: string };
  return UpdateExpression.includes(part);
}

describeOnMoto("A managed runtime's API that dies", (moto) => {
  let world: ManagedWorld;
  before("start it", async () => {
    world = await ManagedWorld.start(moto(), { apiSeconds: 2 });
    await world.startResults();
  });
  after("stop it", () => world?.stop());
  afterEach("let it live", () => {
    world.sageMaker.decide = () => "pass";
  });

  const isPut = ({ service, method }: AwsCall) => service === "s3" && method === "PUT";
  const isNote = (call: AwsCall) => isUpdate(call, "#inferenceId = :new_inferenceId");
  const isTaken = (call: AwsCall) => isUpdate(call, "#invokedAt = :new_invokedAt");
  const points: readonly (readonly [string, (call: AwsCall) => boolean, number])[] = [
    ["before it notes that it asks", isNote, 1],
    ["before the request is in S3", isPut, 1],
    // The one window: SageMaker has it, and nobody knows. Twice, and one of the results counts.
    ["before it notes that SageMaker has it", isTaken, 2],
  ];
  for (const [when, isThere, mostGenerations] of points)
    it(`${when} has its task done when the client repeats the request`, async () => {
      const id = `dies-${when.replaceAll(/\W/g, "-")}`;
      let dying: AppProcess | undefined;
      const first = await world.startApi({
        decide: async (call): Promise<Fate> => {
          if (!isThere(call)) return "pass";
          await dying?.kill();
          return "refuse";
        },
      });
      dying = first.app;
      await first.client.submit(task(id)).catch(() => undefined);
      assert.equal(await first.app.ended(), "SIGKILL");

      const { client, app } = await world.startApi();
      await until("it is taken", async () =>
        (await client.submit(task(id))).status === 202 ? true : undefined,
      );
      await until("it is completed", async () =>
        (await world.record(id))?.state === "completed" ? true : undefined,
      );
      await until("SageMaker is idle", () => (world.sageMaker.isIdle ? true : undefined));
      const made = world.model.generations.filter(({ body }) => body.prompt === id).length;
      assert.ok(made >= 1 && made <= mostGenerations, `${made} generations`);
      assert.equal((await world.results(`${id}/`)).length, 3);
      await app.kill();
    });

  for (const [when, fate, mostGenerations] of [
    ["before SageMaker hears of it", "drop", 1],
    ["when SageMaker has it", "lose", 2],
  ] as const)
    it(`does a task whose invocation's connection breaks ${when}`, async () => {
      const id = `breaks-${fate}`;
      const { client, app } = await world.startApi();
      let calls = 0;
      world.sageMaker.decide = () => (calls++ === 0 ? fate : "pass");
      assert.equal((await client.submit(task(id))).status, 503);
      assert.equal((await client.submit(task(id))).status, 202);
      await until("it is completed", async () =>
        (await world.record(id))?.state === "completed" ? true : undefined,
      );
      await until("SageMaker is idle", () => (world.sageMaker.isIdle ? true : undefined));
      const made = world.model.generations.filter(({ body }) => body.prompt === id).length;
      assert.ok(made >= 1 && made <= mostGenerations, `${made} generations`);
      await app.kill();
    });
});

describeOnMoto("What brings a managed runtime's results back and dies", (moto) => {
  const isObject = (end: string) => (call: AwsCall) =>
    call.service === "s3" && call.method === "PUT" && new RegExp(`${end}(\\?|$)`).test(call.path);
  const points: readonly (readonly [string, (call: AwsCall) => boolean])[] = [
    ["before an image", isObject("png")],
    ["before the manifest", isObject("manifest\\.json")],
    ["before the state", (call) => isUpdate(call, "#images = ")],
    ["before the notification", ({ action }) => action === "Publish"],
    ["before it notes the notification", (call) => isUpdate(call, "REMOVE #isUntold")],
  ];
  for (const [when, isThere] of points)
    it(`${when} completes the task at the next delivery, with its results once`, async () => {
      const world = await ManagedWorld.start(moto(), { apiSeconds: 4 });
      try {
        const { client } = await world.startApi();
        let dying: AppProcess | undefined;
        dying = await world.startResults({
          decide: async (call): Promise<Fate> => {
            if (!isThere(call)) return "pass";
            await dying?.kill();
            return "refuse";
          },
        });
        await client.submit(task("dies"));
        await until("it is dead", () => (dying?.hasEnded === true ? true : undefined));
        await world.startResults();
        await until("subscribers know", async () =>
          (await world.record("dies"))?.state === "completed" &&
          (await world.record("dies"))?.isUntold === undefined
            ? true
            : undefined,
        );
        assert.equal((await world.results("dies/")).length, 3);
        assert.equal(world.model.generations.length, 1);
        const notifications = await world.notifications();
        // Only who dies between telling and noting it tells again.
        const most = when === "before it notes the notification" ? 2 : 1;
        assert.ok(notifications.length >= 1 && notifications.length <= most);
      } finally {
        await world.stop();
      }
    });

  it("between noting a retry and asking for it asks for it at the next delivery", async () => {
    const world = await ManagedWorld.start(moto(), { apiSeconds: 4 });
    try {
      const { client } = await world.startApi();
      world.model.failAt = () => (world.model.generations.length === 0 ? 500 : undefined);
      const dying = await world.startResults();
      world.sageMaker.decide = async () => {
        if (world.sageMaker.invocations.length === 0) return "pass";
        await dying.kill();
        return "drop";
      };
      await client.submit(task("retried"));
      await until("it is dead", () => (dying.hasEnded ? true : undefined));
      world.sageMaker.decide = () => "pass";
      await world.startResults();
      const record = await until("it is completed", async () => {
        const now = await world.record("retried");
        return now?.state === "completed" ? now : undefined;
      });
      assert.equal(record.attempts, 2);
      assert.equal(world.model.generations.length, 2);
    } finally {
      await world.stop();
    }
  });
});

describeOnMoto("Two hundred tasks of a managed runtime", (moto) => {
  it("end exactly once each when a call in ten fails and notifications come twice and in any order", async () => {
    const world = await ManagedWorld.start(moto(), { apiSeconds: 20 });
    try {
      const random = seeded(20_260_801);
      const fates: readonly Fate[] = ["refuse", "reset", "lose", "fail"];
      const decide = ({ service }: AwsCall): Fate =>
        (service === "s3" || service === "dynamodb") && random.happens(0.1)
          ? fates[random.between(0, fates.length - 1)]!
          : "pass";
      const { client } = await world.startApi({ decide });
      for (let instance = 0; instance < 3; instance++) await world.startResults({ decide });
      world.sageMaker.scale(2);
      world.sageMaker.copies = () => (random.happens(0.3) ? 2 : 1);
      world.model.failAt = (prompt) =>
        prompt.endsWith("-bad") ? 400 : random.happens(0.05) ? 500 : undefined;
      const ids = Array.from(
        { length: 200 },
        (_, index) => `t${index}${index % 20 === 0 ? "-bad" : ""}`,
      );
      world.sageMaker.hold();
      const waiting = [...ids];
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let id = waiting.shift(); id !== undefined; id = waiting.shift())
            while ((await client.submit(task(id))).status !== 202);
        }),
      );
      await until("the first results wait", () =>
        world.sageMaker.published.length > 50 ? true : undefined,
      );
      await world.sageMaker.release();
      const states = new Map<string, string>();
      await until(
        "all have ended, and subscribers know",
        async () => {
          for (const id of ids.filter((each) => !states.has(each))) {
            const record = await world.record(id);
            if (record !== undefined && record.state !== "queued" && record.isUntold !== true)
              states.set(id, record.state);
          }
          return states.size === ids.length ? true : undefined;
        },
        200_000,
      );
      await until("SageMaker is idle", () => (world.sageMaker.isIdle ? true : undefined));
      const told = new Map<string, Set<string>>();
      for (const { id, status } of await world.notifications())
        told.set(id, (told.get(id) ?? new Set()).add(status));
      for (const id of ids) {
        // 500s may use up a task's attempts, too.
        const record = await world.record(id);
        const isBad = id.endsWith("-bad");
        assert.equal(record?.state, isBad ? "failed" : "completed", JSON.stringify(record));
        assert.deepEqual([...told.get(id)!], [record?.state], id);
        const kept = await world.results(`${id}/`);
        assert.deepEqual(kept.filter((key) => key.endsWith("manifest.json")).length, isBad ? 0 : 1);
        for (const { key } of record?.images ?? []) assert.ok(kept.includes(key));
      }
      assert.deepEqual(world.sageMaker.failures, []);
      assert.deepEqual(await world.deadLetters(), []);
    } finally {
      await world.stop();
    }
  });
});
