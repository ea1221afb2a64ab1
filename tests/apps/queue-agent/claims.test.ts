import assert from "node:assert/strict";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Claim, Claims } from "../../../apps/queue-agent/claims";
import { parseMessage, type Task } from "../../../apps/queue-agent/taskMessage";
import type { Api } from "../../../apps/task-api/api";
import { newTask, type Submission } from "../../../apps/task-api/submit";
import type { TaskFailure } from "../../../contracts/tasks/record";
import { type AwsCall, type Fate, startFaultyProxy } from "../../python/faultyProxy";
import { describeOnMoto } from "../../python/moto";
import { World } from "./world";

const agents = 8;

const output = { key: "a/a.out", contentType: "application/json", bytes: 2 };
const completion = {
  images: [],
  output,
  manifestKey: "a/manifest.json",
  startedAt: "2026-11-14T00:00:00.000Z",
  finishedAt: "2026-11-14T00:00:05.000Z",
};
const failure: TaskFailure = {
  code: "runtime",
  message: "it broke",
  at: "2026-11-14T00:00:00.000Z",
};

function taskOf(world: World, id: string, deadLetterId?: string): Task {
  return {
    key: id,
    id,
    run: undefined,
    runtime: world.name,
    type: "text-to-image",
    prefix: "output",
    context: { user: 1 },
    content: { prompt: "a dog" },
    contentKey: undefined,
    requestHash: undefined,
    submittedAt: "2026-11-14T00:00:00.000Z",
    deadLetterId,
    traceHeaders: {},
  };
}

describeOnMoto("claims", (moto) => {
  let world: World;
  before(async () => {
    world = await World.create(moto());
  });
  after(() => world.end());

  const claimsOf = (pod: string, client = world.dynamodb) =>
    new Claims({
      client,
      tableName: world.tableName,
      pod,
      visibilitySeconds: 60,
      taskTtlSeconds: 3600,
    });

  /** All claim the same task at the same time. */
  async function race(task: Task): Promise<readonly Claim[]> {
    const outcomes = await Promise.all(
      Array.from({ length: agents }, async (_, index) => {
        const claims = claimsOf(`pod-${index}`);
        // What some have seen is what it was before there was a record.
        return await claims.claim(task, index % 2 === 0 ? await claims.find(task.key) : undefined);
      }),
    );
    return outcomes.flatMap(({ claim }) => (claim === undefined ? [] : [claim]));
  }

  async function claimed(task: Task): Promise<Claim> {
    const { claim } = await claimsOf("pod-1").claim(task, undefined);
    assert.ok(claim);
    return claim;
  }

  for (const optional of [{}, { prefix: "output", context: {} }, { context: { user: 1 } }])
    it(`expect of a message the record that the API has made with it (${JSON.stringify(optional)})`, () => {
      const submission: Submission = {
        id: "expected",
        runtime: world.name,
        type: "text-to-image",
        content: { prompt: "a dog" },
        ...optional,
      };
      const settings = { TASK_TTL_SECONDS: 3600 } as Api["settings"];
      for (const run of [undefined, "1a2b3c4d"]) {
        const { record, message } = newTask({ settings } as Api, submission, run);
        const delivery = {
          messageId: "m",
          receiptHandle: "r",
          body: JSON.stringify(message),
          attributes: {},
          receiveCount: 1,
          sentAtMs: 0,
        };
        const { task } = parseMessage(delivery);
        assert.deepEqual(claimsOf("pod-1").expected(task!, delivery), record);
        assert.equal(claimsOf("pod-1").expected(task!, { receiveCount: 2 }), undefined);
      }
    });

  it("see what has happened to a record since its message was sent", async () => {
    for (const [id, changes, isClaimed] of [
      ["as-expected", {}, true],
      ["since-repeated", { repeats: 1 }, true],
      ["since-run", { attempts: 0, startedAt: failure.at, failure }, true],
      ["since-cancelled", { state: "cancelled" }, false],
      ["of-another", { requestHash: "other" }, false],
    ] as const) {
      const task = { ...taskOf(world, id), requestHash: "same" };
      await world.putRecord({ id, requestHash: "same", ...changes });
      const expected = claimsOf("pod-1").expected(task, { receiveCount: 1 });
      const { claim, refusedBy } = await claimsOf("pod-1").claim(task, expected);
      assert.equal(claim !== undefined, isClaimed, id);
      const record = claim?.record ?? refusedBy!;
      for (const [name, value] of Object.entries(changes))
        if (name !== "attempts" && name !== "startedAt")
          assert.deepEqual(record[name as keyof typeof record], value, `${id}: ${name}`);
      if (id === "since-run") assert.equal(claim?.isFirst, false);
    }
  });

  it("give a task that waits to one of many agents", async () => {
    await world.putRecord({ id: "waits" });
    const [won, ...others] = await race(taskOf(world, "waits"));
    assert.deepEqual(others, []);
    const record = await world.record("waits");
    assert.equal(record?.state, "running");
    assert.equal(record?.attempts, 1);
    assert.equal(record?.claimToken, won?.token);
    assert.equal(record?.claimedBy, won?.record.claimedBy);
  });

  it("give a task that nobody knows to one of many agents, and make its record", async () => {
    const won = await race(taskOf(world, "unknown"));
    assert.equal(won.length, 1);
    const record = await world.record("unknown");
    assert.equal(record?.state, "running");
    assert.equal(record?.attempts, 1);
    assert.equal(record?.prefix, "output");
    assert.deepEqual(record?.context, { user: 1 });
    assert.equal(record?.createdAt, "2026-11-14T00:00:00.000Z");
    assert.ok((record?.expiresAt ?? 0) > Date.now() / 1000 + 3000);
  });

  it("give a dead agent's task to one of many agents, as the next attempt", async () => {
    await world.putRecord({
      id: "dead",
      state: "running",
      attempts: 1,
      claimToken: "gone",
      claimExpiresAtMs: Date.now() - 10_000,
    });
    const [won, ...others] = await race(taskOf(world, "dead"));
    assert.deepEqual(others, []);
    assert.equal(won?.record.attempts, 2);
  });

  it("leave a live agent its task, also one whose clock is a little behind", async () => {
    for (const [id, aheadMs] of [
      ["live", 30_000],
      ["skewed", -3_000],
    ] as const) {
      const claimExpiresAtMs = Date.now() + aheadMs;
      await world.putRecord({
        id,
        state: "running",
        attempts: 1,
        claimToken: "t",
        claimExpiresAtMs,
      });
      const { claim, refusedBy } = await claimsOf("pod-1").claim(taskOf(world, id), undefined);
      assert.equal(claim, undefined);
      assert.equal(refusedBy?.claimExpiresAtMs, claimExpiresAtMs);
    }
  });

  for (const state of ["completed", "cancelled", "failed"] as const)
    it(`are not given for a task that is ${state}`, async () => {
      await world.putRecord({ id: state, state, ...(state === "failed" && { deadLetterId: "d" }) });
      const { refusedBy } = await claimsOf("pod-1").claim(taskOf(world, state), undefined);
      assert.equal(refusedBy?.state, state);
      // Another dead letter than the record's.
      const other = await claimsOf("pod-1").claim(taskOf(world, state, "e"), undefined);
      assert.equal(other.refusedBy?.state, state);
    });

  it("let what comes back from the dead-letter queue run again, once, with all its attempts", async () => {
    await world.putRecord({
      id: "back",
      state: "failed",
      attempts: 3,
      failure,
      deadLetterId: "d",
      deadLetteredAt: failure.at,
      finishedAt: failure.at,
    });
    const [won, ...others] = await race(taskOf(world, "back", "d"));
    assert.deepEqual(others, []);
    assert.equal(won?.isReopened, true);
    const record = await world.record("back");
    assert.equal(record?.attempts, 1);
    for (const name of ["failure", "deadLetterId", "deadLetteredAt", "finishedAt"] as const)
      assert.equal(record?.[name], undefined, name);
  });

  it("race with a client that cancels, and one of both wins", async () => {
    const { UpdateItemCommand } = await import("@aws-sdk/client-dynamodb");
    for (let round = 0; round < 6; round++) {
      const id = `cancel-${round}`;
      await world.putRecord({ id });
      const cancel = world.dynamodb
        .send(
          new UpdateItemCommand({
            TableName: world.tableName,
            Key: { key: { S: id } },
            UpdateExpression: "SET #state = :cancelled",
            ConditionExpression: "#state = :queued",
            ExpressionAttributeNames: { "#state": "state" },
            ExpressionAttributeValues: {
              ":cancelled": { S: "cancelled" },
              ":queued": { S: "queued" },
            },
          }),
        )
        .then(
          () => true,
          () => false,
        );
      const [isCancelled, { claim }] = await Promise.all([
        cancel,
        claimsOf("pod-1").claim(taskOf(world, id), undefined),
      ]);
      assert.notEqual(isCancelled, claim !== undefined);
      assert.equal((await world.record(id))?.state, isCancelled ? "cancelled" : "running");
    }
  });

  it("are renewed by who has them, and by nobody else", async () => {
    await world.putRecord({ id: "renewed" });
    const claim = await claimed(taskOf(world, "renewed"));
    const before = (await world.record("renewed"))?.claimExpiresAtMs as number;
    await new Promise((passed) => setTimeout(passed, 5));
    assert.equal(await claimsOf("pod-1").renew(claim, 60, false), true);
    assert.ok(((await world.record("renewed"))?.claimExpiresAtMs as number) > before);
    assert.equal(await claimsOf("pod-2").renew({ ...claim, token: "other" }, 60, false), false);
  });

  it("end with the task waiting, failed, or as if it had not been claimed", async () => {
    const claims = claimsOf("pod-1");
    const ends = {
      retried: (claim: Claim) => claims.retry(claim, failure),
      failed2: (claim: Claim) => claims.fail(claim, failure, "d"),
      back2: async (claim: Claim) => (await claims.handBack(claim)) !== undefined,
    };
    for (const [id, end] of Object.entries(ends)) {
      await world.putRecord({ id });
      const claim = await claimed(taskOf(world, id));
      assert.equal(await end({ ...claim, token: "other" }), false, id);
      assert.equal(await end(claim), true, id);
      const record = await world.record(id);
      assert.equal(record?.claimToken, undefined);
      assert.equal(record?.claimExpiresAtMs, undefined);
    }
    const [retried, failed, back] = await Promise.all(
      Object.keys(ends).map((id) => world.record(id)),
    );
    assert.deepEqual([retried?.state, retried?.attempts, retried?.failure], ["queued", 1, failure]);
    assert.deepEqual([failed?.state, failed?.deadLetterId], ["failed", "d"]);
    assert.deepEqual([back?.state, back?.attempts], ["queued", 0]);
    await claims.deadLettered("failed2", "other");
    assert.equal((await world.record("failed2"))?.deadLetteredAt, undefined);
    await claims.deadLettered("failed2", "d");
    assert.ok((await world.record("failed2"))?.deadLetteredAt);
  });

  it("that were lost still complete a task whose results are theirs, unless it is over", async () => {
    for (const [state, isDone] of [
      ["running", true],
      ["queued", true],
      ["completed", true],
      ["failed", false],
      ["cancelled", false],
    ] as const) {
      const id = `lost-${state}`;
      await world.putRecord({ id });
      const claim = await claimed(taskOf(world, id));
      await world.putRecord({ id, state, claimToken: "other" });
      assert.equal(await claimsOf("pod-1").complete(claim, completion), isDone, state);
      const record = await world.record(id);
      assert.equal(record?.state, isDone ? "completed" : state);
      if (state === "running") assert.deepEqual(record?.output, output);
    }
  });

  for (const fate of ["lose", "fail", "refuse", "reset", "throttle"] as const)
    it(`are the same when the first answer to each call is one of those: ${fate}`, async () => {
      const seen = new Set<string>();
      const decide = ({ body }: AwsCall): Fate => {
        // The same call again has the same body.
        if (seen.has(body.toString())) return "pass";
        seen.add(body.toString());
        return fate;
      };
      const proxy = await startFaultyProxy(moto().endpoint, decide);
      const client = new DynamoDBClient({
        endpoint: proxy.endpoint,
        region: "us-west-2",
        credentials: { accessKeyId: "test", secretAccessKey: "test" },
      });
      const claims = claimsOf("pod-1", client);
      const claim = async (id: string, deadLetterId?: string) => {
        const { claim: won, refusedBy } = await claims.claim(
          taskOf(world, id, deadLetterId),
          undefined,
        );
        assert.ok(won, JSON.stringify(refusedBy));
        return won;
      };
      try {
        const id = `${fate}-known`;
        await world.putRecord({ id });
        const first = await claim(id);
        assert.equal(first.record.attempts, 1);
        assert.equal(await claims.retry(first, failure), true);
        const second = await claim(id);
        assert.equal(second.record.attempts, 2);
        assert.equal((await claims.handBack(second))?.state, "queued");
        const third = await claim(id);
        assert.equal(third.record.attempts, 2);
        assert.equal(await claims.fail(third, failure, "d"), true);
        const fourth = await claim(id, "d");
        assert.equal(fourth.isReopened, true);
        assert.equal(await claims.complete(fourth, completion), true);
        assert.equal((await world.record(id))?.state, "completed");
        const unknown = await claim(`${fate}-unknown`);
        assert.equal(unknown.record.attempts, 1);
      } finally {
        client.destroy();
        await proxy.stop();
      }
    });
});
