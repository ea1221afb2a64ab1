import assert from "node:assert/strict";
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

describeOnMoto("The tasks' API when AWS fails", (moto) => {
  let world: World;
  let proxy: FaultyProxy;
  let api: ApiProcess;
  let decide: (call: AwsCall) => Fate | Promise<Fate> = () => "pass";
  before("start the API", async () => {
    world = await createWorld(moto());
    proxy = await startFaultyProxy(moto().endpoint, (call) => decide(call));
    api = await startApi({ ...world.environment, AWS_ENDPOINT_URL: proxy.endpoint });
  });
  after("stop it", async () => {
    await api?.stop();
    await proxy?.stop();
  });
  afterEach("let it work again", async () => {
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
  const during = (action: string, fate: Fate) => {
    decide = (call) => (call.action === action ? fate : "pass");
  };

  for (const [what, action, fate, prompt] of [
    ["the topic fails", "Publish", "refuse", "A dog"],
    ["the topic is throttled", "Publish", "throttle", "A dog"],
    ["the topic's connection breaks", "Publish", "reset", "A dog"],
    ["the table fails", "PutItem", "refuse", "A dog"],
    ["the table is throttled", "PutItem", "throttle", "A dog"],
    ["the bucket fails", "PUT", "refuse", large],
  ] as const)
    it(`says that it can be repeated when ${what}, and keeps nothing of it`, async () => {
      const id = `when-${what.replaceAll(/\W/g, "-")}`;
      during(action, fate);
      const refused = await submit<ProblemBody>(id, prompt);
      assert.equal(refused.status, 503);
      assert.match(refused.headers.get("retry-after") ?? "", /^\d+$/);
      assert.equal(refused.body.error.code, "unavailable");
      assert.equal(await world.record(id), undefined);
      assert.deepEqual(await world.receive("sdruntime"), []);

      decide = () => "pass";
      assert.equal((await submit(id, prompt)).status, 202);
      assert.equal((await world.receive("sdruntime")).length, 1);
    });

  it("does it after all when a call in three fails, without the client's noticing", async () => {
    let calls = 0;
    decide = () => (calls++ % 3 === 0 ? "refuse" : "pass");
    for (let task = 0; task < 10; task++) assert.equal((await submit(`often-${task}`)).status, 202);
    decide = () => "pass";
    const ids = new Set((await world.receive("sdruntime")).map(({ body }) => body.key));
    assert.equal(ids.size, 10);
  });

  it("publishes with the next request what it could neither publish nor take back", async () => {
    decide = ({ action }) => (action === "Publish" || action === "DeleteItem" ? "refuse" : "pass");
    assert.equal((await submit("stays")).status, 503);
    assert.equal((await world.record("stays"))?.state, "queued");
    assert.deepEqual(await world.receive("sdruntime"), []);

    decide = () => "pass";
    assert.equal((await submit("stays")).status, 202);
    assert.equal((await world.receive("sdruntime")).length, 1);
  });

  it("answers a request whose record was written, but not heard of, as the first one", async () => {
    let isLost = false;
    decide = ({ action }) => {
      if (action !== "PutItem" || isLost) return "pass";
      isLost = true;
      return "lose";
    };
    assert.equal((await submit("unheard")).status, 202);
    const [message] = await world.receive("sdruntime");
    assert.equal(message?.body.submittedAt, (await world.record("unheard"))?.createdAt);
  });

  it("gives agents what they need to make the record anew, where a message went out unheard", async () => {
    during("Publish", "lose");
    assert.equal((await submit("sent")).status, 503);
    assert.equal(await world.record("sent"), undefined);
    const messages = await world.receive("sdruntime");
    assert.ok(messages.length >= 1);

    // As an agent's claim makes it.
    const { metadata, submittedAt = "", requestHash = "" } = messages[0]!.body;
    await world.write({
      key: "sent",
      id: metadata.id,
      runtime: metadata.runtime,
      type: metadata.tasktype,
      state: "running",
      requestHash,
      createdAt: submittedAt,
      attempts: 1,
      expiresAt: Math.floor(Date.now() / 1000) + 1000,
    });
    decide = () => "pass";
    const repeated = await submit("sent");
    assert.deepEqual([repeated.status, repeated.body.createdAt], [202, submittedAt]);
    assert.equal((await submit("sent", "A cat")).status, 409);
  });

  it("keeps the record of a task that another request has published meanwhile", async () => {
    // The first request's message is held back until the second request is done, and then fails.
    let release: () => void = () => undefined;
    const isSecondDone = new Promise<void>((done) => {
      release = done;
    });
    let onFirst: () => void = () => undefined;
    const isFirstThere = new Promise<void>((there) => {
      onFirst = there;
    });
    let publishes = 0;
    decide = async ({ action }) => {
      if (action !== "Publish") return "pass";
      publishes += 1;
      if (publishes === 2) return "pass";
      onFirst();
      await isSecondDone;
      return "throttle";
    };
    const first = submit("both");
    await isFirstThere;
    const second = await submit("both");
    assert.equal(second.status, 202);
    release();
    assert.equal((await first).status, 503);
    assert.equal((await world.record("both"))?.state, "queued");
    assert.equal((await world.receive("sdruntime")).length, 1);
  });

  it("says that it can be repeated when a task cannot be read or cancelled", async () => {
    await submit("there");
    for (const [method, action] of [
      ["GET", "GetItem"],
      ["DELETE", "UpdateItem"],
    ] as const) {
      during(action, "refuse");
      const { status, headers } = await send(method, `${api.url}/v1/tasks/there`);
      assert.deepEqual([status, headers.has("retry-after")], [503, true]);
    }
  });

  it("says it to the guidance's clients, too, as text", async () => {
    during("Publish", "refuse");
    const task = {
      metadata: { id: "old", runtime: "sdruntime", tasktype: "text-to-image", prefix: "output" },
      content: { prompt: "A dog" },
    };
    const { status, text, headers } = await send("POST", `${api.url}/v1alpha2`, { task });
    assert.deepEqual([status, headers.has("retry-after")], [503, true]);
    assert.match(text, /Repeat the request/);
    assert.equal(await world.record("old"), undefined);
  });
});
