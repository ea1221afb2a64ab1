import {
  counterMetric,
  latencyMetric,
  METRIC_NAMESPACE,
  STACK_DIMENSION,
} from "../contracts/metrics";
import type { DeviceFamily } from "../fleet/accelerators";
import { breakingPoint } from "../fleet/targets";
import {
  CONTAINER_INSIGHTS,
  REPLICAS_DESIRED,
  REPLICAS_READY,
  utilisationMetric,
  workloadDimensions,
} from "./containerInsights";
import { type DashboardEndpoint, endpointGraphs } from "./endpointRow";
import { failoverGraphs } from "./failoverRow";
import { type DashboardRuntime, runtimeGraphs } from "./runtimeRow";

/** A unit as its row shows it. */
export interface DashboardUnit {
  readonly name: string;
  readonly model: string;
  readonly family: DeviceFamily;
  /** Share of its model's traffic in cost mode. */
  readonly weight: number;
  /** Images per minute per replica that the autoscaler aims at, in each mode. */
  readonly targets: { readonly cost: number; readonly capacity: number };
  /** US dollars an hour for one replica. */
  readonly pricePerHour: number;
}

export interface DashboardBodyArgs {
  readonly stack: string;
  readonly region: string;
  readonly units: readonly DashboardUnit[];
  readonly clusterName: string;
  readonly namespace: string;
  /** Name of the load balancer; absent: no row for it. */
  readonly loadBalancerName?: string;
  /** Seconds that an image may take. */
  readonly latencyObjectiveSeconds: number;
  /** Whether the cluster publishes Container Insights with accelerator metrics. */
  readonly containerInsights: boolean;
  /** Runtimes of the asynchronous path. */
  readonly runtimes: readonly DashboardRuntime[];
  /** Managed endpoints and inference components. */
  readonly endpoints: readonly DashboardEndpoint[];
  /** Models whose traffic fail-over moves; empty: no row for it. */
  readonly failoverModels: readonly string[];
}

/** Columns of a dashboard. Source: Amazon CloudWatch API reference, "Dashboard body structure". */
const columns = 24;
const graphHeight = 6;
const periodSeconds = 60;

export interface Widget {
  readonly type: "text" | "metric";
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

type Unplaced = Pick<Widget, "type" | "properties">;

interface Row {
  readonly height: number;
  readonly widgets: readonly Unplaced[];
}

/** The body of an environment's CloudWatch dashboard: header, load balancer, fail-over, units, runtimes, endpoints. */
export function dashboardBody(args: DashboardBodyArgs): { readonly widgets: readonly Widget[] } {
  return {
    widgets: place([
      header(args),
      ...(args.loadBalancerName === undefined
        ? []
        : [loadBalancerRow(args, args.loadBalancerName)]),
      ...(args.failoverModels.length === 0 ? [] : failoverRows(args)),
      ...args.units.flatMap((unit) => unitRows(args, unit)),
      ...args.runtimes.flatMap((runtime) => runtimeRows(args, runtime)),
      ...args.endpoints.flatMap((endpoint) => endpointRows(args, endpoint)),
    ]),
  };
}

/** Rows below one another, each cut into widgets of equal width. */
function place(rows: readonly Row[]): readonly Widget[] {
  let y = 0;
  return rows.flatMap(({ height, widgets }) => {
    const width = Math.floor(columns / widgets.length);
    const placed = widgets.map((widget, index) => ({
      ...widget,
      x: index * width,
      y,
      width,
      height,
    }));
    y += height;
    return placed;
  });
}

/** The same in both modes, so that a switch of mode changes nothing here. */
function header(args: DashboardBodyArgs): Row {
  const { stack, region, units, runtimes, containerInsights } = args;
  const title = `# diffusion-fleet · ${stack} · ${region}`;
  if (units.length + runtimes.length === 0) return { height: 2, widgets: [text(title)] };
  const rows = units.map(
    (unit) =>
      `| ${unit.name} | ${unit.model} | ${unit.weight} | ${rounded(unit.targets.cost)} | ` +
      `${rounded(unit.targets.capacity)} | ${rounded(unit.pricePerHour, 4)} |`,
  );
  const markdown = [
    title,
    ...(containerInsights
      ? []
      : [
          `Utilisation, replicas${runtimes.length === 0 ? " and shortage" : ", shortage, and what became of tasks,"} ` +
            "want `cluster.addons.cloudwatchObservability`.",
        ]),
    "| unit | model | weight in cost mode | images/min/replica, cost | … capacity | US$/h/replica |",
    "|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
  return { height: 2 + Math.ceil(units.length / 2) + 1, widgets: [text(markdown)] };
}

/**
 * The load balancer's row. Its metrics' dimension ends in an id that only the controller learns, so
 * they are searched for by name.
 */
function loadBalancerRow({ region }: DashboardBodyArgs, name: string): Row {
  const search = (metric: string, statistic: string) =>
    `SEARCH('{AWS/ApplicationELB,LoadBalancer} MetricName="${metric}" LoadBalancer=${name}', ` +
    `'${statistic}', ${periodSeconds})`;
  return {
    height: graphHeight,
    widgets: [
      graph(region, "Requests per minute", [
        [{ expression: search("RequestCount", "Sum"), label: "requests", id: "requests" }],
      ]),
      graph(region, "Answers 5xx per minute", [
        [
          {
            expression: search("HTTPCode_Target_5XX_Count", "Sum"),
            label: "servers",
            id: "target",
          },
        ],
        [{ expression: search("HTTPCode_ELB_5XX_Count", "Sum"), label: "balancer", id: "elb" }],
      ]),
      graph(region, "Time to answer, seconds", [
        [{ expression: search("TargetResponseTime", "p50"), label: "median", id: "p50" }],
        [{ expression: search("TargetResponseTime", "p95"), label: "95 %", id: "p95" }],
      ]),
    ],
  };
}

function failoverRows({ region, stack, failoverModels }: DashboardBodyArgs): readonly Row[] {
  return [
    { height: 1, widgets: [text("## Fail-over")] },
    {
      height: graphHeight,
      widgets: failoverGraphs(failoverModels, stack).map(({ title, metrics }) =>
        graph(region, title, metrics),
      ),
    },
  ];
}

function runtimeRows(
  { region, stack }: DashboardBodyArgs,
  runtime: DashboardRuntime,
): readonly Row[] {
  return [
    { height: 1, widgets: [text(`## ${runtime.name}, by queue`)] },
    {
      height: graphHeight,
      widgets: runtimeGraphs(runtime, stack).map(({ title, metrics }) =>
        graph(region, title, metrics),
      ),
    },
  ];
}

const kinds = {
  asynchronous: "asynchronous endpoint",
  variant: "endpoint",
  component: "inference component",
} as const;

function endpointRows({ region }: DashboardBodyArgs, endpoint: DashboardEndpoint): readonly Row[] {
  return [
    { height: 1, widgets: [text(`## ${endpoint.name}, ${kinds[endpoint.kind]}`)] },
    {
      height: graphHeight,
      widgets: endpointGraphs(endpoint).map(({ title, metrics, line }) =>
        graph(region, title, metrics, line),
      ),
    },
  ];
}

function unitRows(args: DashboardBodyArgs, unit: DashboardUnit): readonly Row[] {
  const { containerInsights } = args;
  return [
    { height: 1, widgets: [text(`## ${unit.name}`)] },
    {
      height: graphHeight,
      widgets: [
        throughput(args, unit),
        latency(args, unit),
        ...(containerInsights
          ? [
              utilisation(args, unit),
              replicas(args, unit),
              shortage(args, unit),
              costPerThousand(args, unit),
            ]
          : []),
      ],
    },
  ];
}

function throughput({ region, stack }: DashboardBodyArgs, unit: DashboardUnit): Unplaced {
  return graph(
    region,
    "Images per minute",
    [[METRIC_NAMESPACE, counterMetric(unit.name), STACK_DIMENSION, stack, { stat: "Sum" }]],
    { label: "target of one replica in cost mode", value: rounded(unit.targets.cost) },
  );
}

function latency(args: DashboardBodyArgs, unit: DashboardUnit): Unplaced {
  const metric = [METRIC_NAMESPACE, latencyMetric(unit.name), STACK_DIMENSION, args.stack];
  return graph(
    args.region,
    "Latency, seconds",
    [
      [...metric, { stat: "Average", label: "average" }],
      [...metric, { stat: "p95", label: "95 %" }],
    ],
    { label: "objective", value: args.latencyObjectiveSeconds },
  );
}

function utilisation(args: DashboardBodyArgs, unit: DashboardUnit): Unplaced {
  return graph(
    args.region,
    "Device utilisation, %",
    [[...workload(args, unit, utilisationMetric(unit.family)), { stat: "Average" }]],
    { label: "breaking point", value: breakingPoint.utilisation * 100 },
  );
}

function replicas(args: DashboardBodyArgs, unit: DashboardUnit): Unplaced {
  return graph(args.region, "Replicas", [
    [...workload(args, unit, REPLICAS_DESIRED), { stat: "Maximum", label: "desired" }],
    [...workload(args, unit, REPLICAS_READY), { stat: "Minimum", label: "ready" }],
  ]);
}

function shortage(args: DashboardBodyArgs, unit: DashboardUnit): Unplaced {
  return graph(args.region, "Replicas missing", [
    [{ expression: "desired - ready", label: "missing", id: "missing" }],
    [...workload(args, unit, REPLICAS_DESIRED), { ...hidden("desired"), stat: "Maximum" }],
    [...workload(args, unit, REPLICAS_READY), { ...hidden("ready"), stat: "Minimum" }],
  ]);
}

/** What the ready replicas cost a minute, over the thousands of images that they served in it. */
function costPerThousand(args: DashboardBodyArgs, unit: DashboardUnit): Unplaced {
  const perMinute = rounded((unit.pricePerHour * periodSeconds) / 3600, 8);
  return graph(args.region, "US$ per 1,000 images", [
    [
      {
        expression: `IF(images > 0, ready * ${perMinute} / (images / 1000))`,
        label: "cost",
        id: "cost",
      },
    ],
    [...workload(args, unit, REPLICAS_READY), { ...hidden("ready"), stat: "Average" }],
    [
      METRIC_NAMESPACE,
      counterMetric(unit.name),
      STACK_DIMENSION,
      args.stack,
      { ...hidden("images"), stat: "Sum" },
    ],
  ]);
}

function workload(args: DashboardBodyArgs, unit: DashboardUnit, metric: string): string[] {
  const dimensions = workloadDimensions(args.clusterName, args.namespace, unit.name);
  return [CONTAINER_INSIGHTS, metric, ...Object.entries(dimensions).flat()];
}

function hidden(id: string) {
  return { id, visible: false };
}

function graph(
  region: string,
  title: string,
  metrics: readonly (readonly unknown[])[],
  line?: { readonly label: string; readonly value: number },
): Unplaced {
  return {
    type: "metric",
    properties: {
      view: "timeSeries",
      stacked: false,
      title,
      region,
      period: periodSeconds,
      metrics,
      yAxis: { left: { min: 0 } },
      ...(line === undefined ? {} : { annotations: { horizontal: [line] } }),
    },
  };
}

function text(markdown: string): Unplaced {
  return { type: "text", properties: { markdown } };
}

function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
