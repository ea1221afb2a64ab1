import assert from "node:assert/strict";
import { createHash, randomInt } from "node:crypto";
import { SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import {
  DEAD_LETTER_CODE_ATTRIBUTE,
  DEAD_LETTER_ID_ATTRIBUTE,
  DEAD_LETTER_REASON_ATTRIBUTE,
  RUNTIME_ATTRIBUTE,
} from "../../contracts/tasks/message";
import type { TaskRecord } from "../../contracts/tasks/record";
import {
  MANIFEST_NAME,
  type Manifest,
  manifestSchema,
  type Notification,
} from "../../contracts/tasks/result";
import { malformedMessages } from "../apps/queue-agent/malformedMessages";
import { drawnPng } from "../apps/queue-agent/runtimes/drawnPng";
import * as fleet from "../apps/queue-agent/runtimes/fleet";
import type { Fault, Run } from "../apps/queue-agent/runtimes/runtimeServer";
import type { Fate } from "../python/faultyProxy";
import { describeOnMoto } from "../python/moto";
import { stepOf, taskKeyOf } from "./harness/agentCall";
import { type DeathPoint, Deaths, deathPoints } from "./harness/deaths";
import { faultsOf } from "./harness/faults";
import { type Seeded, seeded } from "./harness/seeded";
import type { TaskClient } from "./harness/taskClient";
import { type Agent, type DeadLetter, TaskWorld } from "./harness/taskWorld";

const TASKS = Number(process.env.TASKS ?? 1000);
/** The same seed repeats what chance has chosen, though not how processes race. */
const SEED = Number(process.env.SEED ?? randomInt(2 ** 31));

const AGENTS = 4;
/** Of each kind of death. */
const DEATHS = Math.max(2, Math.round(TASKS / 200));
const CLIENTS = 8;
/** Tasks that wait at a time: moto looks at all messages of a queue to deliver one. */
const BACKLOG = 40;

/** Parts of the tasks. */
const REFUSED_SHARE = 0.05;
const FLAKY_SHARE = 0.05;
const MALFORMED_SHARE = 0.02;
const DUPLICATED_SHARE = 0.2;

/** About, between two of them. */
const MALFORMED_PAUSE_MS = 3000;

/** Calls to AWS that fail. */
const faultShares = { s3: 0.1, dynamodb: 0.1, sns: 0.02, sqs: 0.02 };

/** Without any progress, something hangs. */
const STANDSTILL_MS = 90_000;

type Kind = "good" | "refused" | "flaky";

interface ChaosTask {
  readonly id: string;
  readonly kind: Kind;
  readonly images: number;
}

/** When a runtime began to generate for a task, and when its manifest was written: of one clock. */
interface Generations {
  readonly began: Map<string, number[]>;
  readonly manifestAt: Map<string, number>;
  /** What agents did for a task, for people. */
  readonly history: Map<string, string[]>;
}

describeOnMoto(
  `${TASKS} tasks, agents that die, messages twice and in any order, and an AWS that fails`,
  (moto) => {
    const random = seeded(SEED);
    const tasks = tasksOf(random);
    const malformed = random
      .shuffled(malformedMessages("drawing"))
      .slice(0, Math.ceil(TASKS * MALFORMED_SHARE));
    const deaths = new Deaths(random, TASKS, DEATHS);
    const generations: Generations = {
      began: new Map(),
      manifestAt: new Map(),
      history: new Map(),
    };
    const agents: Agent[] = [];
    let world: TaskWorld;
    let records: ReadonlyMap<string, TaskRecord>;
    let results: ReadonlyMap<string, string>;
    let letters: readonly DeadLetter[];
    let notifications: readonly Notification[];
    const copies: string[] = [];

    before("let it all happen", async function () {
      this.timeout(40 * 60_000);
      console.log(`      SEED=${SEED} TASKS=${TASKS}`);
      const began = performance.now();
      world = await TaskWorld.start(moto(), {
        runtimes: ["drawing"],
        times: {
          visibilitySeconds: 3,
          heartbeatSeconds: 1,
          longestTaskSeconds: 10,
          drainSeconds: 5,
        },
      });
      const api = await world.startApi({ decide: faultsOf(random, faultShares) });
      const copiesUrl = await subscribedToTasks(world);
      for (let slot = 1; slot <= AGENTS; slot++) agents.push(await startAgent(slot));
      let isSubmitted = false;
      const submitted = submitAll(api).finally(() => {
        isSubmitted = true;
      });
      const isOver = () => isSubmitted;
      await Promise.all([submitted, sendMalformed(isOver), duplicate(copiesUrl, isOver)]);
      await untilOver();
      records = await world.records();
      results = await world.results();
      letters = [...(await world.deadLetters("drawing"))];
      notifications = [...(await world.notifications())];
      console.log(summary(performance.now() - began));
    });
    after("stop it all", () => world?.stop());

    /** An agent and its runtime; it dies as planned, and is started again at once. */
    async function startAgent(slot: number): Promise<Agent> {
      const tell = (key: string | undefined, what: string) => {
        const ms = Math.round(performance.now());
        if (key !== undefined) note(generations.history, key, `${ms} agent ${slot}: ${what}`);
      };
      const faults = faultsOf(random, faultShares);
      let agent: Agent | undefined;
      const die = () => void agent?.restart();
      const runtime = await fleet.start({
        runMs: ({ number }) => (number * 7) % 30,
        fault: (run) => {
          const key = String(run.body.prompt).split(" ")[0]!;
          note(generations.began, key, performance.now());
          const death = deaths.at(undefined);
          tell(key, `is run by the runtime${death === undefined ? "" : ", agent dies"}`);
          if (death !== undefined) setTimeout(die, 5);
          return faultOf(run);
        },
      });
      world.onStop(() => runtime.stop());
      agent = await world.startAgent({
        runtime: "drawing",
        runtimeUrl: runtime.url,
        environment: { LOG_LEVEL: "warn" },
        decide: (call) => {
          const step = stepOf(call);
          const death = deaths.at(step);
          const fate = death === undefined ? faults(call) : fateAt(death);
          tell(taskKeyOf(call), `${step}: ${fate}${death === undefined ? "" : ", agent dies"}`);
          if (death !== undefined) die();
          return fate;
        },
        answered: (call, status) => {
          tell(taskKeyOf(call), `${stepOf(call)}: AWS answers ${status}`);
          if (stepOf(call) !== "manifest" || status !== 200) return;
          generations.manifestAt.set(taskKeyOf(call)!, performance.now());
        },
      });
      return agent;
    }

    const attempts = new Map<string, number>();

    function faultOf({ body }: Run): Fault | undefined {
      const [id, kind] = String(body.prompt).split(" ") as [string, Kind];
      if (kind === "refused") return { status: 400, message: "the prompt is not allowed" };
      const before = attempts.get(id) ?? 0;
      attempts.set(id, before + 1);
      if (kind !== "flaky" || before > 0) return undefined;
      return id.endsWith("1") ? "cut" : { status: 500, message: "out of memory" };
    }

    async function submitAll(api: TaskClient): Promise<void> {
      const waiting = random.shuffled(tasks);
      let taken = 0;
      const client = async () => {
        for (let task = waiting.pop(); task !== undefined; task = waiting.pop()) {
          await submitUntilTaken(api, task);
          taken++;
          while (taken - generations.began.size > BACKLOG) await pause(20);
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, client));
    }

    /** Among the others. */
    async function sendMalformed(isOver: () => boolean): Promise<void> {
      for (const { body } of malformed) {
        await send(body, 0);
        if (!isOver()) await pause(random.between(0, 2 * MALFORMED_PAUSE_MS));
      }
    }

    /** Sends some messages once more: at once, or when their tasks are over. */
    async function duplicate(copiesUrl: string, isOver: () => boolean): Promise<void> {
      for (;;) {
        const isLast = isOver();
        const bodies = (await world.taken(copiesUrl)).map(({ Body }) => Body!);
        copies.push(...bodies);
        for (const body of random.shuffled(bodies))
          if (random.happens(DUPLICATED_SHARE)) await send(body, random.between(0, 12));
        // moto looks at all messages of a queue to deliver one.
        await world.notifications();
        await world.deadLetters("drawing");
        if (isLast) return;
        await pause(500);
      }
    }

    async function send(body: string, delaySeconds: number): Promise<void> {
      await world.clients.sqs.send(
        new SendMessageCommand({
          QueueUrl: world.queueUrl("drawing"),
          MessageBody: body,
          DelaySeconds: delaySeconds,
          MessageAttributes: {
            [RUNTIME_ATTRIBUTE]: { DataType: "String", StringValue: "drawing" },
          },
        }),
      );
    }

    /** Until the queue is empty. */
    async function untilOver(): Promise<void> {
      let left = Number.POSITIVE_INFINITY;
      for (let since = performance.now(); ; ) {
        const queued = await world.queueLength("drawing");
        if (queued === 0) return;
        if (queued !== left) since = performance.now();
        left = queued;
        if (performance.now() - since > STANDSTILL_MS)
          throw new Error(
            `${queued} messages stay in the queue; the agents said:\n` +
              agents.map(({ process: { said } }) => said).join("\n"),
          );
        await pause(1000);
      }
    }

    function summary(ms: number): string {
      const states = [...records.values()].map(({ state }) => state);
      const count = (state: string) => states.filter((it) => it === state).length;
      const runs = [...generations.began.values()].flat().length;
      const starts = agents.reduce((sum, { starts }) => sum + starts, 0);
      const codes = letters.map(({ attributes }) => attributes[DEAD_LETTER_CODE_ATTRIBUTE]);
      return (
        `      ${Math.round(ms / 1000)} s: ${count("completed")} completed, ${count("failed")} failed, ` +
        `${runs} generations, ${notifications.length} notifications, ${copies.length} messages, ` +
        `${starts - AGENTS} deaths, dead letters ${JSON.stringify(counted(codes))}`
      );
    }

    it("Agents have died at every point", () => {
      for (const { name } of deathPoints)
        assert.ok((deaths.counts.get(name) ?? 0) > 0, `nobody died ${name}`);
    });

    it("Every task is completed, or failed and in the dead-letter queue under one id", () => {
      const open = openOf(records);
      assert.deepEqual(open, []);
      for (const { id, kind } of tasks) {
        const record = records.get(id);
        assert.ok(record, `${id} is not known`);
        const ids = new Set(
          lettersOf(letters, id).map(({ attributes }) => attributes[DEAD_LETTER_ID_ATTRIBUTE]),
        );
        assert.deepEqual(
          [...ids],
          record.state === "failed" ? [record.deadLetterId] : [],
          `${id} is ${record.state}`,
        );
        if (kind === "refused") assert.equal(record.state, "failed", id);
        // What may be tried again is given up only after all its attempts.
        if (record.failure?.code !== "refused" && record.state === "failed")
          assert.ok(record.attempts >= 3, JSON.stringify(record));
      }
    });

    it("Every completed task has all its images, with the runtime's bytes", async () => {
      for (const task of tasks) {
        if (records.get(task.id)!.state !== "completed") continue;
        const { images } = await manifestOf(task.id);
        assert.deepEqual(records.get(task.id)!.images, images, task.id);
        assert.equal(images.length, task.images, task.id);
        for (const [index, { key, bytes }] of images.entries()) {
          const drawn = drawnPng({ subject: `${promptOf(task)} ${index}` });
          assert.equal(bytes, drawn.length, key);
          assert.equal(results.get(key), createHash("md5").update(drawn).digest("hex"), key);
        }
      }
    });

    it("A failed task has no manifest", () => {
      for (const { id } of tasks)
        assert.equal(
          results.has(`${id}/${MANIFEST_NAME}`),
          records.get(id)!.state === "completed",
          `${id} is ${records.get(id)!.state}`,
        );
    });

    it("Nothing was generated again after its manifest was written", () => {
      for (const [id, writtenAt] of generations.manifestAt) {
        const late = generations.began.get(id)!.filter((began) => began > writtenAt);
        assert.deepEqual(
          late.map((began) => began - writtenAt),
          [],
          `${id} was generated that long after its manifest, ms\n` +
            generations.history.get(id)!.join("\n"),
        );
      }
    });

    it("Subscribers were told of every task at least once, of how it ended, and of its images", async () => {
      const byId = new Map<string, Notification[]>();
      for (const notification of notifications) note(byId, notification.id, notification);
      for (const { id } of tasks) {
        const record = records.get(id)!;
        const told = byId.get(id) ?? [];
        assert.deepEqual(new Set(told.map(({ status }) => status)), new Set([record.state]), id);
        if (record.state !== "completed") continue;
        const urls = record.images!.map(({ key }) => `s3://${world.resultsBucket}/${key}`);
        for (const { image_url } of told) assert.deepEqual(image_url, urls, id);
      }
    });

    it("Poison is in the dead-letter queue with its reason", () => {
      for (const { id, kind } of tasks) {
        if (kind !== "refused") continue;
        const { code, message } = records.get(id)!.failure!;
        if (code === "refused") assert.match(message, /the prompt is not allowed/);
        for (const { attributes } of lettersOf(letters, id)) {
          assert.equal(attributes[DEAD_LETTER_CODE_ATTRIBUTE], code);
          assert.equal(attributes[DEAD_LETTER_REASON_ATTRIBUTE], message);
        }
      }
      assert.ok([...records.values()].some(({ failure }) => failure?.code === "refused"));
      for (const { body, kind, reason } of malformed) {
        const found = letters.filter((letter) => letter.body === body);
        assert.ok(found.length > 0, kind);
        for (const { attributes } of found) {
          assert.equal(attributes[DEAD_LETTER_CODE_ATTRIBUTE], "malformed");
          assert.match(attributes[DEAD_LETTER_REASON_ATTRIBUTE]!, reason, kind);
        }
      }
    });

    it("Messages that come once more after all is over change nothing", async () => {
      const runs = [...generations.began.values()].flat().length;
      const late = random.shuffled(copies).slice(0, 50);
      for (const body of late) await send(body, 0);
      await untilOver();
      assert.equal([...generations.began.values()].flat().length, runs);
      const states = (all: ReadonlyMap<string, TaskRecord>) =>
        [...all].map(([key, { state, deadLetterId }]) => [key, state, deadLetterId]).sort();
      assert.deepEqual(states(await world.records()), states(records));
      const ids = (all: readonly DeadLetter[]) =>
        new Set(all.map(({ attributes }) => attributes[DEAD_LETTER_ID_ATTRIBUTE]));
      assert.deepEqual(ids(await world.deadLetters("drawing")), ids(letters));
    });

    async function manifestOf(id: string): Promise<Manifest> {
      const bytes = await world.object(`${id}/${MANIFEST_NAME}`);
      return manifestSchema.parse(JSON.parse(bytes.toString()));
    }

    /** A client that repeats what it is told to repeat. */
    async function submitUntilTaken(api: TaskClient, task: ChaosTask): Promise<void> {
      for (;;) {
        const { status, body } = await api.submit({
          id: task.id,
          runtime: "drawing",
          type: "text-to-image",
          content: { prompt: promptOf(task), n: task.images },
        });
        if (status === 202) return;
        assert.equal(status, 503, `${task.id}: ${JSON.stringify(body)}`);
        await pause(100);
      }
    }
  },
);

function fateAt({ when }: DeathPoint): Fate {
  return when === "before" ? "reset" : "lose";
}

function tasksOf(random: Seeded): readonly ChaosTask[] {
  const refused = Math.ceil(TASKS * REFUSED_SHARE);
  const flaky = Math.ceil(TASKS * FLAKY_SHARE);
  return Array.from({ length: TASKS }, (_, index) => ({
    id: `task-${String(index).padStart(5, "0")}`,
    kind: index < refused ? "refused" : index < refused + flaky ? "flaky" : "good",
    images: random.between(1, 3),
  }));
}

/** Tells the runtime, and with it the test, which task it is. */
function promptOf({ id, kind }: ChaosTask): string {
  return `${id} ${kind}`;
}

/** A queue that gets what the topic of tasks is told, as the agents' does. */
async function subscribedToTasks(world: TaskWorld): Promise<string> {
  const { sqs, sns } = world.clients;
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "task-copies" }));
  await sns.send(
    new SubscribeCommand({
      TopicArn: world.taskTopicArn,
      Protocol: "sqs",
      Endpoint: `arn:aws:sqs:${world.local.region}:123456789012:task-copies`,
      Attributes: { RawMessageDelivery: "true" },
    }),
  );
  return QueueUrl!;
}

function openOf(records: ReadonlyMap<string, TaskRecord>): readonly TaskRecord[] {
  return [...records.values()].filter(
    ({ state, deadLetteredAt }) =>
      state !== "completed" && !(state === "failed" && deadLetteredAt !== undefined),
  );
}

function lettersOf(letters: readonly DeadLetter[], id: string): readonly DeadLetter[] {
  return letters.filter(({ body }) => body.includes(`"id":"${id}"`));
}

function note<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function counted(values: readonly (string | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value ?? "none"] = (counts[value ?? "none"] ?? 0) + 1;
  return counts;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((over) => setTimeout(over, milliseconds));
}
