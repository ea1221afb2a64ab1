import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { Registry } from "prom-client";
import { EmbeddedMetrics } from "../../apps/queue-agent/embeddedMetrics";
import { Metrics } from "../../apps/queue-agent/metrics";
import { createLog } from "../../apps/service/log";
import { METRIC_NAMESPACE } from "../../contracts/metrics";
import { QUEUE_AGENT } from "../../contracts/tasks/settings";
import {
  imagesCost,
  millionImages,
  monthlyCost,
  requestsPerTask,
  type TaskLoad,
  type TaskMachine,
  usdPerThousandImages,
} from "../../fleet/asyncCost";
import { guidancePerMillionImages, guidanceTask } from "../../fleet/guidanceCost";
import { pricePerHour, spotPricePerHour } from "../../fleet/prices";
import { queueTimes } from "../../fleet/queueing";

const machine: TaskMachine = { name: "g5.xlarge", pricePerHour: 1.006, source: "a test" };

/** US dollars of one line. */
function lineOf(load: TaskLoad, service: string, dimension: RegExp): number {
  const { lines } = imagesCost(load, machine);
  return lines.find((line) => line.service === service && dimension.test(line.dimension))!.usd;
}

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);

describe("what images cost on the asynchronous path", () => {
  it("is the sum of lines that each are quantity times price, with a source", () => {
    const { lines, usd } = imagesCost(millionImages, machine);
    for (const line of lines) {
      close(line.usd, (line.quantity / line.per) * line.unitPrice);
      assert.notEqual(line.source, "");
    }
    close(
      usd,
      lines.reduce((sum, line) => sum + line.usd, 0),
    );
    close(usdPerThousandImages(millionImages, machine), usd / 1000);
  });

  it("takes the guidance's images, and its prices where both pay for the same", () => {
    assert.equal(millionImages.secondsPerImage, guidanceTask.secondsPerImage);
    assert.equal(millionImages.imageKiB, guidanceTask.imageKiB);
    const rows = guidancePerMillionImages;
    const theirs = (service: string) => rows.find((row) => row.service === service)!;
    close(lineOf(millionImages, "Amazon API Gateway", /requests/), 3.5);
    close(lineOf(millionImages, "Amazon SNS", /requests/), 2 * theirs("Amazon SNS").unitPrice);
    const { lines } = imagesCost({ ...millionImages, idleSecondsPerTask: 0 }, machine);
    assert.equal(lines[0]!.quantity.toFixed(2), theirs("Amazon EC2").quantity.toFixed(2));
  });

  it("counts what a task asks of AWS: 2 of SNS, 3 of SQS, 3 writes, 3 PUTs", () => {
    assert.deepEqual(requestsPerTask({ ...millionImages, secondsPerImage: 0 }), {
      api: 1,
      sns: 2,
      sqs: 3,
      dynamoWrites: 3,
      dynamoReads: 0,
      s3Puts: 3,
    });
  });

  it("counts a heartbeat every 20 s that a task is held, on average, however short it is", () => {
    // Received ahead: 5 s behind the run before, or as long as that took.
    for (const [seconds, behind] of [
      [1.5, 1.5],
      [5, 5],
      [100, 5],
      [1000, 5],
    ] as const) {
      const { sqs, dynamoWrites } = requestsPerTask({ ...millionImages, secondsPerImage: seconds });
      close(sqs, 3 + (seconds + behind) / 20);
      close(dynamoWrites, 3 + seconds / 20);
    }
  });

  it("counts 64 KiB of a message and 1 KiB of a record as one each", () => {
    const large = requestsPerTask({
      ...millionImages,
      secondsPerImage: 0,
      requestKiB: 65,
      recordBytes: 1025,
    });
    assert.deepEqual([large.sns, large.sqs, large.dynamoWrites], [3, 5, 6]);
    const told = requestsPerTask({ ...millionImages, notifyRunning: true, statusReads: 2 });
    assert.deepEqual([told.sns, told.api, told.dynamoReads], [3, 3, 2]);
  });

  it("is in proportion to the images, and less with more of them in a task", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 2, max: 8 }), (k, n) => {
        const { usd } = imagesCost(millionImages, machine);
        const more = { ...millionImages, images: millionImages.images * k };
        assert.ok(Math.abs(imagesCost(more, machine).usd - usd * k) < 1e-6 * k);
        assert.ok(imagesCost({ ...millionImages, imagesPerTask: n }, machine).usd < usd);
      }),
    );
  });

  it("pays for the time that the runtime stands idle", () => {
    const idle = (seconds: number) =>
      imagesCost({ ...millionImages, idleSecondsPerTask: seconds }, machine).usd;
    close(idle(0.06) - idle(0), ((1_000_000 * 0.06) / 3600) * machine.pricePerHour);
  });

  it("leaves out what there is none of", () => {
    const { lines } = imagesCost({ ...millionImages, tracedPart: 0 }, machine);
    assert.ok(!lines.some(({ service }) => service === "AWS X-Ray"));
  });

  it("keeps records as long as the queue's arithmetic says of the defaults", () => {
    const { recordSeconds } = queueTimes({
      longestTaskSeconds: 600,
      maxAttempts: 3,
      backlogHours: 48,
      resultDays: millionImages.resultDays,
    });
    assert.equal(millionImages.recordDays, recordSeconds / (24 * 3600));
  });

  it("takes in an agent's lines as Fluent Bit sends them", () => {
    const sent = agentLines().map(eventOf).join("");
    // Of the function, of API Gateway and Lambda.
    const others = 0.6 + 1.4;
    assert.equal(Math.round(others + Buffer.byteLength(sent) / 1024), millionImages.logKiB);
  });

  it("refuses no images, and times and sizes below 0", () => {
    assert.throws(() => imagesCost({ ...millionImages, images: 0 }, machine), RangeError);
    assert.throws(() => imagesCost({ ...millionImages, imagesPerTask: 0 }, machine), RangeError);
    const wrong = { ...millionImages, imageKiB: -1 };
    assert.throws(() => imagesCost(wrong, machine), /imageKiB must be 0 or more, not -1/);
  });
});

/** What an agent writes of a task that succeeds at once. */
function agentLines(): string[] {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line.trimEnd());
  const of = { stack: "dev", runtime: "drafts" };
  const embedded = new EmbeddedMetrics({ namespace: METRIC_NAMESPACE, ...of, write });
  const metrics = new Metrics(new Registry(), embedded);
  metrics.waited(12.345);
  metrics.ran(1.502);
  metrics.completed(1);
  const log = createLog("info", { app: QUEUE_AGENT, pod, ...of }, { write });
  log.info({ key: randomUUID(), images: 1, attempt: "1a2b3c4d" }, "completed");
  return lines;
}

const pod = "drafts-7c9d8f6b54-x2k4p";

/** An event of `/aws/containerinsights/CLUSTER/application`; metrics are lifted to its root. */
function eventOf(line: string): string {
  const digest = "0".repeat(64);
  const image = `123456789012.dkr.ecr.us-west-2.amazonaws.com/dev-queue-agent@sha256:${digest}`;
  const members = JSON.parse(line) as Record<string, unknown>;
  return JSON.stringify({
    time: "2026-08-01T12:00:00.000000000Z",
    stream: "stdout",
    _p: "F",
    log: line,
    ...("_aws" in members ? members : { log_processed: members }),
    kubernetes: {
      pod_name: pod,
      namespace_name: "diffusion-fleet",
      pod_id: randomUUID(),
      host: "ip-10-0-12-123.us-west-2.compute.internal",
      pod_ip: "10.0.12.234",
      container_name: QUEUE_AGENT,
      docker_id: digest,
      container_hash: image,
      container_image: image,
    },
  });
}

describe("what the asynchronous path costs a month", () => {
  const environment = {
    controlPlanes: 1,
    systemNodes: { instanceType: "m7i.large", count: 2, pricePerHour: 0.1008, source: "a test" },
    natGateways: 1,
    keys: 1,
    publishers: 2,
    tableUsers: 2,
    metrics: 6,
  };

  it("is control plane, system nodes, gateway, key and metrics for 730 hours", () => {
    const { usd } = monthlyCost(environment);
    const keyUses = ((730 * 12 * (2 * 2 + 2)) / 10_000) * 0.03;
    close(usd, 730 * (0.1 + 2 * 0.1008 + 0.045) + 1 + keyUses + 6 * 0.3);
  });

  it("is the key and the metrics alone in a cluster and a network that are there already", () => {
    const { lines } = monthlyCost({
      ...environment,
      controlPlanes: 0,
      natGateways: 0,
      systemNodes: { ...environment.systemNodes, count: 0 },
    });
    assert.deepEqual(
      lines.map(({ service }) => service),
      ["AWS KMS", "AWS KMS", "Amazon CloudWatch"],
    );
  });
});

describe("a spot price", () => {
  it("is below the on-demand price, and unknown where nobody looked it up", () => {
    const spot = spotPricePerHour("g5.xlarge", "us-west-2");
    assert.ok(spot!.usd < pricePerHour("g5.xlarge", "us-west-2")!.usd);
    assert.equal(spotPricePerHour("g5.xlarge", "eu-central-1"), undefined);
    assert.equal(spotPricePerHour("toString", "us-west-2"), undefined);
  });
});
