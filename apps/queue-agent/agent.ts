/** What is done with a message, step by step; pipeline.ts says when. */

import { randomUUID } from "node:crypto";
import { DEAD_LETTER_REASON_LENGTH } from "../../contracts/tasks/message";
import type { FailureCode, TaskFailure, TaskRecord } from "../../contracts/tasks/record";
import type { Manifest } from "../../contracts/tasks/result";
import { type AdapterName, adapterTypes } from "../../contracts/tasks/runtimes";
import type { Log } from "../service/log";
import type { Adapter } from "./adapters/adapter";
import type { Claim, Claims } from "./claims";
import type { DeadLetters } from "./deadLetters";
import type { Delivery } from "./delivery";
import type { Heartbeat, Hold } from "./heartbeat";
import type { InputOptions } from "./inputs/resolveInputs";
import type { JsonObject } from "./json";
import type { Metrics } from "./metrics";
import {
  completedNotification,
  failedNotification,
  type ResultTopic,
  runningNotification,
} from "./notifications";
import type { Steps } from "./pipeline";
import type { Queue } from "./queue";
import type { Readiness } from "./readiness";
import { type FinishedRun, manifestKey, type Results } from "./results";
import { contentOf } from "./taskContent";
import { TaskFailed } from "./taskFailed";
import { parseMessage, type Task } from "./taskMessage";
import type { TaskTrace, Tracing } from "./taskTrace";
import type { Teller } from "./teller";
import {
  failureVerdict,
  isLastReceive,
  isLost,
  isOfAnother,
  notReadySeconds,
  pauseSeconds,
  refusalOf,
  waitSeconds,
} from "./verdict";

export interface AgentSettings {
  readonly runtime: string;
  readonly adapterName: AdapterName;
  readonly resultsBucket: string;
  readonly notifyRunning: boolean;
  readonly visibilitySeconds: number;
  readonly maxAttempts: number;
  readonly maxReceiveCount: number;
  readonly longestTaskSeconds: number;
}

export interface AgentParts {
  readonly settings: AgentSettings;
  readonly adapter: Adapter;
  readonly readiness: Readiness;
  readonly inputs: InputOptions;
  readonly claims: Claims;
  readonly heartbeat: Heartbeat;
  readonly queue: Queue;
  readonly results: Results;
  readonly topic: ResultTopic;
  readonly teller: Teller;
  readonly deadLetters: DeadLetters;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly log: Log;
}

/** A task with what the runtime is to get. */
export interface Prepared {
  readonly hold: Hold;
  readonly task: Task;
  readonly trace: TaskTrace;
  /** What was known of it when it came. */
  readonly seen: TaskRecord | undefined;
  readonly content: JsonObject;
}

/** A task that was claimed, and what came of it. */
export interface Finished {
  readonly hold: Hold;
  readonly task: Task;
  readonly trace: TaskTrace;
  readonly claim: Claim;
  readonly outcome: Outcome;
}

type Outcome =
  | { readonly run: FinishedRun }
  /** Of an earlier attempt. */
  | { readonly manifest: Manifest }
  | { readonly failure: TaskFailed };

/** Times that results are stored, which cost an accelerator's time, before they are given up. */
const STORE_TRIES = 5;

/** After which a runtime that has failed a task is asked whether it is ready. */
const suspectCodes: readonly FailureCode[] = ["runtime", "busy", "timeout", "internal"];

export class Agent implements Steps<Delivery, Prepared, Finished> {
  readonly #parts: AgentParts;
  /** Nothing is begun any more. */
  readonly #stopping = new AbortController();
  /** What runs is broken off. */
  readonly #breaking = new AbortController();
  #freeSince: { readonly clock: number; readonly epochMs: number } | undefined;

  constructor(parts: AgentParts) {
    this.#parts = parts;
  }

  /** From now on, what is being prepared is given back. */
  stop(): void {
    this.#stopping.abort(new Error("the agent stops"));
  }

  /** From now on, what runs is handed back. */
  breakOff(): void {
    this.#breaking.abort(new Error("the agent has to stop"));
  }

  async prepare(delivery: Delivery): Promise<Prepared | undefined> {
    const { heartbeat } = this.#parts;
    const { messageId } = delivery;
    const same = heartbeat.find(messageId);
    if (same !== undefined) {
      same.redelivered(delivery);
      this.#parts.log.info({ messageId, key: same.key }, "delivered again while it is worked on");
      return undefined;
    }
    const hold = heartbeat.hold(delivery);
    try {
      return await this.#prepare(hold);
    } catch (error) {
      return await this.#awsFailed(hold, error);
    }
  }

  async run(prepared: Prepared, started: () => void): Promise<Finished | undefined> {
    const { hold, task, trace, seen } = prepared;
    try {
      if (!(await this.#parts.readiness.isReady())) {
        const { receiveCount } = hold.delivery;
        if (isLastReceive(receiveCount, this.#parts.settings.maxReceiveCount)) {
          const failure = new TaskFailed("busy", "the runtime was not ready");
          await this.#failUnrun(hold, task, trace, seen, failure);
          return undefined;
        }
        trace.end("the runtime is not ready");
        await this.#putBack(hold, notReadySeconds(receiveCount));
        return undefined;
      }
      const claim = await this.#claim(hold, task, trace, seen);
      if (claim === undefined) return undefined;
      const earlier = await this.#earlier(task, claim);
      const outcome = earlier ?? (await this.#runClaimed(prepared, claim, started));
      return outcome && { hold, task, trace, claim, outcome };
    } catch (error) {
      return await this.#awsFailed(hold, error, trace);
    }
  }

  async store(finished: Finished): Promise<void> {
    const { hold, trace } = finished;
    try {
      await this.#store(finished);
    } catch (error) {
      await this.#awsFailed(hold, error, trace);
    }
  }

  async giveBack({ hold, task, trace, seen }: Prepared): Promise<void> {
    trace.end("the agent stops");
    await this.#giveBack(hold, task, trace, seen);
  }

  async #prepare(hold: Hold): Promise<Prepared | undefined> {
    const { settings, heartbeat, claims, tracing, inputs } = this.#parts;
    const { delivery } = hold;
    const { task, malformed } = parseMessage(delivery);
    if (task === undefined) return await this.#noTask(hold, "malformed", malformed);
    const { runtime, adapterName } = settings;
    if (task.runtime !== runtime) {
      const record = await claims.find(task.key);
      // Until SNS goes by a new queue's filter, which may take minutes, it gets all messages.
      if (record?.runtime === task.runtime)
        return await this.#drop(hold, "it is another runtime's");
      return await this.#noTask(
        hold,
        "unsupported",
        `metadata.runtime: it is for ${task.runtime}, and this is the queue of ${runtime}`,
      );
    }
    if (heartbeat.isBusyWith(task.key)) {
      await this.#putBack(hold, waitSeconds({ ...this.#times(hold), nowMs: Date.now() }));
      return undefined;
    }
    hold.key = task.key;
    const trace = tracing.received(task, delivery);
    const seen = await claims.find(task.key);
    if (seen !== undefined && !claims.isClaimable(task, seen)) {
      trace.end(`not to be run: ${seen.state}`);
      await this.#refused(hold, task, seen);
      return undefined;
    }
    try {
      if (!adapterTypes[adapterName].includes(task.type))
        throw new TaskFailed(
          "unsupported",
          `metadata.tasktype: ${runtime} takes ${adapterTypes[adapterName].join(", ")}, not ${task.type}`,
        );
      const content = await trace.step("inputs", () =>
        contentOf(task, inputs, this.#stopping.signal),
      );
      return { hold, task, trace, seen, content };
    } catch (error) {
      if (this.#stopping.signal.aborted) await this.#giveBack(hold, task, trace, seen);
      else await this.#failUnrun(hold, task, trace, seen, failureOf(error));
      return undefined;
    }
  }

  /** What has failed before the runtime was asked. */
  async #failUnrun(
    hold: Hold,
    task: Task,
    trace: TaskTrace,
    seen: TaskRecord | undefined,
    failure: TaskFailed,
  ): Promise<void> {
    const claim = await this.#claim(hold, task, trace, seen);
    if (claim === undefined) return;
    const outcome = (await this.#earlier(task, claim)) ?? { failure };
    await this.store({ hold, task, trace, claim, outcome });
  }

  /** Claims the task; otherwise deals with its message. */
  async #claim(
    hold: Hold,
    task: Task,
    trace: TaskTrace,
    seen: TaskRecord | undefined,
  ): Promise<Claim | undefined> {
    const { claims, metrics } = this.#parts;
    const { claim, refusedBy } = await claims.claim(task, seen);
    if (claim === undefined) {
      trace.end(`not claimed: ${refusedBy.state}`);
      await this.#refused(hold, task, refusedBy);
      return undefined;
    }
    hold.claimed(claim);
    const { startedAt } = claim.record;
    if (claim.isFirst && startedAt !== undefined)
      metrics.waited(secondsBetween(task.submittedAt, startedAt));
    return claim;
  }

  async #refused(hold: Hold, task: Task, record: TaskRecord): Promise<void> {
    const { teller, log, metrics, settings } = this.#parts;
    const { requestHash } = task;
    const refusal = refusalOf({
      ...this.#times(hold),
      record,
      requestHash,
      nowMs: Date.now(),
    });
    log.info({ key: task.key, state: record.state, ...refusal }, "not claimed");
    switch (refusal.action) {
      case "tell again": {
        const { images = [], output } = record;
        if (output === undefined) throw new Error(`${task.key} is completed without an output`);
        const stored = { images, output };
        await teller.tell(hold, completedNotification(task, settings.resultsBucket, stored));
        return;
      }
      case "delete":
        if (record.state === "cancelled") metrics.cancelled();
        await this.#drop(hold, refusal.why);
        return;
      case "dead-letter again":
        await this.#deadLetter(hold, task, record.failure!, record.deadLetterId!);
        return;
      case "wait":
        await this.#putBack(hold, refusal.seconds);
    }
  }

  /** What an earlier attempt has left: results, or nothing too many times. */
  async #earlier(task: Task, claim: Claim): Promise<Outcome | undefined> {
    const { attempts } = claim.record;
    if (claim.isFirst) return undefined;
    try {
      const manifest = await this.#parts.results.find(asRecorded(task, claim));
      if (manifest !== undefined) return { manifest };
    } catch (error) {
      return { failure: failureOf(error) };
    }
    if (!isLost(attempts, this.#parts.settings.maxAttempts)) return undefined;
    return { failure: new TaskFailed("lost", `${attempts - 1} agents died while they ran it`) };
  }

  async #runClaimed(
    { hold, task, trace, content }: Prepared,
    claim: Claim,
    started: () => void,
  ): Promise<Outcome | undefined> {
    const { adapter, readiness, log, settings } = this.#parts;
    const { id, type, key } = task;
    if (settings.notifyRunning) this.#tellRunning(task);
    const end = this.#untilEnd(hold.lost);
    const startedAt = new Date().toISOString();
    const startedClock = this.#starts(hold);
    try {
      const running = trace.step("run", (headers) =>
        adapter.run({ id, type, content, headers }, end.signal),
      );
      setImmediate(started);
      const result = await running;
      const finishedAt = new Date().toISOString();
      return { run: { attempt: claim.attempt, startedAt, finishedAt, result } };
    } catch (error) {
      if (hold.lost.aborted) return await this.#lostClaim(hold, key, trace);
      if (this.#breaking.signal.aborted) return await this.#handBack(hold, claim, trace);
      const failure = failureOf(end.signal.aborted ? end.signal.reason : error);
      if (suspectCodes.includes(failure.code)) readiness.suspect();
      log.warn({ error: failure, key, code: failure.code }, "an attempt came to nothing");
      return { failure };
    } finally {
      end.release();
      this.#ends(startedClock);
    }
  }

  async #store({ hold, task, trace, claim, outcome }: Finished): Promise<void> {
    const { claims, teller, metrics, log, settings } = this.#parts;
    if ("failure" in outcome) return await this.#fail(hold, task, trace, claim, outcome.failure);
    let manifest: Manifest;
    try {
      manifest =
        "manifest" in outcome
          ? outcome.manifest
          : await trace.step("store", () => this.#storeRun(asRecorded(task, claim), outcome.run));
    } catch (error) {
      return await this.#fail(hold, task, trace, claim, failureOf(error));
    }
    const { images, output, finishedAt } = manifest;
    hold.settling();
    const completion = { images, output, manifestKey: manifestKey(task) };
    if (!(await claims.complete(claim, completion, finishedAt))) {
      log.warn({ key: task.key }, "it has ended in another way meanwhile");
      trace.end("it has ended in another way meanwhile");
      await hold.letGo();
      return;
    }
    metrics.completed(images.length);
    trace.end();
    log.info({ key: task.key, images: images.length, attempt: manifest.attempt }, "completed");
    await teller.tell(hold, completedNotification(task, settings.resultsBucket, completion));
  }

  async #storeRun(task: Task, run: FinishedRun): Promise<Manifest> {
    const { results, log } = this.#parts;
    for (let tries = 1; ; tries++)
      try {
        return await results.store(task, run);
      } catch (error) {
        if (error instanceof TaskFailed || tries >= STORE_TRIES) throw error;
        log.warn({ error, key: task.key, tries }, "results could not be stored");
        await new Promise((passed) => setTimeout(passed, 1000 * 2 ** (tries - 1)));
      }
  }

  async #fail(
    hold: Hold,
    task: Task,
    trace: TaskTrace,
    claim: Claim,
    error: TaskFailed,
  ): Promise<void> {
    const { claims, metrics, log, settings } = this.#parts;
    const { code, retryAfterSeconds } = error;
    const message = error.message.slice(0, DEAD_LETTER_REASON_LENGTH);
    const failure: TaskFailure = { code, message, at: new Date().toISOString() };
    const { attempts } = claim.record;
    const verdict = failureVerdict({
      ...settings,
      code,
      attempts,
      receiveCount: hold.delivery.receiveCount,
      retryAfterSeconds,
    });
    log.warn({ key: task.key, code, attempts, reason: message, ...verdict }, "failed");
    trace.end(message);
    hold.settling();
    if (verdict.action === "retry") {
      if (!(await claims.retry(claim, failure))) return await hold.letGo();
      metrics.retried(code);
      return await this.#putBack(hold, verdict.afterSeconds);
    }
    const deadLetterId = randomUUID();
    if (!(await claims.fail(claim, failure, deadLetterId))) return await hold.letGo();
    await this.#deadLetter(hold, task, failure, deadLetterId);
  }

  /** Told, sent, noted, and only then deleted: whatever is missing is done at its next delivery. */
  async #deadLetter(hold: Hold, task: Task, failure: TaskFailure, id: string): Promise<void> {
    const { topic, deadLetters, claims, queue, metrics } = this.#parts;
    const { code, message: reason } = failure;
    await topic.publish(failedNotification(task, failure));
    await deadLetters.send({ delivery: hold.delivery, id, code, reason });
    metrics.deadLettered(code);
    await claims.deadLettered(task.key, id);
    await queue.delete([hold.receiptHandle]);
    await hold.letGo();
  }

  /** Of a message that nothing is to be done for. */
  async #drop(hold: Hold, why: string): Promise<undefined> {
    const { queue, log } = this.#parts;
    log.info({ messageId: hold.delivery.messageId, key: hold.key, why }, "deleted");
    await queue.delete([hold.receiptHandle]);
    await hold.letGo();
  }

  /** Of a message whose record says nothing of it, or nothing that could be read. */
  async #noTask(hold: Hold, code: FailureCode, reason: string): Promise<undefined> {
    const { deadLetters, queue, metrics, log } = this.#parts;
    const { delivery } = hold;
    log.warn({ messageId: delivery.messageId, code, reason }, "a dead letter");
    await deadLetters.send({ delivery, id: randomUUID(), code, reason });
    metrics.deadLettered(code);
    await queue.delete([hold.receiptHandle]);
    await hold.letGo();
  }

  async #lostClaim(hold: Hold, key: string, trace: TaskTrace): Promise<undefined> {
    this.#parts.log.warn({ key }, "another agent has claimed it meanwhile");
    this.#parts.metrics.lostClaim();
    trace.end("another agent has claimed it meanwhile");
    await hold.letGo();
  }

  /** Of a task that is broken off because the process has to stop. */
  async #handBack(hold: Hold, claim: Claim, trace: TaskTrace): Promise<Outcome | undefined> {
    const { claims, log, settings } = this.#parts;
    if (isLastReceive(hold.delivery.receiveCount, settings.maxReceiveCount))
      return { failure: stoppedTooOften(hold) };
    trace.end("the agent stops");
    hold.settling();
    log.info({ key: claim.key }, "handed back");
    if (await claims.handBack(claim)) await this.#putBack(hold, 0);
    else await hold.letGo();
    return undefined;
  }

  /** Of a task that has not run. */
  async #giveBack(
    hold: Hold,
    task: Task,
    trace: TaskTrace,
    seen: TaskRecord | undefined,
  ): Promise<void> {
    const { receiveCount } = hold.delivery;
    this.#parts.log.info({ key: task.key }, "given back");
    if (!isLastReceive(receiveCount, this.#parts.settings.maxReceiveCount))
      return await this.#putBack(hold, 0);
    try {
      await this.#failUnrun(hold, task, trace, seen, stoppedTooOften(hold));
    } catch (error) {
      await this.#awsFailed(hold, error, trace);
    }
  }

  /**
   * Nothing more can be done with it now; its next delivery goes on from what is written. Where
   * there is none, the queue itself would move it to the dead letters, without a reason.
   */
  async #awsFailed(hold: Hold, error: unknown, trace?: TaskTrace): Promise<undefined> {
    const { log, settings } = this.#parts;
    const { messageId, receiveCount } = hold.delivery;
    log.error({ error, messageId, key: hold.key }, "a message is left for later");
    const { code, message } = failureOf(error);
    trace?.end(message);
    if (isLastReceive(receiveCount, settings.maxReceiveCount))
      try {
        return await this.#giveUp(hold, code, message);
      } catch (again) {
        log.error({ error: again, messageId }, "the queue will move it to the dead letters");
      }
    await this.#putBack(hold, pauseSeconds(receiveCount));
    return undefined;
  }

  /** At a message's last delivery: what its task has come to is told, or that it came to nothing. */
  async #giveUp(hold: Hold, code: FailureCode, reason: string): Promise<undefined> {
    const { claims, settings } = this.#parts;
    const { task } = parseMessage(hold.delivery);
    const seen = task?.runtime === settings.runtime ? await claims.find(task.key) : undefined;
    if (task === undefined || seen === undefined) return await this.#noTask(hold, code, reason);
    hold.settling();
    const message = reason.slice(0, DEAD_LETTER_REASON_LENGTH);
    const failure: TaskFailure = { code, message, at: new Date().toISOString() };
    const id = randomUUID();
    if (!isOfAnother(seen, task) && (await claims.giveUp(seen, failure, id)))
      await this.#deadLetter(hold, task, failure, id);
    else await this.#refused(hold, task, (await claims.find(task.key)) ?? seen);
    return undefined;
  }

  async #putBack(hold: Hold, seconds: number): Promise<void> {
    await hold.letGo();
    await this.#parts.queue
      .visibleAfter(hold.receiptHandle, seconds)
      .catch((error: unknown) =>
        this.#parts.log.warn({ error, key: hold.key }, "a message stays invisible for a while"),
      );
  }

  #tellRunning(task: Task): void {
    const { topic, log } = this.#parts;
    void topic
      .publish(runningNotification(task))
      .catch((error: unknown) => log.warn({ error, key: task.key }, "nobody knows that it runs"));
  }

  /** Aborts when the claim is lost, the process has to stop, or the task takes too long. */
  #untilEnd(lost: AbortSignal): { readonly signal: AbortSignal; release(): void } {
    const { longestTaskSeconds } = this.#parts.settings;
    const end = new AbortController();
    const signals = [lost, this.#breaking.signal];
    const abort = ({ target }: Event) => end.abort((target as AbortSignal).reason);
    for (const signal of signals)
      if (signal.aborted) end.abort(signal.reason);
      else signal.addEventListener("abort", abort);
    const timer = setTimeout(
      () => end.abort(new TaskFailed("timeout", `it takes longer than ${longestTaskSeconds} s`)),
      longestTaskSeconds * 1000,
    );
    return {
      signal: end.signal,
      release: () => {
        clearTimeout(timer);
        for (const signal of signals) signal.removeEventListener("abort", abort);
      },
    };
  }

  #starts({ delivery }: Hold): number {
    const now = performance.now();
    const free = this.#freeSince;
    if (free !== undefined && delivery.sentAtMs <= free.epochMs)
      this.#parts.metrics.wasIdle((now - free.clock) / 1000);
    return now;
  }

  #ends(startedClock: number): void {
    const clock = performance.now();
    this.#parts.metrics.ran((clock - startedClock) / 1000);
    this.#freeSince = { clock, epochMs: Date.now() };
  }

  #times({ delivery: { receiveCount } }: Hold) {
    const { visibilitySeconds, longestTaskSeconds } = this.#parts.settings;
    return { receiveCount, visibilitySeconds, longestTaskSeconds };
  }
}

/** A request that is repeated comes in two messages; the record tells which task it is. */
function asRecorded(task: Task, { record }: Claim): Task {
  return { ...task, submittedAt: record.createdAt };
}

function failureOf(error: unknown): TaskFailed {
  if (error instanceof TaskFailed) return error;
  const { message } = error as Error;
  const isAws = typeof (error as { $metadata?: unknown }).$metadata === "object";
  return new TaskFailed(isAws ? "aws" : "internal", message, { cause: error });
}

function stoppedTooOften({ delivery: { receiveCount } }: Hold): TaskFailed {
  return new TaskFailed(
    "lost",
    `received ${receiveCount} times by agents that died or had to stop`,
  );
}

function secondsBetween(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
}
