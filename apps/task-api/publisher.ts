import type { S3Client } from "@aws-sdk/client-s3";
import { PublishCommand, type SNSClient } from "@aws-sdk/client-sns";
import type { TaskMessage } from "../../contracts/tasks/message";
import { ask } from "./awsCall";
import { attributesOf, fitsTopic, leaveContent } from "./claimCheck";
import type { Deadline } from "./deadline";
import type { TraceHeaders } from "./trace";

export interface PublisherOptions {
  readonly sns: SNSClient;
  readonly s3: S3Client;
  readonly topicArn: string;
  /** Where content goes that the topic does not take. */
  readonly inputsBucket: string;
  readonly deadline: Deadline;
}

/** Hands a task of one request to the topic, from where it gets to its runtime's queue. */
export class Publisher {
  constructor(private readonly options: PublisherOptions) {}

  /**
   * @param key of the task's record
   * @throws AwsUnavailable
   */
  async publish(key: string, task: TaskMessage, trace: TraceHeaders): Promise<void> {
    const { sns, s3, topicArn, inputsBucket, deadline } = this.options;
    const options = { abortSignal: deadline.work };
    const attributes = attributesOf(task, trace);
    const whole = JSON.stringify(task);
    const body = fitsTopic(whole, attributes)
      ? whole
      : JSON.stringify(await leaveContent(s3, inputsBucket, key, task, options));
    await ask(
      "SNS Publish",
      sns.send(
        new PublishCommand({
          TopicArn: topicArn,
          Message: body,
          MessageAttributes: Object.fromEntries(
            Object.entries(attributes).map(([name, value]) => [
              name,
              { DataType: "String", StringValue: value },
            ]),
          ),
        }),
        options,
      ),
    );
  }
}
