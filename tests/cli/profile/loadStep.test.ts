import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { ImageClient } from "../../../cli/profile/imageRequest";
import { loadStep, type StepOptions } from "../../../cli/profile/loadStep";
import { RequestBudget } from "../../../cli/profile/requestBudget";
import { type SlottedServerOptions, slottedServer } from "./slottedServer";

const never = new AbortController().signal;

/** One step of load on a server of its own. */
async function stepOn(server: SlottedServerOptions, options: Partial<StepOptions>, timeout = 10) {
  const started = await slottedServer(server);
  const image = { prompt: "a lighthouse", size: "512x512", steps: 4 };
  const client = new ImageClient({ url: started.url, image, timeoutSeconds: timeout });
  try {
    const step = await loadStep({
      requestsPerSecond: 20,
      requests: 20,
      budget: new RequestBudget(1000),
      signal: never,
      ask: (signal) => client.ask(signal),
      ...options,
    });
    return { step: step!, started };
  } finally {
    await client.close();
    await started.close();
  }
}

describe("a step of load", () => {
  it("reaches the server evenly spaced, also below one a second", async () => {
    const { started, step } = await stepOn(
      { slots: 1, serviceMs: 20 },
      { requestsPerSecond: 0.8, requests: 3 },
    );
    const [first, second, third] = started.requests.map(({ at }) => at);
    for (const gap of [second! - first!, third! - second!])
      assert.ok(gap > 1000 && gap < 1500, `${gap} ms apart`);
    assert.equal(step.answeredRequestsPerSecond, 0.8);
    assert.deepEqual(started.requests[0]?.body, {
      prompt: "a lighthouse",
      size: "512x512",
      steps: 4,
      n: 1,
      response_format: "b64_json",
    });
  });

  it("goes on sending while a server stands still, and counts what each request waited", async () => {
    const frozen = { atRequest: 10, ms: 2000 };
    const { started, step } = await stepOn(
      { slots: 4, serviceMs: 20, freeze: frozen },
      { requests: 40 },
    );
    assert.equal(started.arrived(), 40);
    // A closed loop would have sent nothing for two seconds, and have one slow answer of many.
    const duringFreeze = started.requests.filter(
      ({ at }) => at > started.requests[9]!.at && at < started.requests[9]!.at + 1400,
    );
    assert.ok(duringFreeze.length > 15, `${duringFreeze.length} arrived meanwhile`);
    assert.ok(step.latency!.p99Seconds > 1.8, `p99 ${step.latency!.p99Seconds}`);
    assert.ok(step.latency!.p90Seconds > 1.2, `p90 ${step.latency!.p90Seconds}`);
    assert.ok(step.latency!.fastestSeconds < 0.5);
  });

  it("counts from the time a request was to be sent, also where the sender is late", async () => {
    const { step } = await stepOn(
      { slots: 8, serviceMs: 5 },
      {
        progress: ({ sent, answered }) => {
          const until = Date.now() + 400;
          // This process does nothing else for a while, once.
          while (sent === 10 && answered < 10 && Date.now() < until);
        },
      },
    );
    assert.ok(step.latestSendSeconds > 0.2);
    assert.ok(step.latency!.p99Seconds >= step.latestSendSeconds * 0.99);
  });

  it("says what a server that is asked too much can serve", async () => {
    const { step, started } = await stepOn(
      { slots: 2, serviceMs: 100 },
      { requestsPerSecond: 40, requests: 40 },
    );
    const ratio = step.answeredRequestsPerSecond / started.capacityPerSecond;
    assert.ok(ratio > 0.6 && ratio <= 1.1, `${ratio} of the capacity`);
    assert.equal(step.answeredRequests, 40);
    assert.ok(step.latency!.p90Seconds > 0.5);
  });

  it("counts 503 apart from what is broken, and gives neither a latency", async () => {
    const { step } = await stepOn(
      { slots: 1, serviceMs: 200, queue: 0, statusOf: (request) => (request === 1 ? 500 : 200) },
      {},
    );
    assert.equal(step.failedRequests, 1);
    assert.ok(step.refusedRequests > 5);
    assert.equal(step.answeredRequests + step.refusedRequests + 1, step.requests);
    assert.ok(step.latency!.fastestSeconds > 0.15, "a quick refusal is no quick answer");
    assert.equal(step.errorRatio, (step.refusedRequests + 1) / step.requests);
    assert.equal(step.failures["500: device lost"], 1);
  });

  it("counts an answer that never comes with the time it was waited for", async () => {
    const { step } = await stepOn(
      { slots: 1, serviceMs: 60_000 },
      { requestsPerSecond: 50, requests: 5 },
      0.4,
    );
    assert.equal(step.timedOutRequests, 5);
    assert.equal(step.errorRatio, 1);
    assert.ok(step.latency!.p50Seconds >= 0.39);
  });

  it("says why nobody answers", async () => {
    const client = new ImageClient({
      url: "http://127.0.0.1:9",
      image: { prompt: "x" },
      timeoutSeconds: 5,
    });
    const answer = await client.ask(never);
    await client.close();
    assert.equal(answer.kind, "failed");
    assert.match(answer.kind === "failed" ? answer.reason : "", /ECONNREFUSED|bad port/);
  });

  it("sends none too many, and says nothing of a rate that it could not keep up", async () => {
    const { step, started } = await stepOn(
      { slots: 4, serviceMs: 5 },
      { budget: new RequestBudget(7) },
    );
    assert.equal(step, undefined);
    assert.equal(started.arrived(), 7);
  });

  it("stops at once when it is interrupted, and waits for no answer", async () => {
    const interrupted = new AbortController();
    void delay(300).then(() => interrupted.abort());
    const { step, started } = await stepOn(
      { slots: 1, serviceMs: 60_000 },
      { signal: interrupted.signal },
      600,
    );
    assert.equal(step, undefined);
    assert.ok(started.arrived() < 20);
  });
});
