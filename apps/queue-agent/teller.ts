/** Tells subscribers of tasks that are over, and only then deletes the tasks' messages. */

import type { Notification } from "../../contracts/tasks/result";
import type { Log } from "../service/log";
import type { Hold } from "./heartbeat";
import { PUBLISH_BATCH, type ResultTopic } from "./notifications";
import type { Queue } from "./queue";
import { pauseSeconds } from "./verdict";

export interface TellerOptions {
  readonly topic: ResultTopic;
  readonly queue: Queue;
  /** Whether more tasks may be over soon. */
  readonly isBusy: () => boolean;
  readonly log: Log;
}

interface Told {
  readonly hold: Hold;
  readonly notification: Notification;
}

/** How long it waits for others to tell in the same call, where others are worked on. */
const GATHER_MS = 100;

/**
 * Ten tasks in one call, where short ones end so fast. What it has not told when its process dies
 * is delivered again, found completed, and told then.
 */
export class Teller {
  readonly #options: TellerOptions;
  #waiting: Told[] = [];
  #round: Promise<void> | undefined;
  #isHurried = false;

  constructor(options: TellerOptions) {
    this.#options = options;
  }

  /** Resolves when there is room for another one. */
  async tell(hold: Hold, notification: Notification): Promise<void> {
    this.#waiting.push({ hold, notification });
    this.#round ??= this.#tellAll();
    if (this.#waiting.length >= PUBLISH_BATCH) await this.#round;
  }

  /** Does not gather any more. Resolves when all is told. */
  async finish(): Promise<void> {
    this.#isHurried = true;
    while (this.#round !== undefined) await this.#round;
  }

  async #tellAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      if (!this.#isHurried && this.#options.isBusy())
        await new Promise((passed) => setTimeout(passed, GATHER_MS));
      await this.#tellSome(this.#waiting.splice(0, PUBLISH_BATCH));
    }
    this.#round = undefined;
  }

  async #tellSome(batch: readonly Told[]): Promise<void> {
    const { topic, queue, log } = this.#options;
    try {
      const problems = await topic.publishAll(batch.map(({ notification }) => notification));
      const isTold = batch.map((_, index) => problems[index] === undefined);
      const told = batch.filter((_, index) => isTold[index]);
      const others = batch.filter((_, index) => !isTold[index]);
      if (others.length > 0)
        log.warn({ problems, ids: idsOf(others) }, "subscribers could not be told");
      const left = await queue.delete(told.map(({ hold }) => hold.receiptHandle));
      // They come again, are found completed, and are told of again.
      if (left.length > 0) log.warn({ problems: left }, "messages could not be deleted");
      await Promise.all(told.map(({ hold }) => hold.letGo()));
      await this.#again(others);
    } catch (error) {
      log.warn({ error, ids: idsOf(batch) }, "subscribers could not be told");
      await this.#again(batch);
    }
  }

  /** They are completed: whoever receives their messages next tells of them. */
  async #again(batch: readonly Told[]): Promise<void> {
    const { queue, log } = this.#options;
    for (const { hold } of batch) {
      await hold.letGo();
      await queue
        .visibleAfter(hold.receiptHandle, pauseSeconds(hold.delivery.receiveCount))
        .catch((error: unknown) => log.warn({ error }, "a message stays invisible for a while"));
    }
  }
}

function idsOf(batch: readonly Told[]): string[] {
  return batch.map(({ notification }) => notification.id);
}
