import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Placement } from "../charts/placement";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import type { ClusterFacts } from "./clusterFacts";
import { eksAddon } from "./eksAddon";
import { embeddedMetricsValues, type MetricWriter } from "./embeddedMetrics";
import { PodIdentity, type PolicyStatement } from "./podIdentity";
import type { Scope } from "./scope";

export interface ClusterAddonsArgs {
  readonly scope: Scope;
  readonly cluster: ClusterFacts;
  /** Where CoreDNS runs. */
  readonly placement: Placement;
  /** Days that the logs of Container Insights are kept. */
  readonly logRetentionDays: number;
  /** Whose logs have metrics in them, which Container Insights leaves for CloudWatch to find. */
  readonly metricWriters: readonly MetricWriter[];
  /** Version of each add-on; absent: not installed here. */
  readonly versions: {
    readonly coredns?: string | undefined;
    readonly cloudwatchObservability?: string | undefined;
  };
}

/**
 * The add-ons whose pods need nodes to be ready: give {@link SystemNodes} as `dependsOn`.
 *
 * `ready` holds CoreDNS; nothing waits for observability.
 */
export class ClusterAddons extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: ClusterAddonsArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:ClusterAddons", name, {}, pulumiOptions(opts));
    const { coredns, cloudwatchObservability } = args.versions;
    this.ready = coredns === undefined ? [] : [createDns(coredns, args, childOptions(this, opts))];
    if (cloudwatchObservability !== undefined) {
      const { association } = createAgentIdentity(args, this);
      const logGroups = createLogGroups(args, this);
      createObservability(
        cloudwatchObservability,
        args,
        childOptions(this, opts, [association, ...logGroups]),
      );
    }
    this.registerOutputs({});
  }
}

function createDns(
  addonVersion: string,
  { cluster, placement: { nodeSelector, tolerations } }: ClusterAddonsArgs,
  opts: pulumi.CustomResourceOptions,
): aws.eks.Addon {
  return eksAddon("coredns", addonVersion, cluster, opts, { nodeSelector, tolerations });
}

/**
 * Container Insights. Its agents are on every node, whatever the taint; its operator is not and has
 * to be told where it may run (chart amazon-cloudwatch-observability 4.8.0, `manager`).
 */
function createObservability(
  addonVersion: string,
  { cluster, placement, metricWriters }: ClusterAddonsArgs,
  opts: pulumi.CustomResourceOptions,
): aws.eks.Addon {
  return eksAddon("amazon-cloudwatch-observability", addonVersion, cluster, opts, {
    manager: {
      nodeSelector: { "kubernetes.io/os": "linux", ...placement.nodeSelector },
      tolerations: placement.tolerations,
    },
    ...embeddedMetricsValues(metricWriters),
  });
}

/**
 * The agent would make its log groups itself, without an end to what they keep.
 *
 * Source: Amazon CloudWatch user guide, "Setting up Container Insights on Amazon EKS": application,
 * dataplane, host, performance.
 */
function createLogGroups(
  { scope, logRetentionDays }: ClusterAddonsArgs,
  parent: ClusterAddons,
): aws.cloudwatch.LogGroup[] {
  return ["application", "dataplane", "host", "performance"].map(
    (part) =>
      new aws.cloudwatch.LogGroup(
        `container-insights-${part}`,
        {
          name: `/aws/containerinsights/${scope.clusterName}/${part}`,
          retentionInDays: logRetentionDays,
        },
        { parent },
      ),
  );
}

function createAgentIdentity(args: ClusterAddonsArgs, parent: ClusterAddons): PodIdentity {
  return new PodIdentity(
    "cloudwatch-agent",
    {
      scope: args.scope,
      clusterName: args.cluster.name,
      clusterArn: args.cluster.arn,
      namespace: "amazon-cloudwatch",
      serviceAccount: "cloudwatch-agent",
      statements: agentStatements(args.scope),
    },
    { parent },
  );
}

/** CloudWatchAgentServerPolicy, kept to this cluster's log groups and to two namespaces. */
function agentStatements(scope: Scope): PolicyStatement[] {
  const { partition, region, accountId, clusterName } = scope;
  const logGroup = (name: string) =>
    pulumi.interpolate`arn:${partition}:logs:${region}:${accountId}:log-group:${name}`;
  return [
    {
      Sid: "WriteLogs",
      Effect: "Allow",
      Action: [
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "logs:PutRetentionPolicy",
      ],
      Resource: [
        logGroup(`/aws/containerinsights/${clusterName}/*`),
        logGroup("/aws/application-signals/data:*"),
      ],
    },
    {
      Sid: "FindLogGroups",
      Effect: "Allow",
      Action: "logs:DescribeLogGroups",
      // A list is asked for under the wildcard, not under a group's name.
      Resource: logGroup("*"),
    },
    {
      Sid: "PutMetrics",
      Effect: "Allow",
      Action: "cloudwatch:PutMetricData",
      // The action takes no resource; the namespace confines it.
      Resource: "*",
      Condition: {
        StringEquals: { "cloudwatch:namespace": ["ContainerInsights", "ApplicationSignals"] },
      },
    },
    {
      Sid: "DescribeMachines",
      Effect: "Allow",
      Action: ["ec2:DescribeTags", "ec2:DescribeVolumes"],
      // EC2's Describe actions take no resource.
      Resource: "*",
    },
  ];
}
