import assert from "node:assert/strict";
import { resolve } from "node:path";
import { CreateBucketCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { CreateTopicCommand, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { MeasuredProcess } from "../../../cli/bench/measuredProcess";
import { startRecordingRuntime } from "../../../cli/bench/recordingRuntime";
import { clientsAt } from "../../../cli/localAws/localWorld";
import { pythonWith } from "../../../cli/localAws/python";
import { eventually } from "../../cluster/eventually";
import { describeOnMoto, motoEnvironment } from "../../python/moto";

const root = resolve(__dirname, "../../..");
const region = "us-west-2";

describeOnMoto("the agent that ours is measured against", (moto) => {
  it("leaves an image, the rest of the answer and a notification, and deletes the message", async () => {
    const { interpreter } = pythonWith(root, ["boto3", "requests"]);
    const { sqs, sns, s3 } = clientsAt(moto().endpoint, region);
    const queue = async (QueueName: string) =>
      (await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl!;
    const [tasks, told] = [await queue("tasks"), await queue("told")];
    const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: "results" }));
    const Endpoint = `arn:aws:sqs:${region}:123456789012:told`;
    await sns.send(
      new SubscribeCommand({
        TopicArn,
        Protocol: "sqs",
        Endpoint,
        Attributes: { RawMessageDelivery: "true" },
      }),
    );
    await s3.send(
      new CreateBucketCommand({
        Bucket: "results",
        CreateBucketConfiguration: { LocationConstraint: region },
      }),
    );
    const metadata = { id: "t-1", runtime: "sd", tasktype: "text-to-image", prefix: "output" };
    const MessageBody = JSON.stringify({ metadata, content: { prompt: "a cat" } });
    await sqs.send(new SendMessageCommand({ QueueUrl: tasks, MessageBody }));

    const runtime = await startRecordingRuntime();
    const script = resolve(root, "cli/bench/sequentialAgent.py");
    const agent = new MeasuredProcess(interpreter!, ["-W", "ignore", script], {
      ...motoEnvironment(moto()),
      AWS_DEFAULT_REGION: region,
      QUEUE_URL: tasks,
      RESULTS_BUCKET: "results",
      RESULT_TOPIC_ARN: TopicArn!,
      RUNTIME: "sd",
      RUNTIME_URL: runtime.url,
    });
    try {
      const isDeleted = async () => {
        agent.assertRunning();
        const { Attributes = {} } = await sqs.send(
          new GetQueueAttributesCommand({
            QueueUrl: tasks,
            AttributeNames: [
              "ApproximateNumberOfMessages",
              "ApproximateNumberOfMessagesNotVisible",
            ],
          }),
        );
        return Object.values(Attributes).every((count) => count === "0");
      };
      await eventually("the message is deleted", isDeleted, 30_000);
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: "results" }));
      const keys = Contents.map(({ Key = "" }) => Key.replace(/-[0-9a-f]{4}/, "-RAND")).sort();
      assert.deepEqual(keys, ["output/t-1/t-1-RAND-1.png", "output/t-1/t-1-RAND.out"]);
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: told }));
      const { id, status, image_url } = JSON.parse(Messages[0]!.Body!);
      assert.deepEqual([id, status, image_url.length], ["t-1", "completed", 1]);
      assert.equal(runtime.busy.length, 1);
    } finally {
      await agent.stop();
      runtime.stop();
      for (const client of [sqs, sns, s3]) client.destroy();
    }
  });
});
