import assert from "node:assert/strict";
import fc from "fast-check";
import { deadLetterAttributes } from "../../../apps/queue-agent/deadLetters";
import type { Delivery } from "../../../apps/queue-agent/delivery";
import { parseMessage } from "../../../apps/queue-agent/taskMessage";
import {
  DEAD_LETTER_REASON_ATTRIBUTE,
  DEAD_LETTER_REASON_LENGTH,
  TOPIC_MESSAGE_BYTES,
} from "../../../contracts/tasks/message";
import { malformedMessages } from "./malformedMessages";
import { messageBody, textAttributes } from "./world";

function delivered(body: string, attributes: Readonly<Record<string, string>> = {}): Delivery {
  return {
    messageId: "m",
    receiptHandle: "r",
    body,
    attributes: textAttributes(attributes),
    receiveCount: 1,
    sentAtMs: Date.parse("2026-11-14T00:00:00Z"),
  };
}

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("a message", () => {
  it("of the API is a task", () => {
    const submittedAt = "2026-11-14T00:00:00.000Z";
    const body = messageBody("sd", {
      id: "a",
      key: "a~1f2e3d4c",
      prefix: "output/",
      context: { user: 1 },
      submittedAt,
    });
    assert.deepEqual(parseMessage(delivered(body, { traceparent, tracestate: "a=b" })), {
      task: {
        key: "a~1f2e3d4c",
        id: "a",
        run: "1f2e3d4c",
        runtime: "sd",
        type: "text-to-image",
        prefix: "output/",
        context: { user: 1 },
        content: { prompt: "of a" },
        contentKey: undefined,
        requestHash: undefined,
        submittedAt,
        deadLetterId: undefined,
        traceHeaders: { traceparent, tracestate: "a=b" },
      },
    });
  });

  it("that was published by hand, as the guidance describes, is a task of its id, from when it was sent", () => {
    const { task } = parseMessage(delivered(messageBody("sd", { id: "a" })));
    assert.equal(task?.key, "a");
    assert.equal(task?.run, undefined);
    assert.equal(task?.context, undefined);
    assert.equal(task?.submittedAt, "2026-11-14T00:00:00.000Z");
  });

  it("in the envelope of a subscription without raw delivery is the same task", () => {
    const body = JSON.stringify({
      Type: "Notification",
      MessageId: "1",
      Message: messageBody("sd", { id: "a" }),
      MessageAttributes: { traceparent: { Type: "String", Value: traceparent } },
    });
    const { task } = parseMessage(delivered(body));
    assert.equal(task?.id, "a");
    assert.deepEqual(task?.traceHeaders, { traceparent });
  });

  it("with a trace context that is none is a task without one", () => {
    const { task } = parseMessage(delivered(messageBody("sd", { id: "a" }), { traceparent: "x" }));
    assert.deepEqual(task?.traceHeaders, {});
  });

  for (const { kind, body, reason } of malformedMessages("sd"))
    it(`is no task when it is ${kind}, and the reason says so`, () => {
      const { malformed } = parseMessage(delivered(body));
      assert.match(malformed ?? "", reason);
    });

  it("of any text is a task or has a reason", () =>
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.jsonValue().map((v) => JSON.stringify({ metadata: v, content: v })),
        ),
        (body) => {
          const { task, malformed } = parseMessage(delivered(body));
          assert.ok((task === undefined) === (typeof malformed === "string" && malformed !== ""));
        },
      ),
    ));
});

describe("a dead letter", () => {
  it("has a reason that SQS takes, in a message that is not too large, whatever was wrong", () =>
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 3000 }),
        fc.integer({ min: 0, max: TOPIC_MESSAGE_BYTES - 600 }),
        (reason, length) => {
          const delivery = delivered("x".repeat(length), { runtime: "sd", traceparent });
          const attributes = deadLetterAttributes(
            { delivery, id: "0".repeat(36), code: "malformed", reason },
            new Date(),
          );
          const bytes = Object.entries(attributes).reduce(
            (sum, [name, { DataType, StringValue }]) =>
              sum + Buffer.byteLength(`${name}${DataType}${StringValue}`),
            length,
          );
          assert.ok(bytes <= TOPIC_MESSAGE_BYTES, String(bytes));
          assert.ok(Object.keys(attributes).length <= 10);
          const said = attributes[DEAD_LETTER_REASON_ATTRIBUTE]?.StringValue;
          assert.notEqual(said, "");
          assert.ok((said ?? "").length <= DEAD_LETTER_REASON_LENGTH);
          assert.doesNotMatch(said ?? "", /(?![\t\n\r])[\p{Cc}\uFFFE\uFFFF]/u);
        },
      ),
    ));
});
