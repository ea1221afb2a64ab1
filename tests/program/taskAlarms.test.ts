import assert from "node:assert/strict";
import type { Plan } from "../../cli/plan/makePlan";
import { ofType, planOf } from "./planned";

describe("The alarms of the tasks' API and topics", () => {
  let dev: Plan;
  before(async () => {
    dev = await planOf("dev");
  });

  const dimensions = (part: string) => {
    const [alarm] = ofType(dev, "aws:cloudwatch/metricAlarm:MetricAlarm").filter(
      ({ name }) => name === `alarms-${part}`,
    );
    return alarm?.inputs.dimensions;
  };
  const input = (type: string, name: string, key: string) =>
    ofType(dev, type).find((it) => it.name === name)?.inputs[key] ?? assert.fail(`no ${name}`);

  it("are about the API and the stage that are made", () => {
    assert.deepEqual(dimensions("task-api-errors"), {
      ApiName: input("aws:apigateway/restApi:RestApi", "task-api", "name"),
      Stage: input("aws:apigateway/stage:Stage", "task-api", "stageName"),
    });
  });

  it("are about the function behind it", () => {
    assert.deepEqual(dimensions("task-api-throttled"), {
      FunctionName: input("aws:lambda/function:Function", "task-api", "name"),
    });
  });

  it("are about the function that brings the results of managed runtimes back", async () => {
    const managed = await planOf("managed");
    const of = (type: string, name: string) =>
      ofType(managed, type).find((it) => it.name === name)?.inputs ?? assert.fail(`no ${name}`);
    const alarm = of("aws:cloudwatch/metricAlarm:MetricAlarm", "alarms-task-results-errors");
    assert.deepEqual(alarm.dimensions, {
      FunctionName: of("aws:lambda/function:Function", "task-results").name,
    });
  });

  for (const topic of ["tasks", "task-results"])
    it(`are about the topic ${topic}`, () => {
      assert.deepEqual(dimensions(`topic-${topic}-undelivered`), {
        TopicName: input("aws:sns/topic:Topic", topic, "name"),
      });
    });

  it("are not made where the asynchronous path is off", async () => {
    const off = await planOf("dev", "async.enabled=false");
    const named = ofType(off, "aws:cloudwatch/metricAlarm:MetricAlarm").map(({ name }) => name);
    assert.deepEqual(
      named.filter((name) => /^alarms-(task-api|topic)-/.test(name)),
      [],
    );
  });
});
