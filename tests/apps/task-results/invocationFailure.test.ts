import assert from "node:assert/strict";
import { inferenceResultOf, Malformed } from "../../../apps/task-results/inferenceMessage";
import { invocationFailure, isRetried } from "../../../apps/task-results/invocationFailure";

const times = { at: "2026-08-01T00:00:00.000Z", requestTtlSeconds: 4 * 3600 };
const reason = (side: string, status: number) =>
  `ClientError: Received ${side} error (${status}) from model. See the SageMaker Endpoint logs in your account for more information.`;

/** As people have published it. */
const completed = {
  awsRegion: "us-west-2",
  eventTime: "2023-07-05T06:38:47.73Z",
  receivedTime: "2023-07-05T06:38:45.725Z",
  invocationStatus: "Completed",
  requestParameters: {
    accept: "*/*",
    endpointName: "infer-endpoint",
    inputLocation: "s3://bucket/infer-endpoint/input/one.json",
  },
  responseParameters: {
    contentType: "application/json",
    outputLocation: "s3://bucket/output/1.out",
  },
  inferenceId: "1f9679f3-25b8-4c44-8345-0a845da30094",
  eventVersion: "1.0",
  eventSource: "aws:sagemaker",
  eventName: "InferenceResult",
};

describe("A failed invocation", () => {
  for (const [text, code] of [
    [reason("server", 500), "runtime"],
    [reason("server", 503), "busy"],
    [reason("client", 429), "busy"],
    [reason("client", 400), "refused"],
    ["ModelError: Model invocation timed out.", "timeout"],
    ["InternalServerError", "runtime"],
  ] as const)
    it(`is ${code} by "${text.slice(0, 50)}"`, () => {
      assert.equal(invocationFailure(text, undefined, times).code, code);
    });

  for (const text of [
    "The request expired.",
    "RequestExpired",
    "ClientError: The request's TTL is over.",
  ])
    it(`is not tried again after it has waited for too long, by "${text}"`, () => {
      const { code, message } = invocationFailure(text, undefined, times);
      assert.equal(isRetried(code, { attempts: 1, maxAttempts: 3 }), false);
      assert.equal(
        message,
        `no instance took the request within the 4 h that it may wait (${text})`,
      );
    });

  for (const text of [
    "The security token included in the request is expired",
    "Requests are throttled",
    "ClientError: Received server error (500) from model: the licence has expired.",
  ])
    it(`is tried again by "${text.slice(0, 60)}", as nothing has waited for too long`, () => {
      const { code, message } = invocationFailure(text, undefined, times);
      assert.equal(isRetried(code, { attempts: 1, maxAttempts: 3 }), true);
      assert.equal(message, text);
    });

  it("has the container's own words before SageMaker's", () => {
    const { message } = invocationFailure(
      reason("client", 400),
      '{"error":{"message":"size: 512x512 is wanted"}}',
      times,
    );
    assert.match(message, /^size: 512x512 is wanted \(ClientError: /);
  });

  it("is tried again while it has attempts, if that may help", () => {
    assert.equal(isRetried("runtime", { attempts: 2, maxAttempts: 3 }), true);
    assert.equal(isRetried("runtime", { attempts: 3, maxAttempts: 3 }), false);
    assert.equal(isRetried("refused", { attempts: 1, maxAttempts: 3 }), false);
  });
});

describe("A message of the results' queue", () => {
  it("is read as SageMaker publishes it, with and without an envelope", () => {
    const raw = inferenceResultOf(JSON.stringify(completed));
    assert.equal(raw?.inferenceId, completed.inferenceId);
    const envelope = { Type: "Notification", Message: JSON.stringify(completed) };
    assert.deepEqual(inferenceResultOf(JSON.stringify(envelope)), raw);
  });

  it("names what makes it none", () => {
    assert.throws(() => inferenceResultOf("{"), Malformed);
    const { inferenceId: _, ...without } = completed;
    assert.throws(() => inferenceResultOf(JSON.stringify(without)), /inferenceId/);
    const { eventName: _name, ...nameless } = completed;
    assert.throws(() => inferenceResultOf(JSON.stringify(nameless)), /eventName/);
  });

  it("is none when it is well formed and of something else", () => {
    const { eventSource: _, ...sourceless } = completed;
    for (const other of [
      sourceless,
      { ...completed, eventSource: "aws:s3" },
      { ...completed, eventName: "TestNotification" },
      { Type: "SubscriptionConfirmation", Message: "You have chosen to subscribe" },
      { Type: "Notification", Message: '{"test":true}' },
      "a test",
      [completed],
      null,
    ])
      assert.equal(inferenceResultOf(JSON.stringify(other)), undefined, JSON.stringify(other));
  });
});
