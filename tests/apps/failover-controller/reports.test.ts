import assert from "node:assert/strict";
import { CloudWatchClient, ListMetricsCommand } from "@aws-sdk/client-cloudwatch";
import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { Reports } from "../../../apps/failover-controller/reports";
import { createLog } from "../../../apps/service/log";
import type { ModelStatus } from "../../../contracts/failover";
import { describeOnMoto, motoEnvironment } from "../../python/moto";

const status: ModelStatus = {
  model: "sd21",
  mode: "capacity",
  configuredMode: "cost",
  failedOverSince: "2026-11-14T03:00:00.000Z",
  reason: "sd21-inf2-neuron is short of machines (capacity, NodeClaim prod-sd21-inf2-neuron-x7k2p)",
  since: "2026-11-14T03:00:00.000Z",
  weights: { sd21: 1 },
  units: {},
  switches: ["2026-11-14T03:00:00.000Z"],
};

describeOnMoto("What the fail-over controller tells AWS", (moto) => {
  const before: Record<string, string | undefined> = {};
  let topicArn: string;
  let failures: string[];
  let reports: Reports;

  beforeEach(async () => {
    for (const [name, value] of Object.entries(motoEnvironment(moto()))) {
      before[name] = process.env[name];
      process.env[name] = value;
    }
    const { TopicArn } = await new SNSClient({}).send(new CreateTopicCommand({ Name: "alarms" }));
    topicArn = TopicArn!;
    failures = [];
  });
  afterEach(() => {
    reports.stop();
    for (const [name, value] of Object.entries(before))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  });

  function create(settings: Partial<Record<"AWS_REGION" | "TOPIC_ARN", string>>): Reports {
    reports = new Reports({
      settings: { STACK: "prod", ...settings },
      log: createLog("silent"),
      onFailure: (what) => failures.push(what),
    });
    return reports;
  }

  /** What a topic was told, by moto's own record. */
  async function told(): Promise<{ readonly subject: string; readonly message: string }[]> {
    const response = await fetch(`${moto().endpoint}/moto-api/data.json`);
    const { sns } = (await response.json()) as {
      sns: { Topic: { sent_notifications: [string, string, string, unknown, unknown][] }[] };
    };
    return sns.Topic.flatMap(({ sent_notifications }) =>
      sent_notifications.map(([, message, subject]) => ({ message, subject })),
    );
  }

  it("is a message on each switch, with what, why and where to look", async () => {
    create({ AWS_REGION: "us-west-2", TOPIC_ARN: topicArn }).switched(status, "over");
    const [first] = await eventually(told);
    assert.equal(first!.subject, "prod: sd21 failed over to capacity");
    for (const part of [status.reason, status.since, "sd21 1", "docs/operations/fail-over.md"])
      assert.ok(first!.message.includes(part), part);
    assert.deepEqual(failures, []);
  });

  it("is a heartbeat with the modes, the switches and the errors", async () => {
    const leading = { statuses: [status], errors: 0, silenceMs: 0 };
    create({ AWS_REGION: "us-west-2" }).start(() => leading);
    const found = await eventually(async () => {
      const list = new ListMetricsCommand({ Namespace: "hw-agnostic-infer" });
      return (await new CloudWatchClient({}).send(list)).Metrics ?? [];
    });
    assert.deepEqual(found.map(({ MetricName }) => MetricName).sort(), [
      "failover-errors",
      "failover-heartbeat",
      "sd21-failover-mode",
      "sd21-failover-switches",
      "sd21-units-short",
    ]);
    for (const { Dimensions } of found)
      assert.deepEqual(Dimensions, [{ Name: "stack", Value: "prod" }]);
  });

  it("is a failure that is counted when the topic is not there, and no more than that", async () => {
    create({ AWS_REGION: "us-west-2", TOPIC_ARN: `${topicArn}-gone` }).switched(status, "back");
    assert.deepEqual(await eventually(async () => failures), ["sns"]);
  });

  it("is nothing without a region, from who does not lead, or who sees nothing", async () => {
    create({ TOPIC_ARN: topicArn }).switched(status, "over");
    create({ AWS_REGION: "us-west-2" }).start(() => undefined);
    reports.stop();
    create({ AWS_REGION: "us-west-2" }).start(() => ({
      statuses: [{ ...status, model: "deaf" }],
      errors: 0,
      silenceMs: 300_000,
    }));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const list = new ListMetricsCommand({ MetricName: "deaf-failover-mode" });
    assert.deepEqual((await new CloudWatchClient({}).send(list)).Metrics ?? [], []);
    assert.deepEqual(failures, []);
  });
});

/** Asks until there is something. */
async function eventually<T>(ask: () => Promise<readonly T[]>): Promise<readonly T[]> {
  for (let time = 0; time < 100; time++) {
    const found = await ask();
    if (found.length > 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return [];
}
