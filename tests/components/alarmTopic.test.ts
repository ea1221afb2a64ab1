import assert from "node:assert/strict";
import { AlarmTopic } from "../../components/alarmTopic";
import { construct, scope } from "../mocks";

const create = (...emails: string[]) =>
  construct(() => void new AlarmTopic("alarms", { scope, emails }));
const publishers = ["cloudwatch.amazonaws.com", "events.amazonaws.com"];

describe("AlarmTopic", () => {
  it("is encrypted by a key that CloudWatch and EventBridge of this account may use", async () => {
    const made = await create();
    const key = made.one("aws:kms/key:Key");
    assert.equal(key.inputs.enableKeyRotation, true);
    const [, use] = JSON.parse(key.inputs.policy).Statement;
    assert.deepEqual(use.Principal.Service, publishers);
    assert.deepEqual(use.Action, ["kms:Decrypt", "kms:GenerateDataKey"]);
    assert.equal(use.Condition.StringEquals["aws:SourceAccount"], "123456789012");
    assert.equal(
      made.one("aws:sns/topic:Topic").inputs.kmsMasterKeyId,
      "arn:aws:mock:us-west-2:123456789012:alarms",
    );
  });

  it("takes messages from alarms and rules of this account, and by TLS only", async () => {
    const { policy } = (await create()).one("aws:sns/topicPolicy:TopicPolicy").inputs;
    const [publish, refusal] = JSON.parse(policy).Statement;
    assert.deepEqual(publish.Principal.Service, publishers);
    assert.deepEqual(publish.Condition, {
      StringEquals: { "aws:SourceAccount": "123456789012" },
      ArnLike: {
        "aws:SourceArn": [
          "arn:aws:cloudwatch:us-west-2:123456789012:alarm:*",
          "arn:aws:events:us-west-2:123456789012:rule/*",
        ],
      },
    });
    assert.equal(refusal.Effect, "Deny");
    assert.deepEqual(refusal.Condition, { Bool: { "aws:SecureTransport": "false" } });
  });

  it("subscribes each address", async () => {
    const made = await create("a@example.com", "b@example.com");
    const subscriptions = made.ofType("aws:sns/topicSubscription:TopicSubscription");
    assert.deepEqual(
      subscriptions.map(({ inputs }) => [inputs.protocol, inputs.endpoint]),
      [
        ["email", "a@example.com"],
        ["email", "b@example.com"],
      ],
    );
  });
});
