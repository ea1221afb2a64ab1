import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { keda, kedaNamespace, kedaOperatorServiceAccount, kedaValues } from "../charts/keda";
import type { Placement } from "../charts/placement";
import { release } from "../charts/release";
import { labels } from "../contracts/labels";
import { dns1123Label } from "../fleet/names";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import type { ClusterFacts } from "./clusterFacts";
import { PodIdentity, type PolicyStatement } from "./podIdentity";
import { nameIn, type Scope } from "./scope";

export interface KedaArgs {
  readonly scope: Scope;
  readonly cluster: ClusterFacts;
  readonly placement: Placement;
  /** Queues that ScaledObjects scale on. */
  readonly queueArns?: readonly pulumi.Input<string>[];
  /**
   * The cluster has KEDA already. Its operator then needs `cloudwatch:GetMetricData` (and
   * `sqs:GetQueueAttributes`) from its owner.
   */
  readonly installed?: boolean;
}

/** What a trigger's `authenticationRef` names to ask AWS as KEDA's operator. */
export interface TriggerAuthentication {
  readonly kind: "ClusterTriggerAuthentication";
  readonly name: string;
}

/**
 * KEDA, and the one identity that its triggers ask AWS with. ScaledObjects are others' and wait for
 * `ready`: on the way down the operator has to take off their finalizers.
 */
export class Keda extends pulumi.ComponentResource {
  readonly authentication: TriggerAuthentication;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: KedaArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:Keda", name, {}, pulumiOptions(opts));
    const ready: pulumi.Resource[] = [];
    if (args.installed !== true) {
      const namespace = createNamespace(childOptions(this, opts));
      const { association } = createIdentity(name, args, this);
      ready.push(createRelease(args, childOptions(this, opts, [namespace, association])));
    }
    this.authentication = {
      kind: "ClusterTriggerAuthentication",
      name: nameIn(args.scope, "aws", dns1123Label),
    };
    ready.push(createAuthentication(this.authentication, childOptions(this, opts, ready)));
    this.ready = ready;
    this.registerOutputs({});
  }
}

function createNamespace(opts: pulumi.CustomResourceOptions): kubernetes.core.v1.Namespace {
  return new kubernetes.core.v1.Namespace(
    kedaNamespace,
    {
      metadata: {
        name: kedaNamespace,
        labels: labels(kedaNamespace, { "pod-security.kubernetes.io/enforce": "restricted" }),
      },
    },
    opts,
  );
}

function createIdentity(name: string, args: KedaArgs, parent: Keda): PodIdentity {
  return new PodIdentity(
    name,
    {
      scope: args.scope,
      clusterName: args.cluster.name,
      clusterArn: args.cluster.arn,
      namespace: kedaNamespace,
      serviceAccount: kedaOperatorServiceAccount,
      statements: kedaStatements(args),
    },
    { parent },
  );
}

function kedaStatements({ queueArns = [] }: KedaArgs): PolicyStatement[] {
  const metrics: PolicyStatement = {
    Sid: "ReadMetrics",
    Effect: "Allow",
    Action: "cloudwatch:GetMetricData",
    // The action takes neither a resource nor a condition (service authorization reference).
    Resource: "*",
  };
  const queues: PolicyStatement = {
    Sid: "ReadQueueLengths",
    Effect: "Allow",
    Action: "sqs:GetQueueAttributes",
    Resource: queueArns,
  };
  return queueArns.length === 0 ? [metrics] : [metrics, queues];
}

function createRelease(
  { cluster, placement }: KedaArgs,
  opts: pulumi.CustomResourceOptions,
): kubernetes.helm.v3.Release {
  return release(
    keda.name,
    {
      chart: keda,
      namespace: kedaNamespace,
      values: kedaValues({ clusterName: cluster.name, placement }),
    },
    opts,
  );
}

/** `provider: aws` without a role asks as the operator itself does. */
function createAuthentication(
  { kind, name }: TriggerAuthentication,
  opts: pulumi.CustomResourceOptions,
): kubernetes.apiextensions.CustomResource {
  return new kubernetes.apiextensions.CustomResource(
    "keda-aws",
    {
      apiVersion: "keda.sh/v1alpha1",
      kind,
      metadata: { name, labels: labels(name) },
      spec: { podIdentity: { provider: "aws" } },
    },
    opts,
  );
}
