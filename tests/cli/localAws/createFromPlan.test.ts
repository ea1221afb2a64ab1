import assert from "node:assert/strict";
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketVersioningCommand,
} from "@aws-sdk/client-s3";
import { PublishCommand } from "@aws-sdk/client-sns";
import {
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
} from "@aws-sdk/client-sqs";
import { clientsAt, createFromPlan, type LocalWorld } from "../../../cli/localAws/localWorld";
import { RUNTIME_ATTRIBUTE } from "../../../contracts/tasks/message";
import { TABLE_KEY, TABLE_TTL } from "../../../contracts/tasks/record";
import { runtimesSchema } from "../../../contracts/tasks/runtimes";
import { planOf } from "../../program/planned";
import { describeOnMoto } from "../../python/moto";
import { twoRuntimes } from "../tasks/twoRuntimes";

describeOnMoto("what is created from a plan", (moto) => {
  let world: LocalWorld;
  let aws: ReturnType<typeof clientsAt>;

  before("create stack dev with two runtimes", async () => {
    world = await createFromPlan(await planOf("dev", ...twoRuntimes), moto().endpoint);
    aws = clientsAt(moto().endpoint, world.region);
  });
  after(() => {
    for (const client of Object.values(aws ?? {})) client.destroy();
  });

  const agent = (runtime: string) => world.agents.get(runtime)!;
  const receive = async (url: string): Promise<Message[]> => {
    const command = { QueueUrl: url, MaxNumberOfMessages: 10, MessageAttributeNames: ["All"] };
    return (await aws.sqs.send(new ReceiveMessageCommand(command))).Messages ?? [];
  };
  const publish = (body: string, runtime: string) =>
    aws.sns.send(
      new PublishCommand({
        TopicArn: world.taskApi!.TASK_TOPIC_ARN,
        Message: body,
        MessageAttributes: { [RUNTIME_ATTRIBUTE]: { DataType: "String", StringValue: runtime } },
      }),
    );

  it("brings what is published for a runtime into its queue only, as it was published", async () => {
    await publish('{"for":"drawings"}', "drawings");
    await publish('{"for":"workflows"}', "workflows");
    await publish('{"for":"nobody"}', "nobody");
    for (const runtime of ["drawings", "workflows"]) {
      const messages = await receive(agent(runtime).QUEUE_URL!);
      assert.deepEqual(
        messages.map(({ Body, MessageAttributes }) => [
          Body,
          MessageAttributes?.[RUNTIME_ATTRIBUTE]?.StringValue,
        ]),
        [[`{"for":"${runtime}"}`, runtime]],
      );
    }
  });

  it("gives queues the times and the dead-letter queue of the plan", async () => {
    const settings = agent("drawings");
    const read = async (url: string) =>
      (
        await aws.sqs.send(
          new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }),
        )
      ).Attributes!;
    const queue = await read(settings.QUEUE_URL!);
    const deadLetters = await read(settings.DEAD_LETTER_QUEUE_URL!);
    assert.equal(queue.VisibilityTimeout, settings.VISIBILITY_SECONDS);
    assert.deepEqual(JSON.parse(queue.RedrivePolicy!), {
      deadLetterTargetArn: deadLetters.QueueArn,
      maxReceiveCount: Number(settings.MAX_RECEIVE_COUNT),
    });
    assert.ok(Number(deadLetters.MessageRetentionPeriod) > Number(queue.MessageRetentionPeriod));
  });

  it("gives the table its key, its time to live and its backups", async () => {
    const TableName = world.taskApi!.TABLE_NAME!;
    const { Table } = await aws.dynamodb.send(new DescribeTableCommand({ TableName }));
    assert.deepEqual(Table?.KeySchema, [{ AttributeName: TABLE_KEY, KeyType: "HASH" }]);
    assert.equal(Table?.BillingModeSummary?.BillingMode, "PAY_PER_REQUEST");
    const { TimeToLiveDescription: ttl } = await aws.dynamodb.send(
      new DescribeTimeToLiveCommand({ TableName }),
    );
    assert.deepEqual([ttl?.AttributeName, ttl?.TimeToLiveStatus], [TABLE_TTL, "ENABLED"]);
    const { ContinuousBackupsDescription: backups } = await aws.dynamodb.send(
      new DescribeContinuousBackupsCommand({ TableName }),
    );
    assert.equal(backups?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus, "ENABLED");
  });

  it("gives buckets their encryption, versions and lifecycle", async () => {
    const { RESULTS_BUCKET, INPUTS_BUCKET } = agent("drawings");
    for (const Bucket of [RESULTS_BUCKET, INPUTS_BUCKET]) {
      const encryption = await aws.s3.send(new GetBucketEncryptionCommand({ Bucket }));
      assert.equal(encryption.ServerSideEncryptionConfiguration?.Rules?.length, 1);
      const versioning = await aws.s3.send(new GetBucketVersioningCommand({ Bucket }));
      assert.equal(versioning.Status, "Enabled");
      const lifecycle = await aws.s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
      assert.ok(lifecycle.Rules?.some(({ Expiration }) => (Expiration?.Days ?? 0) > 0));
    }
  });

  it("gives the apps the environment of the plan, which names what exists", async () => {
    const runtimes = runtimesSchema.parse(JSON.parse(world.taskApi!.RUNTIMES!));
    assert.deepEqual([...world.agents.keys()].sort(), runtimes.map(({ name }) => name).sort());
    for (const settings of [world.taskApi!, ...world.agents.values()])
      assert.doesNotMatch(JSON.stringify(settings), /<output of/);
    assert.equal(agent("workflows").ADAPTER, "comfyui");
    assert.equal(
      agent("drawings").RESULT_TOPIC_ARN,
      world.outputsOf("aws:sns/topic:Topic", "task-results").arn,
    );
  });

  it("refuses to make up what is not there", () => {
    assert.throws(() => world.outputsOf("aws:sqs/queue:Queue", "nothing"), /nothing/);
  });
});
