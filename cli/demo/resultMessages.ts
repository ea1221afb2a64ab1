import { SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { type Notification, notificationSchema } from "../../contracts/tasks/result";

const QUEUE = "demo-results";

/** Source: Amazon SQS API reference, ReceiveMessage. */
const BATCH = 10;

/** What a subscriber of the result topic is told. */
export interface ResultMessages {
  /** The next ones, after a second at most. */
  next(): Promise<readonly Notification[]>;
  close(): void;
}

/** Subscribes a queue to the result topic, as a user would. */
export async function subscribeToResults(
  endpoint: string,
  region: string,
  topicArn: string,
): Promise<ResultMessages> {
  const options = {
    endpoint,
    region,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const sqs = new SQSClient(options);
  const sns = new SNSClient(options);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: QUEUE }));
  const account = topicArn.split(":")[4];
  await sns.send(
    new SubscribeCommand({
      TopicArn: topicArn,
      Protocol: "sqs",
      Endpoint: `arn:aws:sqs:${region}:${account}:${QUEUE}`,
      Attributes: { RawMessageDelivery: "true" },
    }),
  );
  sns.destroy();
  return {
    next: async () => {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: BATCH,
          WaitTimeSeconds: 1,
        }),
      );
      if (Messages.length > 0)
        await sqs.send(
          new DeleteMessageBatchCommand({
            QueueUrl,
            Entries: Messages.map(({ ReceiptHandle }, index) => ({
              Id: String(index),
              ReceiptHandle,
            })),
          }),
        );
      return Messages.map(({ Body }) => notificationSchema.parse(JSON.parse(Body!)));
    },
    close: () => sqs.destroy(),
  };
}
