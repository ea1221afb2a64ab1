/** How a message is settled whose task is not completed: deleted, put back, or a dead letter. */

import { randomUUID } from "node:crypto";
import { DEAD_LETTER_REASON_LENGTH } from "../../contracts/tasks/message";
import type { FailureCode, TaskFailure, TaskRecord } from "../../contracts/tasks/record";
import type { Log } from "../service/log";
import type { Claim, Claims } from "./claims";
import type { DeadLetters } from "./deadLetters";
import type { Hold } from "./heartbeat";
import type { Metrics } from "./metrics";
import { completedNotification, failedNotification, type ResultTopic } from "./notifications";
import type { Queue } from "./queue";
import { failureOf, type TaskFailed } from "./taskFailed";
import { parseMessage, type Task } from "./taskMessage";
import type { TaskTrace } from "./taskTrace";
import type { Teller } from "./teller";
import {
  failureVerdict,
  isLastReceive,
  isOfAnother,
  pauseSeconds,
  refusalOf,
  waitSeconds,
} from "./verdict";

export interface SettlementOptions {
  readonly runtime: string;
  readonly resultsBucket: string;
  readonly visibilitySeconds: number;
  readonly maxAttempts: number;
  readonly maxReceiveCount: number;
  readonly longestTaskSeconds: number;
}

export interface SettlementParts {
  readonly settings: SettlementOptions;
  readonly claims: Claims;
  readonly queue: Queue;
  readonly topic: ResultTopic;
  readonly teller: Teller;
  readonly deadLetters: DeadLetters;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** In every case the message is let go of, and never deleted before what it asks for is written. */
export class Settlement {
  readonly #parts: SettlementParts;

  constructor(parts: SettlementParts) {
    this.#parts = parts;
  }

  /** Of a task that could not be claimed, as its record says. */
  async refused(hold: Hold, task: Task, record: TaskRecord): Promise<void> {
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
        await this.drop(hold, refusal.why);
        return;
      case "dead-letter again":
        await this.#deadLetter(hold, task, record.failure!, record.deadLetterId!);
        return;
      case "wait":
        await this.putBack(hold, refusal.seconds);
    }
  }

  /** Of an attempt that came to nothing: there is another one, or a dead letter. */
  async fail(
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
      await this.putBack(hold, verdict.afterSeconds);
      return;
    }
    const deadLetterId = randomUUID();
    if (!(await claims.fail(claim, failure, deadLetterId))) return await hold.letGo();
    await this.#deadLetter(hold, task, failure, deadLetterId);
  }

  /** Of a message that nothing is to be done for. */
  async drop(hold: Hold, why: string): Promise<undefined> {
    const { queue, log } = this.#parts;
    log.info({ messageId: hold.delivery.messageId, key: hold.key, why }, "deleted");
    await queue.delete([hold.receiptHandle]);
    await hold.letGo();
  }

  /** Of a message whose record says nothing of it, or nothing that could be read. */
  async noTask(hold: Hold, code: FailureCode, reason: string): Promise<undefined> {
    const { deadLetters, queue, metrics, log } = this.#parts;
    const { delivery } = hold;
    log.warn({ messageId: delivery.messageId, code, reason }, "a dead letter");
    await deadLetters.send({ delivery, id: randomUUID(), code, reason });
    metrics.deadLettered(code);
    await queue.delete([hold.receiptHandle]);
    await hold.letGo();
  }

  /** Whoever has claimed it meanwhile goes on. */
  async lostClaim(hold: Hold, key: string, trace: TaskTrace): Promise<undefined> {
    this.#parts.log.warn({ key }, "another agent has claimed it meanwhile");
    this.#parts.metrics.lostClaim();
    trace.end("another agent has claimed it meanwhile");
    await hold.letGo();
  }

  /**
   * Nothing more can be done with it now; its next delivery goes on from what is written. Where
   * there is none, the queue itself would move it to the dead letters, without a reason.
   */
  async awsFailed(hold: Hold, error: unknown, trace?: TaskTrace): Promise<undefined> {
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
    return await this.putBack(hold, pauseSeconds(receiveCount));
  }

  /** Another message of its task is worked on. */
  async wait(hold: Hold): Promise<undefined> {
    return await this.putBack(hold, waitSeconds({ ...this.#times(hold), nowMs: Date.now() }));
  }

  /** The message is visible again after so many seconds. */
  async putBack(hold: Hold, seconds: number): Promise<undefined> {
    await hold.letGo();
    await this.#parts.queue
      .visibleAfter(hold.receiptHandle, seconds)
      .catch((error: unknown) =>
        this.#parts.log.warn({ error, key: hold.key }, "a message stays invisible for a while"),
      );
    return undefined;
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

  /** At a message's last delivery: what its task has come to is told, or that it came to nothing. */
  async #giveUp(hold: Hold, code: FailureCode, reason: string): Promise<undefined> {
    const { claims, settings } = this.#parts;
    const { task } = parseMessage(hold.delivery);
    const seen = task?.runtime === settings.runtime ? await claims.find(task.key) : undefined;
    if (task === undefined || seen === undefined) return await this.noTask(hold, code, reason);
    hold.settling();
    const message = reason.slice(0, DEAD_LETTER_REASON_LENGTH);
    const failure: TaskFailure = { code, message, at: new Date().toISOString() };
    const id = randomUUID();
    if (!isOfAnother(seen, task) && (await claims.giveUp(seen, failure, id)))
      await this.#deadLetter(hold, task, failure, id);
    else await this.refused(hold, task, (await claims.find(task.key)) ?? seen);
    return undefined;
  }

  #times({ delivery: { receiveCount } }: Hold) {
    const { visibilitySeconds, longestTaskSeconds } = this.#parts.settings;
    return { receiveCount, visibilitySeconds, longestTaskSeconds };
  }
}
