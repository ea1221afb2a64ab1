import assert from "node:assert/strict";
import { Alarms, type AlarmsArgs } from "../../components/alarms";
import {
  counterMetric,
  errorMetric,
  FAILOVER_HEARTBEAT_METRIC,
  failoverSwitchesMetric,
  latencyMetric,
  METRIC_NAMESPACE,
} from "../../contracts/metrics";
import { construct, scope } from "../mocks";

const topicArn = "arn:aws:sns:us-west-2:123456789012:alarms";

// biome-ignore lint/suspicious/noExplicitAny: tests look into inputs by path
async function alarms(more: Partial<AlarmsArgs> = {}): Promise<Record<string, any>> {
  const made = await construct(
    () =>
      void new Alarms("alarm", {
        scope,
        topicArn,
        units: [
          { name: "sd21-inf2-neuron", latencySeconds: 0.67, minReplicas: 1 },
          { name: "sd21-g5-cuda", latencySeconds: 0.92, minReplicas: 0 },
        ],
        namespace: "diffusion-fleet",
        latencyObjectiveMs: 900,
        pendingMinutes: 5,
        deadLetters: [],
        containerInsights: true,
        loadBalancer: true,
        runtimes: [],
        topics: [],
        failoverModels: [],
        ...more,
      }),
  );
  const prefix = "diffusion-fleet-dev-";
  return Object.fromEntries(
    made
      .ofType("aws:cloudwatch/metricAlarm:MetricAlarm")
      .map(({ inputs }) => [String(inputs.name).slice(prefix.length), inputs]),
  );
}

describe("Alarms", () => {
  it("tell the topic of an alarm and of its end, and choose what missing data means", async () => {
    for (const alarm of Object.values(await alarms())) {
      assert.deepEqual(alarm.alarmActions, [topicArn]);
      assert.deepEqual(alarm.okActions, [topicArn]);
      assert.ok(["missing", "notBreaching", "breaching"].includes(alarm.treatMissingData));
    }
  });

  it("watch the oldest task of each runtime, beyond what it may wait and then take", async () => {
    const runtimes = [
      { name: "drafts", queueName: "tasks-drafts", waitMinutes: 60, longestTaskSeconds: 600 },
    ];
    const alarm = (await alarms({ runtimes }))["runtime-drafts-oldest-task"];
    assert.equal(alarm.metricName, "ApproximateAgeOfOldestMessage");
    assert.deepEqual(alarm.dimensions, { QueueName: "tasks-drafts" });
    assert.equal(alarm.threshold, 4200);
    assert.equal(alarm.treatMissingData, "notBreaching", "an empty queue has no oldest task");
  });

  it("tell when the tasks' API answers 5xx, and when Lambda does not run its function", async () => {
    const taskApi = { apiName: "fleet-task-api", stage: "prod", functionName: "fleet-function" };
    const named = await alarms({ taskApi });
    const errors = named["task-api-errors"];
    assert.deepEqual([errors.namespace, errors.metricName], ["AWS/ApiGateway", "5XXError"]);
    assert.deepEqual(errors.dimensions, { ApiName: "fleet-task-api", Stage: "prod" });
    const throttled = named["task-api-throttled"];
    assert.deepEqual([throttled.namespace, throttled.metricName], ["AWS/Lambda", "Throttles"]);
    assert.deepEqual(throttled.dimensions, { FunctionName: "fleet-function" });
    for (const alarm of [errors, throttled]) {
      assert.equal(alarm.statistic, "Sum");
      assert.equal(alarm.treatMissingData, "notBreaching", "nobody asks");
    }
    assert.deepEqual(
      Object.keys(await alarms()).filter((name) => name.startsWith("task-api")),
      [],
      "the path is off",
    );
  });

  it("tell when what brings results back fails again and again", async () => {
    const alarm = (await alarms({ resultsFunctionName: "fleet-task-results" }))[
      "task-results-errors"
    ];
    assert.deepEqual([alarm.namespace, alarm.metricName], ["AWS/Lambda", "Errors"]);
    assert.deepEqual(alarm.dimensions, { FunctionName: "fleet-task-results" });
    assert.equal(alarm.treatMissingData, "notBreaching", "nobody calls it");
    assert.equal((await alarms())["task-results-errors"], undefined);
  });

  it("tell of the first message that a topic could not deliver", async () => {
    const topic = { name: "tasks", of: "A task is not in its queue", topicName: "fleet-tasks" };
    const alarm = (await alarms({ topics: [topic] }))["topic-tasks-undelivered"];
    assert.deepEqual(
      [alarm.namespace, alarm.metricName, alarm.statistic, alarm.threshold],
      ["AWS/SNS", "NumberOfNotificationsFailed", "Sum", 0],
    );
    assert.deepEqual(alarm.dimensions, { TopicName: "fleet-tasks" });
    assert.equal(alarm.treatMissingData, "notBreaching");
    assert.match(alarm.alarmDescription, /A task is not in its queue/);
  });

  it("watch each unit's latency, as its servers publish it, against the objective", async () => {
    const alarm = (await alarms())["unit-sd21-inf2-neuron-latency"];
    assert.equal(alarm.namespace, METRIC_NAMESPACE);
    assert.equal(alarm.metricName, latencyMetric("sd21-inf2-neuron"));
    assert.deepEqual(alarm.dimensions, { stack: "dev" });
    assert.equal(alarm.threshold, 0.9);
    const slower = (await alarms())["unit-sd21-g5-cuda-latency"];
    assert.equal(slower.threshold, 1.104, "a fifth above what it was measured at");
    assert.equal(alarm.treatMissingData, "notBreaching");
  });

  it("tell of the first message in a dead-letter queue", async () => {
    const queue = { name: "tasks", of: "A task failed", queueName: "fleet-tasks-dead-letters" };
    const alarm = (await alarms({ deadLetters: [queue] }))["dead-letters-tasks"];
    assert.equal(alarm.namespace, "AWS/SQS");
    assert.equal(alarm.metricName, "ApproximateNumberOfMessagesVisible");
    assert.deepEqual(alarm.dimensions, { QueueName: "fleet-tasks-dead-letters" });
    assert.equal(alarm.threshold, 0);
    assert.match(alarm.alarmDescription, /A task failed/);
  });

  it("watch missing replicas for as long as the config says", async () => {
    const alarm = (await alarms({ pendingMinutes: 7 }))["unit-sd21-g5-cuda-missing-replicas"];
    assert.equal(alarm.evaluationPeriods, 7);
    const [missing, desired, ready] = alarm.metricQueries;
    assert.equal(missing.expression, "desired - ready");
    for (const { metric, returnData } of [desired, ready]) {
      assert.equal(returnData, false);
      assert.equal(metric.period, 60);
      assert.deepEqual(metric.dimensions, {
        ClusterName: "diffusion-fleet-dev",
        Namespace: "diffusion-fleet",
        PodName: "sd21-g5-cuda",
      });
    }
  });

  it("without Container Insights miss units that shall have a replica and say nothing", async () => {
    const named = await alarms({ containerInsights: false });
    const silent = named["unit-sd21-inf2-neuron-silent"];
    assert.equal(silent.metricName, counterMetric("sd21-inf2-neuron"));
    assert.equal(silent.treatMissingData, "breaching");
    assert.equal(named["unit-sd21-g5-cuda-silent"], undefined, "it may have none");
    const rest = Object.keys(named).filter((name) => /missing-replicas|failed-nodes/.test(name));
    assert.deepEqual(rest, []);
  });

  it("watch the share of a unit's answers that are errors, and not in a minute without any", async () => {
    const alarm = (await alarms())["unit-sd21-inf2-neuron-errors"];
    const [share, errors, images] = alarm.metricQueries;
    assert.equal(share.expression, "IF(errors + images > 0, 100 * errors / (errors + images), 0)");
    assert.equal(errors.metric.metricName, errorMetric("sd21-inf2-neuron"));
    assert.equal(images.metric.metricName, counterMetric("sd21-inf2-neuron"));
    assert.equal(alarm.threshold, 5);
  });

  it("find the load balancer by this environment's tag, in one query", async () => {
    const alarm = (await alarms())["gateway-errors"];
    assert.equal(alarm.metricQueries.length, 1);
    const [{ expression, period }] = alarm.metricQueries;
    assert.match(expression, /FROM SCHEMA\("AWS\/ApplicationELB", LoadBalancer\)/);
    assert.match(expression, /WHERE tag\."diffusion-fleet:stack" = 'dev'$/);
    // Metrics Insights alarms look at the last three hours at most.
    assert.ok(period * alarm.evaluationPeriods <= 3 * 3600);
    assert.equal((await alarms({ loadBalancer: false }))["gateway-errors"], undefined);
  });

  it("tell of each move of a model's traffic by fail-over, in the minute of it", async () => {
    const alarm = (await alarms({ failoverModels: ["sd21"] }))["model-sd21-failover"];
    assert.equal(alarm.metricName, failoverSwitchesMetric("sd21"));
    assert.deepEqual([alarm.statistic, alarm.period, alarm.evaluationPeriods], ["Sum", 60, 1]);
    assert.deepEqual(
      [alarm.comparisonOperator, alarm.threshold],
      ["GreaterThanOrEqualToThreshold", 1],
    );
    assert.equal(alarm.treatMissingData, "notBreaching");
    assert.deepEqual([alarm.alarmActions, alarm.okActions], [[topicArn], []], "it is a message");
  });

  it("tell when the fail-over controller has not reported for five minutes", async () => {
    const alarm = (await alarms({ failoverModels: ["sd21"] }))["failover-silent"];
    assert.equal(alarm.metricName, FAILOVER_HEARTBEAT_METRIC);
    assert.deepEqual(
      [alarm.statistic, alarm.comparisonOperator, alarm.threshold],
      ["SampleCount", "LessThanThreshold", 1],
    );
    assert.deepEqual([alarm.evaluationPeriods, alarm.datapointsToAlarm], [5, 5]);
    assert.equal(alarm.treatMissingData, "breaching");
  });

  it("say nothing of fail-over where it is off", async () => {
    assert.deepEqual(
      Object.keys(await alarms()).filter((name) => name.includes("failover")),
      [],
    );
  });
});
