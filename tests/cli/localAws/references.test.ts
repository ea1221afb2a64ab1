import assert from "node:assert/strict";
import { type Existing, filled, unfilled } from "../../../cli/localAws/references";

const queue: Existing = {
  urn: "urn:queue",
  type: "aws:sqs/queue:Queue",
  name: "tasks",
  outputs: { arn: "arn:queue", url: "http://queue" },
};
const topic: Existing = {
  urn: "urn:topic",
  type: "aws:sns/topic:Topic",
  name: "tasks",
  outputs: { arn: "arn:topic" },
};

describe("references of a plan", () => {
  it("are replaced by what exists, wherever they stand", () => {
    const inputs = {
      policy: '{"Resource":["<output of tasks.url>","<output of tasks.url>/*"]}',
      rules: [{ target: "<output of tasks.url>", days: 3, on: true, none: null }],
    };
    assert.deepEqual(filled(inputs, [queue], []), {
      policy: '{"Resource":["http://queue","http://queue/*"]}',
      rules: [{ target: "http://queue", days: 3, on: true, none: null }],
    });
  });

  it("mean, of resources of one name, the one that is depended on", () => {
    const text = "<output of tasks.arn>";
    assert.equal(filled(text, [queue, topic], ["urn:topic"]), "arn:topic");
    assert.equal(filled(text, [topic, queue], ["urn:queue"]), "arn:queue");
  });

  it("mean, of resources of one name, the one that has such an output", () => {
    assert.equal(filled("<output of tasks.url>", [topic, queue], ["urn:topic"]), "http://queue");
  });

  it("stay where nothing exists for them, and are told", () => {
    const text = "arn:<output of role.arn> and <output of tasks.arn>";
    assert.equal(filled(text, [queue], []), "arn:<output of role.arn> and arn:queue");
    assert.deepEqual(unfilled(text), ["<output of role.arn>", "<output of tasks.arn>"]);
  });
});
