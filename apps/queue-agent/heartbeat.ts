/** Keeps what an agent works on: the messages invisible to others, the claims from expiring. */

import type { Log } from "../service/log";
import type { Claim } from "./claims";
import type { Delivery } from "./delivery";

export interface HeartbeatOptions {
  readonly heartbeatSeconds: number;
  /** Keeps a message invisible for another visibility timeout. */
  readonly extend: (receiptHandle: string) => Promise<void>;
  /** Prolongs a claim; false: it is somebody else's by now. */
  readonly renew: (claim: Claim) => Promise<boolean>;
  readonly log: Log;
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

  /** What has become of the task is being written, which ends the claim. */
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

  beat(options: HeartbeatOptions): void {
    this.#beating ??= this.#beat(options).finally(() => {
      this.#beating = undefined;
    });
  }

  async #beat({ extend, renew, log }: HeartbeatOptions): Promise<void> {
    const { messageId } = this.delivery;
    const claim = this.#claim;
    const extended = extend(this.#receiptHandle).catch((error: unknown) => {
      if (this.#isHeld) log.warn({ error, messageId }, "a message could not be kept invisible");
    });
    const renewed = claim === undefined ? Promise.resolve(true) : renew(claim);
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
  readonly #timer: NodeJS.Timeout;

  constructor(options: HeartbeatOptions) {
    this.#timer = setInterval(() => {
      for (const hold of this.#holds.values()) hold.beat(options);
    }, options.heartbeatSeconds * 1000);
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
}
