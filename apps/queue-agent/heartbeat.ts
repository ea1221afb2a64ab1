/** Keeps what an agent works on: the messages invisible to others, the claims from expiring. */

import type { Log } from "../service/log";
import type { Claim } from "./claims";
import type { Delivery } from "./delivery";

export interface HeartbeatOptions {
  readonly heartbeatSeconds: number;
  /** How long a message stays invisible, and a claim holds, from a heartbeat on. */
  readonly visibilitySeconds: number;
  /** Keeps a message invisible for so many seconds. */
  readonly extend: (receiptHandle: string, seconds: number) => Promise<void>;
  /** Prolongs a claim by so many seconds; false: it is somebody else's by now. */
  readonly renew: (claim: Claim, seconds: number, isStopping: boolean) => Promise<boolean>;
  readonly log: Log;
}

/**
 * How often an agent that was told to stop says that it is still there: its machine may be a spot
 * one that goes in two minutes, and what it has not finished by then should not wait long.
 */
const STOPPING_SECONDS = 5;

interface Beat extends HeartbeatOptions {
  readonly isStopping: boolean;
}

/** A message that an agent has, from its receipt until it is deleted or visible again. */
export class Hold {
  readonly #lost = new AbortController();
  #receiptHandle: string;
  #claim: Claim | undefined;
  #beating: Promise<void> | undefined;
  #isHeld = true;
  /** Key of its task, once that is known. */
  key: string | undefined;

  constructor(
    readonly delivery: Delivery,
    readonly release: (hold: Hold) => void,
  ) {
    this.#receiptHandle = delivery.receiptHandle;
  }

  /** Of the message's last delivery: SQS may ignore an older one. */
  get receiptHandle(): string {
    return this.#receiptHandle;
  }

  /** Aborts when somebody else has claimed the task. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** The same message was delivered once more. */
  redelivered({ receiptHandle }: Delivery): void {
    this.#receiptHandle = receiptHandle;
  }

  /** From now on the claim is kept, too. */
  claimed(claim: Claim): void {
    this.#claim = claim;
  }

  /** What has become of the task is being written, which ends the claim, or it is given up. */
  settling(): void {
    this.#claim = undefined;
  }

  /** Lets go of the message. Resolves when no heartbeat is under way that could undo what follows. */
  async letGo(): Promise<void> {
    this.#isHeld = false;
    this.#claim = undefined;
    this.release(this);
    await this.#beating;
  }

  beat(options: Beat): void {
    this.#beating ??= this.#beat(options).finally(() => {
      this.#beating = undefined;
    });
  }

  async #beat({ extend, renew, log, visibilitySeconds, isStopping }: Beat): Promise<void> {
    const { messageId } = this.delivery;
    const claim = this.#claim;
    const extended = extend(this.#receiptHandle, visibilitySeconds).catch((error: unknown) => {
      if (this.#isHeld) log.warn({ error, messageId }, "a message could not be kept invisible");
    });
    const renewed =
      claim === undefined ? Promise.resolve(true) : renew(claim, visibilitySeconds, isStopping);
    const isOurs = await renewed.catch((error: unknown) => {
      log.warn({ error, key: claim?.key }, "a claim could not be renewed");
      // It may be ours still, and the manifest decides.
      return true;
    });
    // Otherwise it has ended in good order meanwhile.
    if (!isOurs && claim === this.#claim) this.#lost.abort(new Error("the claim was lost"));
    await extended;
  }
}

export class Heartbeat {
  readonly #holds = new Map<string, Hold>();
  readonly #options: HeartbeatOptions;
  #timer: NodeJS.Timeout;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#timer = this.#every(options.heartbeatSeconds, { ...options, isStopping: false });
  }

  /**
   * From now on messages and claims are kept for a short time only, so that what dies with its
   * machine is free soon; until then, work goes on.
   */
  hurry(): void {
    clearInterval(this.#timer);
    const heartbeatSeconds = Math.min(STOPPING_SECONDS, this.#options.heartbeatSeconds);
    const visibilitySeconds = Math.min(3 * heartbeatSeconds, this.#options.visibilitySeconds);
    const beat = { ...this.#options, heartbeatSeconds, visibilitySeconds, isStopping: true };
    for (const hold of this.#holds.values()) hold.beat(beat);
    this.#timer = this.#every(heartbeatSeconds, beat);
  }

  /** Of a message that this agent has already. */
  find(messageId: string): Hold | undefined {
    return this.#holds.get(messageId);
  }

  /** Whether another message of that task is worked on. */
  isBusyWith(key: string): boolean {
    return [...this.#holds.values()].some((hold) => hold.key === key);
  }

  hold(delivery: Delivery): Hold {
    const hold = new Hold(delivery, () => this.#holds.delete(delivery.messageId));
    this.#holds.set(delivery.messageId, hold);
    return hold;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #every(seconds: number, beat: Beat): NodeJS.Timeout {
    return setInterval(() => {
      for (const hold of this.#holds.values()) hold.beat(beat);
    }, seconds * 1000);
  }
}
