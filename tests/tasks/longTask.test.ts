import assert from "node:assert/strict";
import * as fleet from "../apps/queue-agent/runtimes/fleet";
import type { RunningRuntime } from "../apps/queue-agent/runtimes/runtimeServer";
import { describeOnMoto } from "../python/moto";
import { recordKeyOf, stepOf } from "./harness/agentCall";
import type { TaskClient } from "./harness/taskClient";
import { type Agent, TaskWorld } from "./harness/taskWorld";
import { until } from "./harness/until";

/**
 * Half an hour under a visibility timeout of a minute, with both a thirtieth of it: SQS counts in
 * whole seconds, and one of them is too short for a busy machine.
 */
const LONG_MS = 60_000;
const VISIBILITY_SECONDS = 2;

describeOnMoto("A task that takes thirty times its message's visibility timeout", (moto) => {
  let world: TaskWorld;
  let api: TaskClient;

  before("start the API", async () => {
    world = await TaskWorld.start(moto(), {
      runtimes: ["drawing"],
      times: {
        visibilitySeconds: VISIBILITY_SECONDS,
        heartbeatSeconds: VISIBILITY_SECONDS / 3,
        longestTaskSeconds: (2 * LONG_MS) / 1000,
        drainSeconds: 10,
      },
    });
    api = await world.startApi();
  });
  after("stop it", () => world?.stop());

  interface Pod {
    readonly agent: Agent;
    readonly runtime: RunningRuntime;
    /** Keys of tasks that it has tried to claim. */
    readonly claimed: string[];
    end(): Promise<void>;
  }

  async function startPod(runMs: number): Promise<Pod> {
    const runtime = await fleet.start({ runMs });
    const claimed: string[] = [];
    const agent = await world.startAgent({
      runtime: "drawing",
      runtimeUrl: runtime.url,
      answered: (call) => {
        if (stepOf(call) === "claim") claimed.push(recordKeyOf(call)!);
      },
    });
    const end = async () => {
      await agent.end();
      await runtime.stop();
    };
    return { agent, runtime, claimed, end };
  }

  async function submit(id: string): Promise<void> {
    const task = { id, runtime: "drawing", type: "text-to-image", content: { prompt: id } };
    assert.equal((await api.submit(task)).status, 202);
  }

  function emptied(timeoutMs: number): Promise<true> {
    return until(
      "an empty queue",
      async () => ((await world.queueLength("drawing")) === 0 ? true : undefined),
      timeoutMs,
    );
  }

  it("is generated once, is not delivered to the agent that waits, and its message is deleted", async function () {
    this.timeout(3 * LONG_MS);
    const pods = [await startPod(LONG_MS), await startPod(LONG_MS)];
    await submit("long");
    await emptied(2 * LONG_MS);
    const record = await world.record("long");
    assert.equal(record?.state, "completed");
    assert.equal(record.attempts, 1);
    assert.equal(pods.flatMap(({ runtime }) => runtime.runs).length, 1);
    assert.deepEqual(
      pods.flatMap(({ claimed }) => claimed),
      ["long"],
    );
    const told = await world.notifications();
    assert.equal(told.filter(({ id }) => id === "long").length, 1);
    for (const pod of pods) await pod.end();
  });

  it("is taken over when its agent has died in the middle and its claim has ended", async function () {
    this.timeout(3 * LONG_MS);
    const first = await startPod(LONG_MS);
    await submit("taken-over");
    await until("the first to run it", () => first.runtime.runs[0]);
    // Longer than a claim that nobody prolongs.
    await new Promise((passed) => setTimeout(passed, 3000 * VISIBILITY_SECONDS));
    const second = await startPod(100);
    first.agent.kill();
    await first.agent.process.ended();
    const { claimExpiresAtMs, claimedBy, startedAt } = (await world.record("taken-over"))!;
    assert.ok(claimExpiresAtMs! > Date.parse(startedAt!) + 1000 * VISIBILITY_SECONDS);
    await emptied(LONG_MS);
    const record = (await world.record("taken-over"))!;
    assert.equal(record.state, "completed");
    assert.equal(record.attempts, 2);
    assert.ok(Date.parse(record.startedAt!) >= claimExpiresAtMs!, "not while the claim holds");
    assert.notEqual(claimedBy, undefined);
    assert.equal(second.runtime.runs.length, 1);
    assert.equal(record.images!.length, 1);
    for (const pod of [first, second]) await pod.end();
  });
});
