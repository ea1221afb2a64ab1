import assert from "node:assert/strict";
import { RuntimeQueue } from "../../components/runtimeQueue";
import type { Scope } from "../../components/scope";
import { queueTimes } from "../../fleet/queueing";
import { construct, scope } from "../mocks";

const QUEUE = "aws:sqs/queue:Queue";
const taskTopicArn = "arn:aws:sns:us-west-2:123456789012:tasks";
const times = queueTimes({
  longestTaskSeconds: 600,
  maxAttempts: 3,
  backlogHours: 48,
  resultDays: 30,
});

const create = (more: Partial<Scope> = {}) =>
  construct(
    () =>
      void new RuntimeQueue("tasks-sdxl", {
        scope: { ...scope, ...more },
        runtime: "sdxl",
        times,
        taskTopicArn,
      }),
  );

describe("RuntimeQueue", () => {
  it("has the times of the arithmetic, and long polls", async () => {
    const { inputs } = (await create()).one(QUEUE, "tasks-sdxl");
    assert.equal(inputs.visibilityTimeoutSeconds, times.visibilitySeconds);
    assert.equal(inputs.messageRetentionSeconds, times.retentionSeconds);
    assert.equal(JSON.parse(inputs.redrivePolicy).maxReceiveCount, times.maxReceiveCount);
    assert.equal(inputs.receiveWaitTimeSeconds, 20);
  });

  it("keeps dead letters longest, and takes those of its own queue only", async () => {
    const made = await create();
    const queue = made.one(QUEUE, "tasks-sdxl");
    const deadLetters = made.one(QUEUE, "tasks-sdxl-dead-letters");
    assert.equal(deadLetters.inputs.messageRetentionSeconds, times.deadLetterRetentionSeconds);
    assert.ok(times.deadLetterRetentionSeconds > times.retentionSeconds);
    assert.deepEqual(JSON.parse(deadLetters.inputs.redriveAllowPolicy), {
      redrivePermission: "byQueue",
      sourceQueueArns: [`arn:aws:sqs:us-west-2:123456789012:${queue.inputs.name}`],
    });
    assert.match(
      JSON.parse(queue.inputs.redrivePolicy).deadLetterTargetArn,
      /:tasks-sdxl-dead-letters$/,
    );
  });

  it("encrypts both queues, refuses plain HTTP, and takes from the tasks' topic alone", async () => {
    const made = await create();
    for (const { inputs } of made.ofType(QUEUE)) assert.equal(inputs.sqsManagedSseEnabled, true);
    const policies = made.ofType("aws:sqs/queuePolicy:QueuePolicy");
    assert.equal(policies.length, 2);
    for (const { inputs } of policies) {
      const [topic, refusal, ...others] = JSON.parse(inputs.policy).Statement;
      assert.deepEqual(topic.Principal, { Service: "sns.amazonaws.com" });
      assert.equal(topic.Action, "sqs:SendMessage");
      assert.deepEqual(topic.Condition, {
        StringEquals: { "aws:SourceAccount": "123456789012" },
        ArnEquals: { "aws:SourceArn": taskTopicArn },
      });
      assert.equal(refusal.Effect, "Deny");
      assert.deepEqual(refusal.Condition, { Bool: { "aws:SecureTransport": "false" } });
      assert.deepEqual(others, []);
    }
  });

  it("gets its runtime's tasks as they were published, and what cannot be delivered is kept", async () => {
    const made = await create();
    const subscription = made.one("aws:sns/topicSubscription:TopicSubscription");
    const { inputs } = subscription;
    assert.equal(inputs.rawMessageDelivery, true);
    assert.equal(inputs.filterPolicyScope, "MessageAttributes");
    assert.deepEqual(JSON.parse(inputs.filterPolicy), { runtime: ["sdxl"] });
    assert.match(JSON.parse(inputs.redrivePolicy).deadLetterTargetArn, /:tasks-sdxl-dead-letters$/);
    for (const policy of made.ofType("aws:sqs/queuePolicy:QueuePolicy"))
      assert.ok(made.waitsFor(subscription, policy), "a task would be refused until then");
  });

  it("is protected with the tasks in it, where data is", async () => {
    for (const protectData of [false, true])
      for (const queue of (await create({ protectData })).ofType(QUEUE))
        assert.equal(queue.protect, protectData);
  });
});
