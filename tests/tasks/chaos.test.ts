import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { PublishCommand, SubscribeCommand } from "@aws-sdk/client-sns";
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
import { drawnPng } from "../apps/queue-agent/runtimes/drawnPng";
import * as fleet from "../apps/queue-agent/runtimes/fleet";
import type { Fault, Run } from "../apps/queue-agent/runtimes/runtimeServer";
import { describeOnMoto } from "../python/moto";
import { objectKeyOf, stepOf } from "./harness/agentCall";
import { Deaths, deathPoints } from "./harness/deaths";
import { faultsOf } from "./harness/faults";
import { malformedMessages } from "./harness/malformedMessages";
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

/** Parts of the tasks. */
const REFUSED_SHARE = 0.05;
const FLAKY_SHARE = 0.05;
const MALFORMED_SHARE = 0.02;
const DUPLICATED_SHARE = 0.2;

/** Calls to AWS that fail. */
const faultShares = { s3: 0.1, dynamodb: 0.1, sns: 0.02, sqs: 0.02 };

/** Without any progress, something hangs. */
const STANDSTILL_MS = 90_000;

const H_T: Record<string, number> = {};
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
}

describeOnMoto(
  `${TASKS} tasks, agents that die, messages twice and in any order, and an AWS that fails`,
  (moto) => {
    const random = seeded(SEED);
    const tasks = tasksOf(random);
    const malformed = Array.from({ length: Math.ceil(TASKS * MALFORMED_SHARE) }, (_, index) => {
      const kinds = Object.values(malformedMessages);
      return kinds[index % kinds.length]!;
    });
    const deaths = new Deaths(random, TASKS, DEATHS);
    const generations: Generations = { began: new Map(), manifestAt: new Map() };
    const agents: Agent[] = [];
    let world: TaskWorld;
    let records: ReadonlyMap<string, TaskRecord>;
    let objects: ReadonlySet<string>;
    let letters: readonly DeadLetter[];
    let notifications: readonly Notification[];
    const copies: string[] = [];

    before("let it all happen", async function () {
      this.timeout(20 * 60_000);
      console.log(`      SEED=${SEED} TASKS=${TASKS}`);
      const began = performance.now();
      world = await TaskWorld.start(moto(), {
        runtimes: ["drawing"],
        times: {
          visibilitySeconds: 2,
          heartbeatSeconds: 0.5,
          longestTaskSeconds: 10,
          drainSeconds: 5,
        },
      });
      const api = await world.startApi({ decide: faultsOf(random, faultShares) });
      const copiesUrl = await subscribedToTasks(world);
      for (let slot = 0; slot < AGENTS; slot++) agents.push(await startAgent());
      H_T.agents = performance.now() - began;
      const published = Promise.all([submitAll(api), publishMalformed()]);
      await Promise.all([published, duplicate(copiesUrl, published)]);
      H_T.published = performance.now() - began;
      await untilOver();
      records = await world.records();
      objects = await world.objectKeys();
      letters = [...(await world.deadLetters("drawing"))];
      notifications = [...(await world.notifications())];
      console.log(summary(performance.now() - began));
      console.log(deaths.H);
      const cpu = (pid: number) => {
        const f = require("node:fs").readFileSync(`/proc/${pid}/stat`, "utf8");
        const x = f.slice(f.lastIndexOf(")") + 2).split(" ");
        return (Number(x[11]) + Number(x[12])) / 100;
      };
      console.log(
        "cpu moto",
        cpu(moto().pid),
        "self",
        cpu(process.pid),
        "children",
        (() => {
          const f = require("node:fs").readFileSync(`/proc/${process.pid}/stat`, "utf8");
          const x = f.slice(f.lastIndexOf(")") + 2).split(" ");
          return (Number(x[13]) + Number(x[14])) / 100;
        })(),
        require("node:child_process").execSync("uptime").toString(),
      );
      console.log(JSON.stringify(H_T));
      console.log(
        JSON.stringify(
          [...records.values()].filter(
            (r) => r.state === "failed" && r.failure?.code !== "refused",
          ),
        ),
      );
      for (const r of records.values())
        if (r.attempts > 2)
          console.log(
            r.key,
            r.attempts,
            r.state,
            JSON.stringify(r.failure),
            generations.began.get(r.key)?.length,
          );
    });
    after("stop it all", () => world?.stop());

    /** An agent and its runtime; it dies as planned, and is started again at once. */
    async function startAgent(): Promise<Agent> {
      const faults = faultsOf(random, faultShares);
      let agent: Agent | undefined;
      const die = () => {
        if (agent === undefined || agent.process.hasEnded) return;
        const { process: dying } = agent;
        agent.kill();
        void dying.ended().then(() => agent!.start());
      };
      const runtime = await fleet.start({
        runMs: ({ number }) => (number * 7) % 30,
        fault: (run) => {
          note(generations.began, String(run.body.prompt).split(" ")[0]!, performance.now());
          if (deaths.at(undefined)) setTimeout(die, 5);
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
          if (death === undefined) return faults(call);
          die();
          return death.when === "before" ? "reset" : "lose";
        },
        answered: (call, status) => {
          if (stepOf(call) !== "manifest" || status !== 200) return;
          const id = objectKeyOf(call).split("/")[0]!;
          generations.manifestAt.set(id, performance.now());
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
      const client = async () => {
        for (let task = waiting.pop(); task !== undefined; task = waiting.pop())
          await submitUntilTaken(api, task);
      };
      await Promise.all(Array.from({ length: CLIENTS }, client));
    }

    async function publishMalformed(): Promise<void> {
      for (const Message of malformed) {
        await world.clients.sns.send(
          new PublishCommand({
            TopicArn: world.taskTopicArn,
            Message,
            MessageAttributes: {
              [RUNTIME_ATTRIBUTE]: { DataType: "String", StringValue: "drawing" },
            },
          }),
        );
        await pause(random.between(0, (TASKS * 1000) / 20 / malformed.length));
      }
    }

    /** Sends some messages once more: at once, or when their tasks are over. */
    async function duplicate(copiesUrl: string, published: Promise<unknown>): Promise<void> {
      let isPublished = false;
      void published.finally(() => {
        isPublished = true;
      });
      for (;;) {
        const isLast = isPublished;
        const bodies = (await world.taken(copiesUrl)).map(({ Body }) => Body!);
        copies.push(...bodies);
        for (const body of random.shuffled(bodies))
          if (random.happens(DUPLICATED_SHARE)) await resend(body, random.between(0, 12));
        if (isLast) return;
        await pause(500);
      }
    }

    async function resend(body: string, delaySeconds: number): Promise<void> {
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

    async function untilOver(): Promise<void> {
      let left = Number.POSITIVE_INFINITY;
      for (let since = performance.now(); ; ) {
        const [queued, open] = [await world.queueLength("drawing"), openOf(await world.records())];
        if (queued === 0) return;
        const now = queued + open.length;
        if (process.env.H_DEBUG)
          console.log(Math.round(performance.now() / 1000), queued, open.length);
        if (now !== left) since = performance.now();
        left = now;
        if (performance.now() - since > STANDSTILL_MS)
          throw new Error(
            `nothing goes on with ${queued} messages and ${JSON.stringify(open.slice(0, 3))}; ` +
              agents.map(({ process: { said } }) => said).join("\n"),
          );
        await pause(500);
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
        if (kind === "refused") assert.equal(record.failure?.code, "refused", id);
        // A task that could be done is given up only after all its attempts.
        else if (record.state === "failed") assert.ok(record.attempts >= 3, JSON.stringify(record));
      }
    });

    it("Every completed task has all its images, with the runtime's bytes", async function () {
      this.timeout(5 * 60_000);
      for (const task of tasks) {
        if (records.get(task.id)!.state !== "completed") continue;
        const { images } = await manifestOf(task.id);
        assert.deepEqual(records.get(task.id)!.images, images, task.id);
        assert.equal(images.length, task.images, task.id);
        for (const [index, { key, bytes }] of images.entries()) {
          const image = await world.object(key);
          assert.equal(image.length, bytes, key);
          assert.ok(image.equals(drawnPng({ subject: `${promptOf(task)} ${index}` })), key);
        }
      }
    });

    it("A failed task has no manifest", () => {
      for (const { id } of tasks)
        assert.equal(
          objects.has(`${id}/${MANIFEST_NAME}`),
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
          `${id} was generated that long after its manifest, ms`,
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
        for (const { attributes } of lettersOf(letters, id)) {
          assert.equal(attributes[DEAD_LETTER_CODE_ATTRIBUTE], "refused");
          assert.match(attributes[DEAD_LETTER_REASON_ATTRIBUTE]!, /the prompt is not allowed/);
        }
      }
      for (const body of malformed) {
        const found = letters.filter((letter) => letter.body === body);
        assert.ok(found.length > 0, body);
        for (const { attributes } of found) {
          assert.equal(attributes[DEAD_LETTER_CODE_ATTRIBUTE], "malformed");
          assert.ok(attributes[DEAD_LETTER_REASON_ATTRIBUTE], body);
        }
      }
    });

    it("Messages that come once more after all is over change nothing", async function () {
      this.timeout(5 * 60_000);
      const runs = [...generations.began.values()].flat().length;
      const late = random.shuffled(copies).filter(isTask).slice(0, 50);
      for (const body of late) await resend(body, 0);
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

function tasksOf(random: Seeded): readonly ChaosTask[] {
  return Array.from({ length: TASKS }, (_, index) => ({
    id: `task-${String(index).padStart(5, "0")}`,
    kind: random.happens(REFUSED_SHARE)
      ? "refused"
      : random.happens(FLAKY_SHARE)
        ? "flaky"
        : "good",
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
  return letters.filter(({ body }) => isTask(body) && JSON.parse(body).metadata.id === id);
}

function isTask(body: string): boolean {
  return !Object.values(malformedMessages).includes(body);
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
