import { createHash } from "node:crypto";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ACCELERATOR_LABEL, labels, MODEL_LABEL, UNIT_LABEL } from "../contracts/labels";
import { METRIC_NAMESPACE } from "../contracts/metrics";
import {
  CACHE_PATH,
  deregistrationLeadSeconds,
  HEALTH_PATH,
  MODELS_MOUNT_PATH,
  podGraceSeconds,
  READINESS_PATH,
  SCRATCH_PATH,
  SERVER_PORT,
  SERVER_UID,
  type ServerSettings,
} from "../contracts/serverSettings";
import type { Accelerator, Framework } from "../fleet/accelerators";
import type { PodResources } from "../fleet/podResources";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import { deviceTaint, nodeSelectorOf } from "./nodePool";
import { PodIdentity } from "./podIdentity";
import type { Scope } from "./scope";
import { serverService } from "./serverService";
import { secondsToHealthy, TargetGroup, type TargetGroupSettings } from "./targetGroup";

export interface DeploymentUnitArgs {
  readonly scope: Scope;
  readonly namespace: pulumi.Input<string>;
  readonly cluster: { readonly name: pulumi.Input<string>; readonly arn: pulumi.Input<string> };
  readonly model: string;
  readonly accelerator: Accelerator;
  readonly framework: Framework;
  /** Image of the inference server, by digest or fixed tag. */
  readonly image: pulumi.Input<string>;
  /** Devices per replica. */
  readonly devices: number;
  readonly podResources: PodResources;
  /** The claim of the model store, and where in it the model's artefact lies. */
  readonly modelClaimName: pulumi.Input<string>;
  readonly artefactPath: string;
  /** Seconds a pod has to finish its requests, and a target to be deregistered. */
  readonly drainSeconds: number;
  /** How long a new pod is protected from voluntary disruption, e.g. `20m`. */
  readonly loadingProtection: string;
  readonly targetGroup: TargetGroupSettings;
  /** More settings, to be read by anyone who may read the Deployment. */
  readonly env: Readonly<Record<string, string>>;
  /** More settings that are kept in a Secret. */
  readonly secretEnv: Readonly<Record<string, string>>;
}

/** A model may take this long to load before its container is restarted (seed 001: 5-15 minutes). */
const loadingMinutes = 15;

/**
 * One (model, accelerator, framework): a Deployment of the inference server, the Service in front of
 * it, and how the load balancer checks it. The autoscaler owns the number of replicas.
 *
 * `pulumi up` does not wait for pods: a model takes minutes to load and during a shortage there may
 * be none, which is a matter for the alarms and not a reason to fail.
 */
export class DeploymentUnit extends pulumi.ComponentResource {
  readonly deployment: kubernetes.apps.v1.Deployment;
  readonly service: kubernetes.core.v1.Service;
  readonly targetGroup: TargetGroup;

  constructor(name: string, args: DeploymentUnitArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:DeploymentUnit", name, {}, pulumiOptions(opts));
    const inside = childOptions(this, opts);
    const identity = metricsIdentity(name, args, inside);
    const serviceAccount = new kubernetes.core.v1.ServiceAccount(
      name,
      { metadata: metadata(name, args), automountServiceAccountToken: false },
      inside,
    );
    const secret = createSecret(name, args, inside);
    this.deployment = new kubernetes.apps.v1.Deployment(
      name,
      {
        metadata: { ...metadata(name, args), annotations: { "pulumi.com/skipAwait": "true" } },
        spec: deploymentSpec(name, args, secret),
      },
      {
        ...childOptions(this, opts, [serviceAccount, identity.association]),
        // A Deployment's name and selector cannot both stay: replace in place rather than collide.
        deleteBeforeReplace: true,
      },
    );
    this.service = serverService(
      name,
      { namespace: args.namespace, labels: unitLabels(name, args), selector: selector(name) },
      inside,
    );
    this.targetGroup = new TargetGroup(
      name,
      {
        namespace: args.namespace,
        service: this.service,
        serviceName: name,
        labels: unitLabels(name, args),
        settings: args.targetGroup,
      },
      inside,
    );
    new kubernetes.policy.v1.PodDisruptionBudget(
      name,
      {
        metadata: metadata(name, args),
        spec: {
          maxUnavailable: 1,
          // A pod that never got ready must not hold up a node.
          unhealthyPodEvictionPolicy: "AlwaysAllow",
          selector: { matchLabels: selector(name) },
        },
      },
      inside,
    );
    this.registerOutputs({});
  }
}

function selector(unit: string): Record<string, string> {
  return { [UNIT_LABEL]: unit };
}

function unitLabels(name: string, { model, accelerator }: DeploymentUnitArgs) {
  return labels(name, {
    "app.kubernetes.io/component": "inference-server",
    [UNIT_LABEL]: name,
    [MODEL_LABEL]: model,
    [ACCELERATOR_LABEL]: accelerator.name,
  });
}

function metadata(name: string, args: DeploymentUnitArgs) {
  return { name, namespace: args.namespace, labels: unitLabels(name, args) };
}

/** Pods publish metrics to the fleet's namespace and may do nothing else in AWS. */
function metricsIdentity(
  name: string,
  args: DeploymentUnitArgs,
  opts: ComponentOptions,
): PodIdentity {
  return new PodIdentity(
    name,
    {
      scope: args.scope,
      clusterName: args.cluster.name,
      clusterArn: args.cluster.arn,
      namespace: args.namespace,
      serviceAccount: name,
      statements: [
        {
          Effect: "Allow",
          Action: "cloudwatch:PutMetricData",
          // PutMetricData knows no resources; the namespace condition is its only bound.
          Resource: "*",
          Condition: { StringEquals: { "cloudwatch:namespace": METRIC_NAMESPACE } },
        },
      ],
    },
    opts,
  );
}

/**
 * The settings that are secrets. The Secret's name carries a hash of them, so that pods are rolled
 * over when one changes; the old one stays, for pods of the old revision, and goes with the
 * namespace.
 */
function createSecret(
  name: string,
  args: DeploymentUnitArgs,
  opts: pulumi.CustomResourceOptions,
): kubernetes.core.v1.Secret | undefined {
  const { secretEnv } = args;
  if (Object.keys(secretEnv).length === 0) return undefined;
  const { project, stack } = args.scope;
  const hash = createHash("sha256")
    .update(JSON.stringify([project, stack, name, secretEnv]))
    .digest("hex")
    .slice(0, 8);
  return new kubernetes.core.v1.Secret(
    name,
    {
      metadata: { ...metadata(name, args), name: `${name}-${hash}` },
      immutable: true,
      stringData: pulumi.secret({ ...secretEnv }),
    },
    { ...opts, retainOnDelete: true },
  );
}

function deploymentSpec(
  name: string,
  args: DeploymentUnitArgs,
  secret: kubernetes.core.v1.Secret | undefined,
) {
  const { drainSeconds } = args;
  return {
    selector: { matchLabels: selector(name) },
    // An old pod goes when the load balancer, too, has found the new one healthy.
    minReadySeconds: secondsToHealthy * 2,
    progressDeadlineSeconds: 20 * 60,
    revisionHistoryLimit: 5,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    template: {
      metadata: {
        labels: unitLabels(name, args),
        annotations: { "karpenter.sh/do-not-disrupt": args.loadingProtection },
      },
      spec: {
        serviceAccountName: name,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        nodeSelector: nodeSelectorOf(args.scope, name),
        tolerations: [{ ...deviceTaint(args.accelerator), operator: "Equal" }],
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: "topology.kubernetes.io/zone",
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: { matchLabels: selector(name) },
          },
        ],
        terminationGracePeriodSeconds: podGraceSeconds(drainSeconds),
        securityContext: {
          runAsNonRoot: true,
          runAsUser: SERVER_UID,
          runAsGroup: SERVER_UID,
          fsGroup: SERVER_UID,
          seccompProfile: { type: "RuntimeDefault" },
        },
        containers: [container(name, args, secret)],
        volumes: [
          {
            name: "models",
            persistentVolumeClaim: { claimName: args.modelClaimName, readOnly: true },
          },
          {
            name: "shared-memory",
            emptyDir: { medium: "Memory", sizeLimit: bytes(args.podResources.sharedMemoryMiB) },
          },
          { name: "scratch", emptyDir: { sizeLimit: "4Gi" } },
          { name: "cache", emptyDir: { sizeLimit: "20Gi" } },
        ],
      },
    },
  };
}

function container(
  name: string,
  args: DeploymentUnitArgs,
  secret: kubernetes.core.v1.Secret | undefined,
) {
  const { cpuMillis, memoryMiB } = args.podResources;
  const devices = { [args.accelerator.device]: String(args.devices) };
  return {
    name: "inference-server",
    image: args.image,
    imagePullPolicy: "IfNotPresent",
    ports: [{ name: "http", containerPort: SERVER_PORT, protocol: "TCP" }],
    env: Object.entries({ ...serverSettings(name, args), ...args.env }).map(([key, value]) => ({
      name: key,
      value,
    })),
    ...(secret === undefined ? {} : { envFrom: [{ secretRef: { name: secret.metadata.name } }] }),
    resources: {
      requests: {
        cpu: cores(cpuMillis),
        memory: bytes(memoryMiB),
        // Part of what scratch and cache may grow to: eight replicas share the largest machine's disk.
        "ephemeral-storage": "8Gi",
        ...devices,
      },
      limits: { memory: bytes(memoryMiB), ...devices },
    },
    startupProbe: {
      httpGet: { path: READINESS_PATH, port: "http" },
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: (loadingMinutes * 60) / 10,
    },
    readinessProbe: {
      httpGet: { path: READINESS_PATH, port: "http" },
      initialDelaySeconds: 60,
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 3,
    },
    livenessProbe: {
      httpGet: { path: HEALTH_PATH, port: "http" },
      initialDelaySeconds: 60,
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 6,
    },
    lifecycle: { preStop: { sleep: { seconds: deregistrationLeadSeconds } } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [
      { name: "models", mountPath: MODELS_MOUNT_PATH, readOnly: true },
      { name: "shared-memory", mountPath: "/dev/shm" },
      { name: "scratch", mountPath: SCRATCH_PATH },
      { name: "cache", mountPath: CACHE_PATH },
    ],
  };
}

/** Quantities as the API server writes them down, so that a refresh finds no difference. */
function cores(millis: number): string {
  return millis % 1000 === 0 ? String(millis / 1000) : `${millis}m`;
}

function bytes(mebibytes: number): string {
  return mebibytes % 1024 === 0 ? `${mebibytes / 1024}Gi` : `${mebibytes}Mi`;
}

function serverSettings(name: string, args: DeploymentUnitArgs): ServerSettings {
  return {
    UNIT: name,
    MODEL: args.model,
    FRAMEWORK: args.framework,
    ACCELERATOR: args.accelerator.name,
    DEVICES: String(args.devices),
    MODEL_PATH: `${MODELS_MOUNT_PATH}/${args.artefactPath}`,
    PORT: String(SERVER_PORT),
    STACK: args.scope.stack,
    METRIC_NAMESPACE,
    AWS_REGION: args.scope.region,
    DRAIN_SECONDS: String(args.drainSeconds),
    CACHE_PATH,
  };
}
