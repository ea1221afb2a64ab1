import assert from "node:assert/strict";
import { manifestSchema } from "../../../contracts/tasks/result";
import { type AwsCall, startFaultyProxy } from "../../python/faultyProxy";
import { describeOnMoto, type Moto } from "../../python/moto";
import { start } from "./runtimes/fleet";
import { type AgentProcess, eventually, World } from "./world";

type Calls = Readonly<Record<string, (call: AwsCall) => boolean>>;

/** Each call of a task's way, by what tells it from the others. */
const tasksWay: Calls = {
  "claims the task": ({ action, body }) => action === "PutItem" && body.includes('"running"'),
  // Of a message that comes again.
  "reads the record": ({ action }) => action === "GetItem",
  "stores an image": ({ method, path }) => method === "PUT" && /\.png/.test(path),
  "stores the answer": ({ method, path }) => method === "PUT" && /\.out/.test(path),
  "stores the manifest": ({ method, path }) => method === "PUT" && /manifest\.json/.test(path),
  "writes the state": ({ action, body }) => action === "PutItem" && body.includes('"completed"'),
  "tells subscribers": ({ service }) => service === "sns",
  "deletes the message": ({ action }) => action.startsWith("DeleteMessage"),
};

/** Each call of a failure's way. */
const failuresWay: Calls = {
  "writes the state": ({ action, body }) => action === "PutItem" && body.includes('"failed"'),
  "tells subscribers": ({ service }) => service === "sns",
  "sends the dead letter": ({ action }) => action === "SendMessage",
  "notes it": ({ action, body }) => action === "UpdateItem" && body.includes("deadLetteredAt"),
  "deletes the message": ({ action }) => action.startsWith("DeleteMessage"),
};

/**
 * Runs agents, one after the other, until the queue is empty. The first is killed before its first
 * such call, the second after its first one, and so on; the last one lives.
 *
 * @param answered is told of what AWS has done
 * @returns the ways of dying that did not come about
 */
async function killAtEach(
  calls: Calls,
  moto: Moto,
  world: World,
  runtimeUrl: string,
  answered: (call: AwsCall, status: number) => void = () => {},
): Promise<readonly string[]> {
  const left = Object.values(calls).flatMap((isHere, index) =>
    (["before", "after"] as const).map((side) => ({
      side,
      isHere,
      name: `${side} it ${Object.keys(calls)[index]}`,
    })),
  );
  let agent: AgentProcess | undefined;
  const killedAt = (call: AwsCall, side: "before" | "after") => {
    const [point] = left;
    if (point?.side !== side || !point.isHere(call)) return false;
    left.shift();
    agent?.kill("SIGKILL");
    return true;
  };
  const proxy = await startFaultyProxy(
    moto.endpoint,
    (call) => (killedAt(call, "before") ? "reset" : "pass"),
    (call, status) => {
      answered(call, status);
      killedAt(call, "after");
    },
  );
  const isOver = async () => {
    const { visible, inWork } = await world.queueLength();
    return visible + inWork === 0;
  };
  try {
    do {
      agent = await world.agent(runtimeUrl, {
        AWS_ENDPOINT_URL: proxy.endpoint,
        MAX_ATTEMPTS: "50",
        MAX_RECEIVE_COUNT: "100",
        LOG_LEVEL: "warn",
      });
      let isDead = false;
      void agent.ended.then(() => {
        isDead = true;
      });
      await eventually("it has died, or all is done", async () => isDead || (await isOver()));
    } while (!(await isOver()));
    return left.map(({ name }) => name);
  } finally {
    agent?.kill("SIGKILL");
    await proxy.stop();
  }
}

describeOnMoto("an agent that is killed", (moto) => {
  const ids = Array.from({ length: 24 }, (_, index) => `task-${index}`);

  it("before or after any call loses no task, no image, and generates none again that is stored", async () => {
    const world = await World.create(moto());
    const runsUntilStored = new Map<string, number>();
    const runtime = await start({ runMs: 20 });
    try {
      for (const id of ids) await world.submit({ id, prefix: "out" });
      const left = await killAtEach(tasksWay, moto(), world, runtime.url, (call, status) => {
        const stored = /\/(task-\d+)\/manifest\.json/.exec(call.path)?.[1];
        if (stored !== undefined && call.method === "PUT" && status === 200)
          runsUntilStored.set(stored, runtime.runs.filter((run) => run.id === stored).length);
      });
      assert.deepEqual(left, []);
      const told = await world.notifications();
      for (const id of ids) {
        const record = await world.record(id);
        assert.equal(record?.state, "completed", `${id}: ${JSON.stringify(record)}`);
        const stored = await world.object(`out/${id}/manifest.json`);
        const { images, output } = manifestSchema.parse(JSON.parse(stored.bytes.toString()));
        assert.deepEqual([record?.images, record?.output], [images, output]);
        const keys = await world.objects(`out/${id}/`);
        for (const { key } of [...images, output]) assert.ok(keys.includes(key), key);
        const urls = images.map(({ key }) => `s3://${world.bucket}/${key}`);
        const itsOwn = told.filter((one) => one.id === id);
        assert.ok(itsOwn.length >= 1, id);
        for (const one of itsOwn)
          assert.deepEqual([one.status, one.image_url], ["completed", urls]);
        const runs = runtime.runs.filter((run) => run.id === id).length;
        assert.equal(runs, runsUntilStored.get(id), `${id} was generated again`);
      }
      assert.deepEqual(await world.deadLetters(), []);
    } finally {
      world.end();
      await runtime.stop();
    }
  });

  it("before or after any call of a failure's way loses no message, and tells why it failed", async () => {
    const world = await World.create(moto());
    const runtime = await start({ fault: () => ({ status: 400, message: "no such size" }) });
    try {
      for (const id of ids) await world.submit({ id });
      assert.deepEqual(await killAtEach(failuresWay, moto(), world, runtime.url), []);
      const dead = await world.deadLetters();
      const told = await world.notifications();
      for (const id of ids) {
        const record = await world.record(id);
        assert.deepEqual([record?.state, record?.failure?.code], ["failed", "refused"], id);
        assert.ok(record?.deadLetteredAt, id);
        // An agent that dies before it has noted the letter sends it again: the same one. Two do.
        const letters = dead.filter(({ Body }) => JSON.parse(Body as string).metadata.id === id);
        assert.ok(letters.length >= 1 && letters.length <= 3, `${id}: ${letters.length}`);
        for (const { MessageAttributes } of letters)
          assert.equal(MessageAttributes?.deadLetterId?.StringValue, record?.deadLetterId);
        assert.ok(
          told.some((one) => one.id === id && one.status === "failed"),
          id,
        );
      }
      // Two agents died there, each with four tasks at most that it was ending.
      assert.ok(dead.length <= ids.length + 2 * 4, `${dead.length} letters`);
    } finally {
      world.end();
      await runtime.stop();
    }
  });
});
