import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";

/** The runtime's queue, but for receiving. */
export class Queue {
  constructor(
    readonly client: SQSClient,
    readonly url: string,
  ) {}

  /** The message is visible again after so many seconds; 0: at once. */
  async visibleAfter(receiptHandle: string, seconds: number): Promise<void> {
    await this.client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: this.url,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: seconds,
      }),
    );
  }

  /**
   * Deletes ten messages at most.
   *
   * @returns why, for each that is still there
   */
  async delete(receiptHandles: readonly string[]): Promise<readonly string[]> {
    if (receiptHandles.length === 0) return [];
    const { Failed = [] } = await this.client.send(
      new DeleteMessageBatchCommand({
        QueueUrl: this.url,
        Entries: receiptHandles.map((ReceiptHandle, index) => ({
          Id: String(index),
          ReceiptHandle,
        })),
      }),
    );
    return Failed.map(({ Code, Message }) => `${Code}: ${Message}`);
  }
}
