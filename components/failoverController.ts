import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { acrossZones, type Placement } from "../charts/placement";
import {
  FAILOVER_CONTROLLER,
  FAILOVER_SETTINGS_CONFIG_MAP,
  FAILOVER_SETTINGS_KEY,
  FAILOVER_STATUS_CONFIG_MAP,
  type FailoverSettings,
} from "../contracts/failover";
import { labels } from "../contracts/labels";
import { METRIC_NAMESPACE } from "../contracts/metrics";
import { HEALTH_PATH, READINESS_PATH } from "../contracts/serverSettings";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import { type FailoverTargets, failoverAccess } from "./failoverAccess";
import { stackLabelValue } from "./nodePool";
import { PodIdentity, type PolicyStatement } from "./podIdentity";
import { containerSecurity, podSecurity } from "./restrictedPod";
import type { Scope } from "./scope";

export interface FailoverControllerArgs {
  readonly scope: Scope;
  readonly namespace: pulumi.Input<string>;
  readonly cluster: { readonly name: pulumi.Input<string>; readonly arn: pulumi.Input<string> };
  readonly placement: Placement;
  /** The controller's image, by digest or fixed tag. */
  readonly image: pulumi.Input<string>;
  readonly settings: FailoverSettings;
  /** What it may write, by name. */
  readonly targets: FailoverTargets;
  /** Who is told of a switch; absent: nobody. */
  readonly topic?: {
    readonly arn: pulumi.Input<string>;
    /** The key that messages to it are encrypted with. */
    readonly keyArn: pulumi.Input<string>;
  };
}

/** Two: while one is replaced, the other goes on. */
const replicas = 2;
const port = 8080;

/**
 * V8's heap, MiB, of the 128 that the container may have: the rest is code, stacks and buffers. Its
 * part for new objects has three such spaces, by default of 16 MiB each.
 */
const heapMiB = { old: 64, semiSpace: 2 };

/**
 * The controller that moves traffic off a unit that EC2 has no machines for, and back.
 *
 * Its status and its Lease are made empty, so that it needs no right to create any, and Pulumi owns
 * nothing in them that it writes.
 */
export class FailoverController extends pulumi.ComponentResource {
  constructor(name: string, args: FailoverControllerArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:FailoverController", name, {}, pulumiOptions(opts));
    const inside = childOptions(this, opts);
    const identity = createIdentity(args, inside);
    const access = failoverAccess(args, inside);
    const files = createFiles(args, inside);
    const serviceAccount = new kubernetes.core.v1.ServiceAccount(
      FAILOVER_CONTROLLER,
      { metadata: metadata(args), automountServiceAccountToken: false },
      inside,
    );
    new kubernetes.apps.v1.Deployment(
      FAILOVER_CONTROLLER,
      {
        // Whether it runs is for its alarm to say: its image may be pushed after the first `up`.
        metadata: { ...metadata(args), annotations: { "pulumi.com/skipAwait": "true" } },
        spec: deploymentSpec(args),
      },
      childOptions(this, opts, [serviceAccount, identity.association, ...access, ...files]),
    );
    new kubernetes.policy.v1.PodDisruptionBudget(
      FAILOVER_CONTROLLER,
      {
        metadata: metadata(args),
        spec: {
          maxUnavailable: 1,
          unhealthyPodEvictionPolicy: "AlwaysAllow",
          selector: { matchLabels: selector },
        },
      },
      inside,
    );
    this.registerOutputs({});
  }
}

const selector = {
  "app.kubernetes.io/name": FAILOVER_CONTROLLER,
  "app.kubernetes.io/component": "controller",
};

const objectLabels = labels(FAILOVER_CONTROLLER, selector);

function metadata({ namespace }: FailoverControllerArgs, name: string = FAILOVER_CONTROLLER) {
  return { name, namespace, labels: objectLabels };
}

/** It publishes metrics to the fleet's namespace, and messages to the alarm topic. */
function createIdentity(args: FailoverControllerArgs, opts: ComponentOptions): PodIdentity {
  return new PodIdentity(
    FAILOVER_CONTROLLER,
    {
      scope: args.scope,
      clusterName: args.cluster.name,
      clusterArn: args.cluster.arn,
      namespace: args.namespace,
      serviceAccount: FAILOVER_CONTROLLER,
      statements: statements(args),
    },
    opts,
  );
}

function statements({ topic }: FailoverControllerArgs): PolicyStatement[] {
  const metrics: PolicyStatement = {
    Sid: "PublishMetrics",
    Effect: "Allow",
    Action: "cloudwatch:PutMetricData",
    // PutMetricData knows no resources; the namespace condition is its only bound.
    Resource: "*",
    Condition: { StringEquals: { "cloudwatch:namespace": METRIC_NAMESPACE } },
  };
  if (topic === undefined) return [metrics];
  return [
    metrics,
    { Sid: "TellOfSwitches", Effect: "Allow", Action: "sns:Publish", Resource: topic.arn },
    {
      Sid: "EncryptMessages",
      Effect: "Allow",
      // Amazon SNS developer guide, "Configure AWS KMS permissions": what a publisher wants.
      Action: ["kms:GenerateDataKey", "kms:Decrypt"],
      Resource: topic.keyArn,
    },
  ];
}

/** Settings for the controller to read, and what it writes its state to. */
function createFiles(
  args: FailoverControllerArgs,
  opts: pulumi.CustomResourceOptions,
): readonly pulumi.Resource[] {
  const { ConfigMap } = kubernetes.core.v1;
  return [
    new ConfigMap(
      FAILOVER_SETTINGS_CONFIG_MAP,
      {
        metadata: metadata(args, FAILOVER_SETTINGS_CONFIG_MAP),
        data: { [FAILOVER_SETTINGS_KEY]: JSON.stringify(args.settings, null, 2) },
      },
      opts,
    ),
    new ConfigMap(
      FAILOVER_STATUS_CONFIG_MAP,
      { metadata: metadata(args, FAILOVER_STATUS_CONFIG_MAP) },
      opts,
    ),
    new kubernetes.coordination.v1.Lease(FAILOVER_CONTROLLER, { metadata: metadata(args) }, opts),
  ];
}

function deploymentSpec(args: FailoverControllerArgs) {
  const { placement } = args;
  return {
    replicas,
    selector: { matchLabels: selector },
    revisionHistoryLimit: 5,
    // On as many nodes as replicas there is no room for a third.
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
    template: {
      metadata: { labels: objectLabels },
      spec: {
        serviceAccountName: FAILOVER_CONTROLLER,
        priorityClassName: "system-cluster-critical",
        automountServiceAccountToken: true,
        enableServiceLinks: false,
        nodeSelector: { ...placement.nodeSelector },
        tolerations: [...placement.tolerations],
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              {
                topologyKey: "kubernetes.io/hostname",
                labelSelector: { matchLabels: selector },
              },
            ],
          },
        },
        topologySpreadConstraints: [acrossZones(selector)],
        terminationGracePeriodSeconds: 30,
        securityContext: podSecurity,
        containers: [container(args)],
      },
    },
  };
}

function container(args: FailoverControllerArgs) {
  return {
    name: FAILOVER_CONTROLLER,
    image: args.image,
    imagePullPolicy: "IfNotPresent",
    ports: [{ name: "http", containerPort: port, protocol: "TCP" }],
    env: environment(args),
    resources: { requests: { cpu: "50m", memory: "96Mi" }, limits: { memory: "128Mi" } },
    readinessProbe: {
      httpGet: { path: READINESS_PATH, port: "http" },
      periodSeconds: 5,
      timeoutSeconds: 3,
      failureThreshold: 3,
    },
    livenessProbe: {
      httpGet: { path: HEALTH_PATH, port: "http" },
      initialDelaySeconds: 10,
      periodSeconds: 10,
      timeoutSeconds: 3,
      failureThreshold: 6,
    },
    securityContext: containerSecurity,
  };
}

function environment({ scope, topic }: FailoverControllerArgs) {
  const values: Record<string, pulumi.Input<string>> = {
    STACK: scope.stack,
    STACK_LABEL_VALUE: stackLabelValue(scope),
    PORT: String(port),
    LOG_LEVEL: "info",
    AWS_REGION: scope.region,
    ...(topic === undefined ? {} : { TOPIC_ARN: topic.arn }),
    NODE_OPTIONS: `--max-old-space-size=${heapMiB.old} --max-semi-space-size=${heapMiB.semiSpace}`,
  };
  return [
    { name: "NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
    { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    ...Object.entries(values).map(([name, value]) => ({ name, value })),
  ];
}
