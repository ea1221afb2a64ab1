import assert from "node:assert/strict";
import { deadLetterOf } from "../../../cli/tasks/deadLetter";
import {
  DEAD_LETTER_CODE_ATTRIBUTE,
  DEAD_LETTER_REASON_ATTRIBUTE,
  DEAD_LETTERED_AT_ATTRIBUTE,
} from "../../../contracts/tasks/message";

const body = JSON.stringify({ metadata: { id: "a", runtime: "r" }, content: {} });
const text = (value: string) => ({ DataType: "String", StringValue: value });

describe("a dead letter", () => {
  it("says what its agent said", () => {
    const letter = deadLetterOf({
      MessageId: "m",
      Body: body,
      Attributes: { SentTimestamp: "0" },
      MessageAttributes: {
        [DEAD_LETTER_CODE_ATTRIBUTE]: text("refused"),
        [DEAD_LETTER_REASON_ATTRIBUTE]: text("no such sampler"),
        [DEAD_LETTERED_AT_ATTRIBUTE]: text("2026-11-22T10:00:00.000Z"),
      },
    });
    assert.deepEqual(letter, {
      id: "a",
      key: "a",
      code: "refused",
      reason: "no such sampler",
      since: "2026-11-22T10:00:00.000Z",
      attempts: null,
      messageId: "m",
    });
  });

  it("that SQS moved has no code, and names the queue it came from", () => {
    const letter = deadLetterOf({
      MessageId: "m",
      Body: body,
      Attributes: {
        SentTimestamp: "1795341600000",
        DeadLetterQueueSourceArn: "arn:aws:sqs:us-west-2:123456789012:fleet-tasks-r",
      },
    });
    assert.equal(letter.code, null);
    assert.match(letter.reason, /SQS moved it from fleet-tasks-r/);
    assert.equal(letter.since, "2026-11-22T10:00:00.000Z");
  });

  it("of an id that was used before is told by its record's key", () => {
    const Body = JSON.stringify({ metadata: { id: "a" }, key: "a~0123abcd" });
    const { id, key } = deadLetterOf({ MessageId: "m", Body });
    assert.deepEqual([id, key], ["a", "a~0123abcd"]);
  });

  it("in SNS's envelope, or as the guidance publishes it, is told by its id", () => {
    assert.equal(deadLetterOf({ Body: JSON.stringify({ Message: body }) }).id, "a");
    assert.equal(
      deadLetterOf({ Body: JSON.stringify({ task: { metadata: { id: "b" } } }) }).id,
      "b",
    );
  });

  it("that is no task has no id, whatever it is", () => {
    for (const Body of ["", "x", "null", "[]", "{}", '{"metadata":null}', '{"metadata":{"id":7}}'])
      assert.equal(deadLetterOf({ Body }).id, null, Body);
  });
});
