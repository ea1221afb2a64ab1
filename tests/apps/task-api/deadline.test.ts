import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { deadlineOf } from "../../../apps/task-api/deadline";
import type { ProblemBody, Submitted } from "../../../contracts/tasks/api";
import {
  type AwsCall,
  type Fate,
  type FaultyProxy,
  startFaultyProxy,
} from "../../python/faultyProxy";
import { describeOnMoto } from "../../python/moto";
import { type ApiProcess, createWorld, send, startApi, type World } from "./apiOnMoto";

const large = "A".repeat(300_000);
const never = new Promise<Fate>(() => undefined);

/**
 * Shorter than the tries of any one call together, and long enough for one that is stuck to be
 * followed by one that is not. After it the client gets API Gateway's 502, as from Lambda.
 */
const TIMEOUT_SECONDS = 5;

describe("A request's deadline", () => {
  it("leaves time to take back after the work, and to answer after that", async () => {
    const { work, undo } = deadlineOf({ getRemainingTimeInMillis: () => 200 });
    const ended: string[] = [];
    work.addEventListener("abort", () => ended.push("work"));
    undo.addEventListener("abort", () => ended.push("undo"));
    await wait(200);
    assert.deepEqual(ended, ["work", "undo"]);
  });

  it("is over at once where no time is left", async () => {
    const { work, undo } = deadlineOf({ getRemainingTimeInMillis: () => -1 });
    await wait(20);
    assert.deepEqual([work.aborted, undo.aborted], [true, true]);
  });
});

describeOnMoto("The tasks' API when AWS does not answer", (moto) => {
  let world: World;
  let proxy: FaultyProxy;
  let api: ApiProcess;
  let decide: (call: AwsCall) => Fate | Promise<Fate> = () => "pass";
  before("start the API", async () => {
    world = await createWorld(moto());
    proxy = await startFaultyProxy(moto().endpoint, (call) => decide(call));
    api = await startApi({
      ...world.environment,
      AWS_ENDPOINT_URL: proxy.endpoint,
      TIMEOUT_SECONDS: String(TIMEOUT_SECONDS),
    });
  });
  after("stop it", async () => {
    await api?.stop();
    await proxy?.stop();
  });
  afterEach("let it answer again", async () => {
    decide = () => "pass";
    await world.receive("sdruntime");
  });

  const submit = <T = Submitted>(id: string, prompt = "A dog") =>
    send<T>("POST", `${api.url}/v1/tasks`, {
      id,
      runtime: "sdruntime",
      type: "text-to-image",
      content: { prompt },
    });
  const assertUnavailable = async (answer: ReturnType<typeof submit<ProblemBody>>) => {
    const { status, headers, text, body } = await answer;
    assert.equal(status, 503, text);
    assert.match(headers.get("retry-after") ?? "", /^\d+$/);
    assert.equal(body.error.code, "unavailable");
  };
  const assertDone = async (id: string, prompt?: string) => {
    decide = () => "pass";
    assert.equal((await submit(id, prompt)).status, 202);
    assert.equal((await world.receive("sdruntime")).length, 1);
  };

  for (const [what, action, prompt] of [
    ["table", "PutItem", "A dog"],
    ["topic", "Publish", "A dog"],
    ["bucket", "PUT", large],
  ] as const)
    it(`says in time that it can be repeated when the ${what} is stuck, and keeps nothing of it`, async () => {
      decide = (call) => (call.action === action ? never : "pass");
      await assertUnavailable(submit(what, prompt));
      assert.equal(await world.record(what), undefined);
      assert.deepEqual(await world.receive("sdruntime"), []);
      await assertDone(what, prompt);
    });

  it("says it in time when each call is slow, though none of them too slow", async () => {
    decide = async ({ action }): Promise<Fate> => {
      await wait(action === "PutItem" ? 1500 : action === "PUT" ? 3500 : 0);
      return "pass";
    };
    await assertUnavailable(submit("slow", large));
    assert.equal(await world.record("slow"), undefined);
    assert.deepEqual(await world.receive("sdruntime"), []);
    await assertDone("slow", large);
  });

  it("says it in time when the task cannot be taken back either, and then publishes with the next request", async () => {
    decide = ({ action }) => (action === "Publish" || action === "DeleteItem" ? never : "pass");
    await assertUnavailable(submit("stays"));
    assert.equal((await world.record("stays"))?.state, "queued");
    await assertDone("stays");
  });

  it("says it in time when a task cannot be read or cancelled", async () => {
    await submit("there");
    decide = () => never;
    await Promise.all(
      ["GET", "DELETE"].map((method) =>
        assertUnavailable(send<ProblemBody>(method, `${api.url}/v1/tasks/there`)),
      ),
    );
  });
});
