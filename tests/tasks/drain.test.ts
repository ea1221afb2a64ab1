import assert from "node:assert/strict";
import * as fleet from "../apps/queue-agent/runtimes/fleet";
import type { RunningRuntime, RuntimeOptions } from "../apps/queue-agent/runtimes/runtimeServer";
import { describeOnMoto } from "../python/moto";
import { type AgentStep, stepOf } from "./harness/agentCall";
import type { TaskClient } from "./harness/taskClient";
import { type Agent, TaskWorld } from "./harness/taskWorld";
import { until } from "./harness/until";

/** A task so long that only a machine that hangs gets to its end. */
const FOREVER_MS = 10 * 60_000;

describeOnMoto("An agent that is told to stop", (moto) => {
  let world: TaskWorld;
  let api: TaskClient;
  const pods: Pod[] = [];

  before("start the API", async () => {
    world = await TaskWorld.start(moto(), {
      runtimes: ["drawing"],
      times: {
        visibilitySeconds: 5,
        heartbeatSeconds: 1,
        longestTaskSeconds: FOREVER_MS / 1000,
        drainSeconds: 60,
      },
    });
    api = await world.startApi();
  });
  afterEach("end the pods", async () => {
    for (const pod of pods.splice(0)) {
      await pod.agent.end();
      await pod.runtime.stop();
    }
  });
  after("stop it", () => world?.stop());

  interface Pod {
    readonly agent: Agent;
    readonly runtime: RunningRuntime;
    readonly steps: AgentStep[];
  }

  async function startPod(
    runMs: NonNullable<RuntimeOptions["runMs"]>,
    {
      environment = {},
      dieAt,
    }: { readonly environment?: Readonly<Record<string, string>>; readonly dieAt?: AgentStep } = {},
  ): Promise<Pod> {
    const runtime = await fleet.start({ runMs });
    const steps: AgentStep[] = [];
    const agent: Agent = await world.startAgent({
      runtime: "drawing",
      runtimeUrl: runtime.url,
      environment,
      decide: (call) => {
        if (stepOf(call) !== dieAt) return "pass";
        agent.kill();
        return "reset";
      },
      answered: (call) => void steps.push(stepOf(call)),
    });
    const pod = { agent, runtime, steps };
    pods.push(pod);
    return pod;
  }

  async function submit(id: string): Promise<void> {
    const task = { id, runtime: "drawing", type: "text-to-image", content: { prompt: id } };
    assert.equal((await api.submit(task)).status, 202);
  }

  function state(id: string, wanted: string): Promise<true> {
    return until(`${id} to be ${wanted}`, async () =>
      (await world.record(id))?.state === wanted ? true : undefined,
    );
  }

  const runs = ({ runtime }: Pod, id: string) =>
    runtime.runs.find(({ body }) => body.prompt === id);

  it("finishes what runs, stores and tells it, and takes nothing new", async () => {
    const pod = await startPod(3000);
    await submit("finished");
    await until("it to run", () => runs(pod, "finished"));
    pod.agent.process.signal("SIGTERM");
    await submit("not-begun");
    assert.equal(await pod.agent.process.ended(), 0, pod.agent.process.said);
    const record = (await world.record("finished"))!;
    assert.equal(record.state, "completed");
    assert.equal(record.attempts, 1);
    const told = await world.notifications();
    assert.deepEqual(
      told.filter(({ id }) => id === "finished").map(({ status }) => status),
      ["completed"],
    );
    assert.ok(pod.steps.includes("delete"));
    assert.equal(pod.runtime.runs.length, 1);
    assert.equal((await world.record("not-begun"))!.attempts, 0);
    const next = await startPod(0);
    await state("not-begun", "completed");
    assert.equal(next.runtime.runs.length, 1);
  });

  it("hands a task back that it cannot finish in time, which costs the task no attempt", async () => {
    const pod = await startPod(FOREVER_MS, { environment: { DRAIN_SECONDS: "2" } });
    await submit("handed-back");
    await until("it to run", () => runs(pod, "handed-back"));
    pod.agent.process.signal("SIGTERM");
    assert.equal(await pod.agent.process.ended(), 0, pod.agent.process.said);
    const record = (await world.record("handed-back"))!;
    assert.equal(record.state, "queued");
    assert.equal(record.attempts, 0);
    await until("the runtime to be told", () =>
      runs(pod, "handed-back")!.state === "interrupted" ? true : undefined,
    );
    await startPod(0);
    await state("handed-back", "completed");
    assert.equal((await world.record("handed-back"))!.attempts, 1);
  });

  it("returns what it has prepared at once: another agent has it while the first one still finishes", async () => {
    const pod = await startPod(({ body }) => (body.prompt === "running" ? FOREVER_MS : 0));
    // An agent takes one ahead when it knows how long a run takes.
    await submit("first");
    await state("first", "completed");
    await submit("running");
    await until("it to run", () => runs(pod, "running"));
    await submit("prepared");
    await until("the next one to be prepared", () =>
      pod.steps.filter((step) => step === "receive").length >= 3 ? true : undefined,
    );
    const other = await startPod(0);
    await until("the other one to be ready", () =>
      other.agent.process.lines.some(({ message }) => message === "the runtime is ready")
        ? true
        : undefined,
    );
    assert.equal(other.runtime.runs.length, 0);
    pod.agent.process.signal("SIGTERM");
    await state("prepared", "completed");
    assert.equal(other.runtime.runs.length, 1);
    assert.equal((await world.record("prepared"))!.attempts, 1);
    assert.equal((await world.record("running"))!.state, "running");
    assert.ok(!pod.agent.process.hasEnded);
    pod.agent.kill();
    await pod.agent.process.ended();
    await state("running", "completed");
  });

  it("and is killed two seconds later, as a spot machine goes: another one takes over, and the results are there once", async () => {
    const pod = await startPod(FOREVER_MS);
    await submit("interrupted");
    await until("it to run", () => runs(pod, "interrupted"));
    const other = await startPod(0);
    pod.agent.process.signal("SIGTERM");
    await new Promise((passed) => setTimeout(passed, 2000));
    assert.ok(!pod.agent.process.hasEnded);
    pod.agent.kill();
    assert.equal(await pod.agent.process.ended(), "SIGKILL");
    await state("interrupted", "completed");
    assert.equal(other.runtime.runs.length, 1);
    const { attempts, images } = (await world.record("interrupted"))!;
    // The machine's end is not the task's fault.
    assert.equal(attempts, 1);
    assert.deepEqual(
      [...(await world.results("interrupted/")).keys()].filter((key) => key.endsWith(".png")),
      images!.map(({ key }) => key),
    );
  });

  it("and is killed between the manifest and the state: nothing is generated again", async () => {
    const pod = await startPod(2000, { dieAt: "complete" });
    await submit("stored");
    await until("it to run", () => runs(pod, "stored"));
    pod.agent.process.signal("SIGTERM");
    assert.equal(await pod.agent.process.ended(), "SIGKILL", pod.agent.process.said);
    const results = await world.results("stored/");
    const other = await startPod(0);
    await state("stored", "completed");
    assert.equal(other.runtime.runs.length, 0);
    assert.deepEqual(await world.results("stored/"), results);
  });
});
