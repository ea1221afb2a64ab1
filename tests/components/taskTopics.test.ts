import assert from "node:assert/strict";
import { TaskTopics } from "../../components/taskTopics";
import { construct, scope } from "../mocks";

const nobody = { emails: [], https: [], queueArns: [] };
const create = (subscribers: ConstructorParameters<typeof TaskTopics>[1]["subscribers"] = nobody) =>
  construct(() => void new TaskTopics("task-topics", { scope, subscribers }));

describe("TaskTopics", () => {
  it("are encrypted by one key that rotates, and that no service may use", async () => {
    const made = await create();
    const key = made.one("aws:kms/key:Key");
    assert.equal(key.inputs.enableKeyRotation, true);
    const [account, ...others] = JSON.parse(key.inputs.policy).Statement;
    assert.equal(account.Principal.AWS, "arn:aws:iam::123456789012:root");
    assert.deepEqual(others, []);
    for (const name of ["tasks", "task-results"])
      assert.match(
        made.one("aws:sns/topic:Topic", name).inputs.kmsMasterKeyId,
        /:task-topics$/,
        name,
      );
  });

  it("let nobody publish by their own policies, and nobody without TLS", async () => {
    const policies = (await create()).ofType("aws:sns/topicPolicy:TopicPolicy");
    assert.equal(policies.length, 2);
    for (const { inputs } of policies) {
      const [refusal, ...others] = JSON.parse(inputs.policy).Statement;
      assert.equal(refusal.Effect, "Deny");
      assert.deepEqual(refusal.Condition, { Bool: { "aws:SecureTransport": "false" } });
      assert.deepEqual(others, []);
    }
  });

  it("tell each subscriber of results, and none of tasks", async () => {
    const made = await create({
      emails: ["a@example.com"],
      https: ["https://example.com/hook"],
      queueArns: ["arn:aws:sqs:us-west-2:123456789012:results"],
    });
    const subscriptions = made
      .ofType("aws:sns/topicSubscription:TopicSubscription")
      .sort((a, b) => (a.inputs.protocol < b.inputs.protocol ? -1 : 1));
    for (const { inputs } of subscriptions) assert.match(inputs.topic, /:task-results$/);
    assert.deepEqual(
      subscriptions.map(({ inputs }) => [inputs.protocol, inputs.endpoint]),
      [
        ["email", "a@example.com"],
        ["https", "https://example.com/hook"],
        ["sqs", "arn:aws:sqs:us-west-2:123456789012:results"],
      ],
    );
    assert.equal(subscriptions[1]!.inputs.endpointAutoConfirms, true);
    assert.equal(subscriptions[2]!.inputs.rawMessageDelivery, undefined, "as the guidance's do");
  });
});
