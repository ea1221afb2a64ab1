/** Receives messages, one at a time, as there is room for them. */

import type { SQSClient } from "@aws-sdk/client-sqs";
import { Consumer } from "sqs-consumer";
import type { Log } from "../service/log";
import { type Delivery, deliveryOf } from "./delivery";

export interface ReceiverOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly visibilitySeconds: number;
  /** Asked before each poll: resolves when messages are wanted. */
  readonly wanted: () => Promise<void>;
  /** Resolves when there is room for another one. */
  readonly take: (delivery: Delivery) => Promise<void>;
  /** Of a message that comes too late. */
  readonly giveBack: (delivery: Delivery) => Promise<void>;
  readonly log: Log;
}

/** SQS's longest poll. */
const POLL_SECONDS = 20;

/** After a poll that failed in spite of the SDK's tries. */
const PAUSE_MS = 2_000;

/** How long the last poll may bring back what has just been handed back. */
const LAST_POLL_MS = 1_500;

/**
 * sqs-consumer polls; deleting messages and keeping them invisible is the agent's, because a message
 * is on its way longer than its handler: another one is received while the first one runs.
 */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #consumer: Consumer;
  #isStopped = false;
  #hasFailed = false;
  #poll: { readonly over: Promise<void>; readonly end: () => void } | undefined;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    const { client, queueUrl, visibilitySeconds } = options;
    this.#consumer = Consumer.create({
      sqs: client,
      queueUrl,
      batchSize: 1,
      visibilityTimeout: visibilitySeconds,
      waitTimeSeconds: POLL_SECONDS,
      messageAttributeNames: ["All"],
      messageSystemAttributeNames: ["ApproximateReceiveCount", "SentTimestamp"],
      shouldDeleteMessages: false,
      preReceiveMessageCallback: () => this.#beforePoll(),
      handleMessage: async (message) => {
        await this.#received(deliveryOf(message));
        return undefined;
      },
    });
    for (const event of ["error", "processing_error"] as const)
      this.#consumer.on(event, (...[error]: readonly [Error, ...unknown[]]) => this.#failed(error));
    this.#consumer.on("empty", () => this.#poll?.end());
  }

  start(): void {
    this.#consumer.start();
  }

  /**
   * Polls no more. What the last poll brings is given back; to break it off at once would leave SQS
   * free to deliver a message to nobody.
   */
  stop(): void {
    this.#isStopped = true;
    this.#consumer.stop();
  }

  /** Waits for the last poll, for what was handed back comes with it, but not for an empty one. */
  async end(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((passed) => {
      timer = setTimeout(passed, LAST_POLL_MS);
    });
    await Promise.race([this.#poll?.over, limit]);
    clearTimeout(timer);
    this.#consumer.abortController?.abort();
  }

  async #beforePoll(): Promise<void> {
    if (this.#hasFailed) await new Promise((passed) => setTimeout(passed, PAUSE_MS));
    this.#hasFailed = false;
    await this.#options.wanted();
    if (this.#isStopped) throw new Error("no more polls");
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#poll = { over, end };
  }

  async #received(delivery: Delivery): Promise<void> {
    const { take, giveBack, log } = this.#options;
    if (!this.#isStopped) {
      this.#poll?.end();
      await take(delivery);
      return;
    }
    log.info({ messageId: delivery.messageId }, "it comes too late, and is given back");
    await giveBack(delivery);
    this.#poll?.end();
  }

  #failed(error: Error): void {
    this.#poll?.end();
    if (this.#isStopped) return;
    this.#hasFailed = true;
    this.#options.log.warn({ error }, "receiving has failed");
  }
}
