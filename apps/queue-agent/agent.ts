/** What is done with a task, step by step; pipeline.ts says when. */

import type { FailureCode, TaskRecord } from "../../contracts/tasks/record";
import type { Manifest } from "../../contracts/tasks/result";
import { type AdapterName, adapterTypes } from "../../contracts/tasks/runtimes";
import type { Log } from "../service/log";
import type { Adapter } from "./adapters/adapter";
import type { Claim, Claims } from "./claims";
import type { Delivery } from "./delivery";
import type { Heartbeat, Hold } from "./heartbeat";
import type { InputOptions } from "./inputs/resolveInputs";
import type { JsonObject } from "./json";
import type { Metrics } from "./metrics";
import { completedNotification, type ResultTopic, runningNotification } from "./notifications";
import type { Steps } from "./pipeline";
import type { Readiness } from "./readiness";
import { type FinishedRun, manifestKey, type Results } from "./results";
import type { Settlement } from "./settlement";
import { contentOf } from "./taskContent";
import { failureOf, TaskFailed } from "./taskFailed";
import { parseMessage, type Task } from "./taskMessage";
import type { TaskTrace, Tracing } from "./taskTrace";
import type { Teller } from "./teller";
import { isLastReceive, isLost, notReadySeconds } from "./verdict";

export interface AgentSettings {
  readonly runtime: string;
  readonly adapterName: AdapterName;
  readonly resultsBucket: string;
  readonly notifyRunning: boolean;
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
  readonly results: Results;
  readonly topic: ResultTopic;
  readonly teller: Teller;
  readonly settlement: Settlement;
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

/** A task that nobody else can start. */
export interface Claimed extends Prepared {
  readonly claim: Claim;
}

/** A task that was claimed, and what came of it. */
export interface Finished {
  readonly hold: Hold;
  readonly task: Task;
  readonly trace: TaskTrace;
  readonly claim: Claim;
  readonly outcome: Outcome;
}

/** A task whose message is held, claimed or not. */
type Known = Omit<Prepared, "content"> & { readonly claim?: Claim };

type Outcome =
  | { readonly run: FinishedRun }
  /** Of an earlier attempt. */
  | { readonly manifest: Manifest }
  | { readonly failure: TaskFailed };

/** Times that results are stored, which cost an accelerator's time, before they are given up. */
const STORE_TRIES = 5;

/** After which a runtime that has failed a task is asked whether it is ready. */
const suspectCodes: readonly FailureCode[] = ["runtime", "busy", "timeout", "internal"];

export class Agent implements Steps<Delivery, Prepared, Claimed, Finished> {
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
      return await this.#parts.settlement.awsFailed(hold, error);
    }
  }

  async claim(prepared: Prepared): Promise<Claimed | undefined> {
    const { hold, trace } = prepared;
    try {
      if (!(await this.#parts.readiness.isReady())) return await this.#notReady(prepared);
      const claim = await this.#claim(prepared);
      return claim && { ...prepared, claim };
    } catch (error) {
      return await this.#parts.settlement.awsFailed(hold, error, trace);
    }
  }

  async unclaim({ claim, ...prepared }: Claimed): Promise<Prepared | undefined> {
    const { claims, settlement, log } = this.#parts;
    const { hold, task, trace } = prepared;
    log.info({ key: task.key }, "it waits unclaimed, for the runtime takes longer");
    hold.settling();
    try {
      const seen = await claims.handBack(claim);
      if (seen !== undefined) return { ...prepared, seen };
      return await settlement.lostClaim(hold, task.key, trace);
    } catch (error) {
      return await settlement.awsFailed(hold, error, trace);
    }
  }

  async run(claimed: Claimed, started: () => void): Promise<Finished | undefined> {
    const { hold, task, trace, claim } = claimed;
    try {
      if (!(await this.#parts.readiness.isReady())) return await this.#notReady(claimed);
      const outcome = (await this.#earlier(task, claim)) ?? (await this.#run(claimed, started));
      return outcome && { hold, task, trace, claim, outcome };
    } catch (error) {
      return await this.#parts.settlement.awsFailed(hold, error, trace);
    }
  }

  async store(finished: Finished): Promise<void> {
    const { hold, trace } = finished;
    try {
      await this.#store(finished);
    } catch (error) {
      await this.#parts.settlement.awsFailed(hold, error, trace);
    }
  }

  hasRun({ outcome }: Finished): boolean {
    return "run" in outcome;
  }

  bytesOf({ outcome }: Finished): number {
    if (!("run" in outcome)) return 0;
    return outcome.run.result.images.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Once: each time is a receive of those that a message has. */
  isMovable({ hold }: Prepared): boolean {
    return hold.delivery.receiveCount === 1;
  }

  async giveBack(work: Prepared | Claimed): Promise<void> {
    try {
      await this.#giveBack(work);
    } catch (error) {
      await this.#parts.settlement.awsFailed(work.hold, error, work.trace);
    }
  }

  async #prepare(hold: Hold): Promise<Prepared | undefined> {
    const { settings, heartbeat, claims, tracing, inputs, settlement } = this.#parts;
    const { delivery } = hold;
    const { task, malformed } = parseMessage(delivery);
    if (task === undefined) return await settlement.noTask(hold, "malformed", malformed);
    const { runtime, adapterName } = settings;
    if (task.runtime !== runtime) {
      const record = await claims.find(task.key);
      // Until SNS goes by a new queue's filter, which may take minutes, it gets all messages.
      if (record?.runtime === task.runtime)
        return await settlement.drop(hold, "it is another runtime's");
      return await settlement.noTask(
        hold,
        "unsupported",
        `metadata.runtime: it is for ${task.runtime}, and this is the queue of ${runtime}`,
      );
    }
    if (heartbeat.isBusyWith(task.key)) return await settlement.wait(hold);
    hold.key = task.key;
    const trace = tracing.received(task, delivery);
    const seen = claims.expected(task, delivery) ?? (await claims.find(task.key));
    if (seen !== undefined && !claims.isClaimable(task, seen)) {
      trace.end(`not to be run: ${seen.state}`);
      await settlement.refused(hold, task, seen);
      return undefined;
    }
    const unready = { hold, task, trace, seen };
    try {
      if (!adapterTypes[adapterName].includes(task.type))
        throw new TaskFailed(
          "unsupported",
          `metadata.tasktype: ${runtime} takes ${adapterTypes[adapterName].join(", ")}, not ${task.type}`,
        );
      const content = await trace.step("inputs", () =>
        contentOf(task, inputs, this.#stopping.signal),
      );
      return { ...unready, content };
    } catch (error) {
      if (this.#stopping.signal.aborted) await this.#giveBack(unready);
      else await this.#failUnrun(unready, failureOf(error));
      return undefined;
    }
  }

  /** The runtime has failed what was before: another pod may have it, or this one a little later. */
  async #notReady(work: Known): Promise<undefined> {
    const { hold, trace } = work;
    if (this.#isLastReceive(hold)) {
      await this.#failUnrun(work, new TaskFailed("busy", "the runtime was not ready"));
      return undefined;
    }
    trace.end("the runtime is not ready");
    return await this.#putBack(work, notReadySeconds(hold.delivery.receiveCount));
  }

  async #giveBack(work: Known): Promise<undefined> {
    const { hold, trace, task } = work;
    this.#parts.log.info({ key: task.key }, "given back");
    if (this.#isLastReceive(hold)) {
      await this.#failUnrun(work, stoppedTooOften(hold));
      return undefined;
    }
    trace.end("given back");
    return await this.#putBack(work, 0);
  }

  /** Of a task that is not run now: where it was claimed, it waits as if it had not been. */
  async #putBack({ hold, claim }: Known, seconds: number): Promise<undefined> {
    const { claims, settlement } = this.#parts;
    if (claim === undefined) return await settlement.putBack(hold, seconds);
    hold.settling();
    this.#parts.log.info({ key: claim.key }, "handed back");
    if ((await claims.handBack(claim)) !== undefined)
      return await settlement.putBack(hold, seconds);
    await hold.letGo();
    return undefined;
  }

  /** What has failed before the runtime was asked. */
  async #failUnrun(work: Known, failure: TaskFailed): Promise<void> {
    const claim = work.claim ?? (await this.#claim(work));
    if (claim === undefined) return;
    const outcome = (await this.#earlier(work.task, claim)) ?? { failure };
    await this.store({ ...work, claim, outcome });
  }

  /** Claims the task; otherwise deals with its message. */
  async #claim({ hold, task, trace, seen }: Known): Promise<Claim | undefined> {
    const { claim, refusedBy } = await this.#parts.claims.claim(task, seen);
    if (claim === undefined) {
      trace.end(`not claimed: ${refusedBy.state}`);
      await this.#parts.settlement.refused(hold, task, refusedBy);
      return undefined;
    }
    hold.claimed(claim);
    return claim;
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

  async #run(claimed: Claimed, started: () => void): Promise<Outcome | undefined> {
    const { hold, task, trace, content, claim } = claimed;
    const { adapter, readiness, metrics, log, settings, settlement } = this.#parts;
    const { id, type, key } = task;
    if (settings.notifyRunning) this.#tellRunning(task);
    const end = this.#untilEnd(hold.lost);
    const startedAt = new Date().toISOString();
    if (claim.isFirst) metrics.waited(secondsBetween(task.submittedAt, startedAt));
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
      if (hold.lost.aborted) return await settlement.lostClaim(hold, key, trace);
      if (this.#breaking.signal.aborted) return await this.#giveBack(claimed);
      const failure = failureOf(end.signal.aborted ? end.signal.reason : error);
      if (suspectCodes.includes(failure.code)) readiness.suspect();
      log.warn({ error: failure, key, code: failure.code }, "an attempt came to nothing");
      return { failure };
    } finally {
      end.release();
      this.#ends(startedClock);
    }
  }

  async #store(finished: Finished): Promise<void> {
    const { task, trace, claim, outcome } = finished;
    if ("failure" in outcome) return await this.#fail(finished, outcome.failure);
    if ("manifest" in outcome) return await this.#complete(finished, outcome.manifest);
    let manifest: Manifest;
    try {
      manifest = await trace.step("store", () =>
        this.#storeRun(asRecorded(task, claim), outcome.run),
      );
    } catch (error) {
      return await this.#fail(finished, failureOf(error));
    }
    await this.#complete(finished, manifest);
  }

  /**
   * Where it was not the runtime that failed, its manifest may be there all the same, as an answer
   * that is lost tells nothing: then it has its results. As long as nobody can say, its message is left for later.
   */
  async #fail(finished: Finished, failure: TaskFailed): Promise<void> {
    const { hold, task, trace, claim } = finished;
    const { results, settlement } = this.#parts;
    if (failure.code === "aws" || failure.code === "internal") {
      let manifest: Manifest | undefined;
      try {
        manifest = await results.find(asRecorded(task, claim));
      } catch (error) {
        await settlement.awsFailed(hold, error, trace);
        return;
      }
      if (manifest !== undefined) return await this.#complete(finished, manifest);
    }
    await settlement.fail(hold, task, trace, claim, failure);
  }

  async #complete({ hold, task, trace, claim }: Finished, manifest: Manifest): Promise<void> {
    const { claims, teller, metrics, log, settings } = this.#parts;
    const { images, output, startedAt, finishedAt } = manifest;
    hold.settling();
    const completion = { images, output, manifestKey: manifestKey(task), startedAt, finishedAt };
    if (!(await claims.complete(claim, completion))) {
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

  #isLastReceive({ delivery }: Hold): boolean {
    return isLastReceive(delivery.receiveCount, this.#parts.settings.maxReceiveCount);
  }
}

/** A request that is repeated comes in two messages; the record tells which task it is. */
function asRecorded(task: Task, { record }: Claim): Task {
  return { ...task, submittedAt: record.createdAt };
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
