import type { NamedMetric } from "../contracts/metrics";
import { SAGEMAKER_METRICS } from "./backlogScaling";
import type { MetricGraph } from "./runtimeRow";

/** A managed endpoint, or an inference component, as its row of the dashboard shows it. */
export type DashboardEndpoint =
  | {
      readonly kind: "asynchronous";
      readonly name: string;
      /** Physical name. */
      readonly called: string;
      /** Metric math over m1 and m2, and its target. */
      readonly usage: { readonly expression: string; readonly target: number };
      readonly requests: NamedMetric;
    }
  | {
      readonly kind: "variant" | "component";
      readonly name: string;
      readonly called: string;
      /** Requests in flight per instance, or per copy, that the autoscaler aims at. */
      readonly target: number;
    };

/** The variant that all endpoints have. */
const variant = ["VariantName", "AllTraffic"];

const endpointMetrics = "/aws/sagemaker/Endpoints";

/** What waits for an endpoint, what it answers, and how much of it there is. */
export function endpointGraphs(endpoint: DashboardEndpoint): readonly MetricGraph[] {
  return endpoint.kind === "asynchronous" ? asyncGraphs(endpoint) : realtimeGraphs(endpoint);
}

function asyncGraphs({
  called,
  usage,
  requests,
}: Extract<DashboardEndpoint, { kind: "asynchronous" }>): readonly MetricGraph[] {
  const own = ["EndpointName", called];
  const ofVariant = [...own, ...variant];
  const metric = (name: string, dimensions: readonly string[], stat: string, label: string) => [
    SAGEMAKER_METRICS,
    name,
    ...dimensions,
    { stat, label },
  ];
  return [
    {
      title: "Requests that wait",
      metrics: [
        metric("ApproximateBacklogSize", own, "Average", "waiting"),
        metric("HasBacklogWithoutCapacity", own, "Maximum", "waiting for a first instance"),
      ],
    },
    {
      title: "Oldest request, seconds",
      metrics: [metric("ApproximateAgeOfOldestRequest", own, "Maximum", "age")],
    },
    {
      title: "Requests per minute",
      metrics: [
        [...asked(requests), { stat: "SampleCount", label: "asked of the API" }],
        metric("InvocationFailures", ofVariant, "Sum", "failed"),
      ],
    },
    {
      title: "Usage rate",
      metrics: [
        [{ expression: usage.expression, label: "usage", id: "usage" }],
        [
          endpointMetrics,
          "CPUUtilization",
          ...ofVariant,
          { id: "m1", stat: "SampleCount", visible: false },
        ],
        [...asked(requests), { id: "m2", stat: "SampleCount", visible: false }],
      ],
      line: { label: "target", value: usage.target },
    },
    instances(called),
  ];
}

function asked({ namespace, name, dimensions }: NamedMetric): readonly string[] {
  return [namespace, name, ...Object.entries(dimensions).flat()];
}

function realtimeGraphs({
  kind,
  called,
  target,
}: Exclude<DashboardEndpoint, { kind: "asynchronous" }>): readonly MetricGraph[] {
  const isVariant = kind === "variant";
  const own = isVariant ? ["EndpointName", called, ...variant] : ["InferenceComponentName", called];
  const metric = (name: string, stat: string, label: string) => [
    SAGEMAKER_METRICS,
    name,
    ...own,
    { stat, label },
  ];
  return [
    {
      title: isVariant ? "In flight per instance" : "In flight per copy",
      metrics: [
        metric(
          isVariant ? "ConcurrentRequestsPerModel" : "ConcurrentRequestsPerCopy",
          "Maximum",
          "in flight",
        ),
      ],
      line: { label: "target", value: target },
    },
    {
      title: "Requests per minute",
      metrics: [
        metric("Invocations", "Sum", "all"),
        metric("InvocationModelErrors", "Sum", "not answered with 2xx"),
        ...(isVariant ? [] : [metric("NoCapacityInvocationFailures", "Sum", "no copy")]),
      ],
    },
    {
      title: "Latency, microseconds",
      metrics: [
        metric("ModelLatency", "p50", "median"),
        metric("ModelLatency", "p95", "95 %"),
        metric("OverheadLatency", "p95", "SageMaker's own, 95 %"),
      ],
    },
    ...(isVariant ? [instances(called)] : []),
  ];
}

/** Counted by the samples of their CPU, one a minute each. */
function instances(called: string): MetricGraph {
  return {
    title: "Instances",
    metrics: [
      [
        endpointMetrics,
        "CPUUtilization",
        "EndpointName",
        called,
        ...variant,
        { stat: "SampleCount", label: "instances" },
      ],
    ],
  };
}
