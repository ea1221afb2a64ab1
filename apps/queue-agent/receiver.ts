/** Receives messages, one at a time, as there is room for them. */

import type { SQSClient } from "@aws-sdk/client-sqs";
import { Consumer } from "sqs-consumer";
import type { Log } from "../service/log";
import { type Delivery, deliveryOf } from "./delivery";

export interface ReceiverOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly visibilitySeconds: number;
  /** Asked before each receive: resolves when messages are wanted. */
  readonly wanted: () => Promise<void>;
  /** Resolves when there is room for another one. */
  readonly take: (delivery: Delivery) => Promise<void>;
  readonly log: Log;
}

/** SQS's longest poll. */
const POLL_SECONDS = 20;

/** After a receive that failed in spite of the SDK's tries. */
const PAUSE_MS = 2_000;

/**
 * sqs-consumer polls; deleting messages and keeping them invisible is the agent's, because a message
 * is on its way longer than its handler: another one is received while the first one runs.
 */
export class Receiver {
  readonly #consumer: Consumer;
  #isStopped = false;
  #hasFailed = false;

  constructor({ client, queueUrl, visibilitySeconds, wanted, take, log }: ReceiverOptions) {
    this.#consumer = Consumer.create({
      sqs: client,
      queueUrl,
      batchSize: 1,
      visibilityTimeout: visibilitySeconds,
      waitTimeSeconds: POLL_SECONDS,
      messageAttributeNames: ["All"],
      messageSystemAttributeNames: ["ApproximateReceiveCount", "SentTimestamp"],
      shouldDeleteMessages: false,
      preReceiveMessageCallback: async () => {
        if (this.#hasFailed) await new Promise((passed) => setTimeout(passed, PAUSE_MS));
        this.#hasFailed = false;
        await wanted();
      },
      handleMessage: async (message) => {
        // It has come when the process was told to stop already: visible again by its timeout.
        if (!this.#isStopped) await take(deliveryOf(message));
        return undefined;
      },
    });
    const onError = (error: Error) => {
      // A poll that is broken off.
      if (this.#isStopped) return;
      this.#hasFailed = true;
      log.warn({ error }, "receiving has failed");
    };
    this.#consumer.on("error", onError);
    this.#consumer.on("processing_error", onError);
  }

  start(): void {
    this.#consumer.start();
  }

  /** Breaks off the poll. */
  stop(): void {
    this.#isStopped = true;
    this.#consumer.stop({ abort: true });
  }
}
