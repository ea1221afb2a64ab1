import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ACCELERATOR_LABEL, labels, MODEL_LABEL, UNIT_LABEL } from "../contracts/labels";
import {
  deregistrationLeadSeconds,
  MODELS_MOUNT_PATH,
  podGraceSeconds,
  SERVER_PORT,
  SERVER_UID,
} from "../contracts/serverSettings";
import type { Accelerator, Framework } from "../fleet/accelerators";
import type { PodResources } from "../fleet/podResources";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import {
  modelServerMounts,
  modelServerResources,
  modelServerVolumes,
  publishMetrics,
  serverProbes,
  serverSettings,
  variables,
} from "./modelServer";
import { deviceTaint, nodeSelectorOf } from "./nodePool";
import { PodIdentity } from "./podIdentity";
import { containerSecurity, podSecurity } from "./restrictedPod";
import type { Scope } from "./scope";
import { secretSettings } from "./secretSettings";
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
  /** Whether its images are looked at before they are given away. */
  readonly safetyChecker: boolean;
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
    const secret = secretSettings(
      name,
      {
        scope: args.scope,
        namespace: args.namespace,
        labels: unitLabels(name, args),
        values: args.secretEnv,
      },
      inside,
    );
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
      statements: [publishMetrics],
    },
    opts,
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
        nodeSelector: nodeSelectorOf(args.scope, { kind: "unit", name }),
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
        securityContext: { ...podSecurity, fsGroup: SERVER_UID },
        containers: [container(name, args, secret)],
        volumes: modelServerVolumes(args.modelClaimName, args.podResources),
      },
    },
  };
}

function container(
  name: string,
  args: DeploymentUnitArgs,
  secret: kubernetes.core.v1.Secret | undefined,
) {
  const settings = serverSettings(name, {
    ...args,
    modelPath: `${MODELS_MOUNT_PATH}/${args.artefactPath}`,
    port: SERVER_PORT,
    // What takes longer could not be finished by a pod that has to stop.
    longestRunSeconds: args.drainSeconds,
  });
  return {
    name: "inference-server",
    image: args.image,
    imagePullPolicy: "IfNotPresent",
    ports: [{ name: "http", containerPort: SERVER_PORT, protocol: "TCP" }],
    env: variables({ ...settings, ...args.env }),
    ...(secret === undefined ? {} : { envFrom: [{ secretRef: { name: secret.metadata.name } }] }),
    resources: modelServerResources(args.podResources, args.accelerator, args.devices),
    ...serverProbes,
    lifecycle: { preStop: { sleep: { seconds: deregistrationLeadSeconds } } },
    securityContext: containerSecurity,
    volumeMounts: modelServerMounts(MODELS_MOUNT_PATH),
  };
}
