import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  type DashboardBodyArgs,
  type DashboardUnit,
  dashboardBody,
  type Widget,
} from "../../components/dashboardBody";
import type { DashboardEndpoint } from "../../components/endpointRow";
import type { DashboardRuntime } from "../../components/runtimeRow";
import {
  counterMetric,
  FAILOVER_ERRORS_METRIC,
  FAILOVER_HEARTBEAT_METRIC,
  failoverModeMetric,
  failoverSwitchesMetric,
  latencyMetric,
  METRIC_NAMESPACE,
  unitsShortMetric,
  usageRequestsMetric,
} from "../../contracts/metrics";
import { usageRateExpression } from "../../fleet/usageRate";

const inf2: DashboardUnit = {
  name: "sd21-inf2-neuron",
  model: "sd21",
  family: "neuron",
  weight: 40,
  targets: { cost: 105, capacity: 89 },
  pricePerHour: 0.7582,
};
const g5: DashboardUnit = { ...inf2, name: "sd21-g5-cuda", family: "nvidia", weight: 10 };

function body(more: Partial<DashboardBodyArgs> = {}): readonly Widget[] {
  return dashboardBody({
    stack: "dev",
    region: "us-west-2",
    units: [inf2, g5],
    clusterName: "diffusion-fleet-dev",
    namespace: "diffusion-fleet",
    loadBalancerName: "diffusion-fleet-dev-alb",
    latencyObjectiveSeconds: 0.9,
    containerInsights: true,
    runtimes: [],
    endpoints: [],
    failoverModels: [],
    ...more,
  }).widgets;
}

// biome-ignore lint/suspicious/noExplicitAny: a metric row is a list of mixed kinds
const metricsOf = (widgets: readonly Widget[]): any[][] =>
  widgets.flatMap(({ properties }) => (properties.metrics ?? []) as unknown[][]);

function runtime(name: string): DashboardRuntime {
  return { name, queueName: `tasks-${name}`, deadLetterQueueName: `tasks-${name}-dead-letters` };
}

const campaign: DashboardEndpoint = {
  kind: "asynchronous",
  name: "campaign",
  called: "fleet-campaign",
  usage: {
    expression: usageRateExpression({ inferenceSeconds: 10, accelerators: 12 }),
    target: 0.75,
  },
  requests: usageRequestsMetric("fleet-campaign", "us-west-2"),
};
const live: DashboardEndpoint = { kind: "variant", name: "live", called: "fleet-live", target: 5 };
const faces: DashboardEndpoint = {
  kind: "component",
  name: "faces",
  called: "fleet-faces",
  target: 5,
};

const target = fc.double({ min: 0.1, max: 1000, noNaN: true });
const unit = fc.record<DashboardUnit>({
  name: fc.stringMatching(/^[a-z][a-z0-9-]{0,28}$/),
  model: fc.constant("sd21"),
  family: fc.constantFrom("neuron", "nvidia"),
  weight: fc.nat(999),
  targets: fc.record({ cost: target, capacity: target }),
  pricePerHour: fc.double({ min: 0.01, max: 100, noNaN: true }),
});

describe("the dashboard's body", () => {
  it("has no overlaps and stays within 24 columns, for any fleet", () => {
    fc.assert(
      fc.property(
        fc.array(unit, { maxLength: 12 }),
        fc.boolean(),
        fc.option(fc.constant("alb"), { nil: undefined }),
        fc.array(fc.constantFrom("sd21", "sdxl"), { maxLength: 2 }),
        fc.array(fc.constantFrom("drafts", "portraits"), { maxLength: 3 }),
        fc.subarray([campaign, live, faces]),
        (units, containerInsights, loadBalancerName, failoverModels, runtimeNames, endpoints) => {
          const widgets = dashboardBody({
            stack: "dev",
            region: "us-west-2",
            units,
            clusterName: "c",
            namespace: "n",
            latencyObjectiveSeconds: 0.9,
            containerInsights,
            runtimes: runtimeNames.map(runtime),
            endpoints,
            failoverModels,
            ...(loadBalancerName === undefined ? {} : { loadBalancerName }),
          }).widgets;
          const cells = new Set<string>();
          for (const { x, y, width, height } of widgets) {
            assert.ok([x, y, width, height].every(Number.isInteger));
            assert.ok(x >= 0 && x + width <= 24 && height <= 1000);
            for (let column = x; column < x + width; column += 1)
              for (let row = y; row < y + height; row += 1) {
                assert.ok(!cells.has(`${column},${row}`));
                cells.add(`${column},${row}`);
              }
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("gives each unit a row with its six figures", () => {
    const titles = body().map(({ properties }) => properties.title);
    for (const title of [
      "Images per minute",
      "Latency, seconds",
      "Device utilisation, %",
      "Replicas",
      "Replicas missing",
      "US$ per 1,000 images",
    ])
      assert.equal(titles.filter((it) => it === title).length, 2, title);
  });

  it("gives each runtime a row: its queue, its oldest task, what became of tasks, and their times", () => {
    const widgets = body({ runtimes: [runtime("drafts")] });
    const [, ...graphs] = widgets.slice(
      widgets.findIndex(({ properties }) => properties.markdown === "## drafts, by queue"),
    );
    assert.equal(graphs.length, 4);
    const metrics = metricsOf(graphs);
    assert.ok(metrics.some((metric) => metric.includes("tasks-drafts-dead-letters")));
    for (const [namespace, , ...rest] of metrics)
      if (namespace === METRIC_NAMESPACE)
        assert.deepEqual(rest.slice(0, 4), ["stack", "dev", "runtime", "drafts"]);
      else assert.equal(namespace, "AWS/SQS");
  });

  it("reads the metrics that servers publish, of this stack only", () => {
    const own = metricsOf(body()).filter(([namespace]) => namespace === METRIC_NAMESPACE);
    const names = new Set(own.map(([, name]) => name));
    assert.deepEqual(
      [...names].sort(),
      [inf2, g5].flatMap(({ name }) => [counterMetric(name), latencyMetric(name)]).sort(),
    );
    for (const [, , dimension, stack] of own)
      assert.deepEqual([dimension, stack], ["stack", "dev"]);
  });

  it("asks for the utilisation of the device that a unit has", () => {
    const names = metricsOf(body()).map(([, name, ...rest]) => [name, rest[5]]);
    const busy = names.filter(([name]) => String(name).endsWith("_utilization"));
    assert.deepEqual(busy, [
      ["pod_neuroncore_utilization", "sd21-inf2-neuron"],
      ["pod_gpu_utilization", "sd21-g5-cuda"],
    ]);
  });

  it("computes cost from price, ready replicas and served images", () => {
    const [row] = metricsOf(body()).filter(([it]) => it.id === "cost");
    // 0.7582 US$ an hour, one replica, 105 images a minute: 0.12 US$ per thousand.
    const { expression } = row![0];
    const perMinute = Number(/ready \* ([\d.]+)/.exec(expression)?.[1]);
    assert.ok(Math.abs((perMinute * 1000) / 105 - 0.1203) < 1e-4, expression);
    assert.match(expression, /^IF\(images > 0,/);
  });

  it("defines every id that an expression reads", () => {
    for (const widget of body()) {
      const rows = metricsOf([widget]);
      const options = rows.map((row) => row.at(-1));
      const ids = new Set(options.map((option) => option?.id).filter(Boolean));
      for (const { expression = "" } of options) {
        if (expression.startsWith("SEARCH")) continue;
        for (const [word] of expression.matchAll(/\b[a-z]+\b/g)) assert.ok(ids.has(word), word);
      }
    }
  });

  it("says what is missing without Container Insights, and shows the rest", () => {
    const widgets = body({ containerInsights: false });
    const markdown = String(widgets[0]?.properties.markdown);
    assert.match(markdown, /cloudwatchObservability/);
    assert.doesNotMatch(markdown, /tasks/);
    const [header] = body({ containerInsights: false, runtimes: [runtime("drafts")] });
    assert.match(String(header?.properties.markdown), /tasks, want .*cloudwatchObservability/);
    assert.equal(metricsOf(widgets).filter(([it]) => it === "ContainerInsights").length, 0);
    assert.equal(widgets.filter(({ type }) => type === "metric").length, 3 + 2 * 2);
  });

  it("gives each managed endpoint a row, with the usage rate that it scales by", () => {
    const widgets = body({ endpoints: [campaign, live, faces] });
    const metrics = metricsOf(widgets);
    const [usage] = metrics.filter(([it]) => it.id === "usage");
    assert.equal(usage![0].expression, "IF(m1 != 0, m2 / (m1 * 60 / 10 * 12))");
    const m2 = metrics.find((metric) => metric.at(-1)?.id === "m2");
    assert.deepEqual(m2!.slice(0, 4), [
      "ImageGenAPI",
      "NumberOfInferenceRequests",
      "service",
      "ImageGenerator",
    ]);
    for (const [name, called] of [
      ["ConcurrentRequestsPerModel", "fleet-live"],
      ["ConcurrentRequestsPerCopy", "fleet-faces"],
      ["NoCapacityInvocationFailures", "fleet-faces"],
      ["ApproximateBacklogSize", "fleet-campaign"],
    ] as const)
      assert.ok(
        metrics.some((it) => it[1] === name && it[3] === called),
        name,
      );
    const lines = widgets.flatMap(({ properties }) => properties.annotations ?? []);
    assert.equal(lines.filter((it) => JSON.stringify(it).includes('"target","value":5')).length, 2);
  });

  it("names stack, region and units in its header, with both modes' targets", () => {
    const markdown = String(body()[0]?.properties.markdown);
    assert.match(markdown, /dev · us-west-2/);
    assert.match(markdown, /\| sd21-inf2-neuron \| sd21 \| 40 \| 105 \| 89 \| 0.7582 \|/);
  });

  it("shows each model's mode, shortages and switches, and the controller, with fail-over", () => {
    const before = body();
    const widgets = body({ failoverModels: ["sd21", "sdxl"] });
    assert.equal(widgets.length - before.length, 1 + 4, "a heading and four graphs");
    const shown = metricsOf(widgets).map(([, metric]) => metric);
    for (const metric of [
      ...["sd21", "sdxl"].flatMap((model) => [
        failoverModeMetric(model),
        unitsShortMetric(model),
        failoverSwitchesMetric(model),
      ]),
      FAILOVER_HEARTBEAT_METRIC,
      FAILOVER_ERRORS_METRIC,
    ])
      assert.equal(shown.filter((it) => it === metric).length, 1, metric);
  });
});
