import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ACCELERATOR_LABEL, labels, RUNTIME_LABEL } from "../contracts/labels";
import { HEALTH_PATH, READINESS_PATH, SERVER_UID } from "../contracts/serverSettings";
import type { AdapterName } from "../contracts/tasks/runtimes";
import { AGENT_PORT, QUEUE_AGENT, type QueueAgentSettings } from "../contracts/tasks/settings";
import type { Accelerator, Framework } from "../fleet/accelerators";
import { agentHeapPart, runtimeResources } from "../fleet/agentResources";
import type { PodResources, Resources } from "../fleet/podResources";
import { endSeconds, type QueueTimes } from "../fleet/queueing";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import {
  loadingProbe,
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
import { bytes, cores } from "./quantity";
import { type QueueAgentTargets, queueAgentAccess } from "./queueAgentAccess";
import { containerSecurity, podSecurity } from "./restrictedPod";
import type { Scope } from "./scope";
import { secretSettings } from "./secretSettings";

/** What the program tells an agent, some of it known after `up` only. */
export type AgentSettings = {
  readonly [Name in keyof QueueAgentSettings]: pulumi.Input<string>;
};

export interface QueueRuntimeArgs {
  readonly scope: Scope;
  readonly namespace: pulumi.Input<string>;
  readonly cluster: { readonly name: pulumi.Input<string>; readonly arn: pulumi.Input<string> };
  readonly runtime: {
    readonly adapter: AdapterName;
    /** By digest or fixed tag. */
    readonly image: pulumi.Input<string>;
    /** Arguments for the image; absent: its own. */
    readonly command?: readonly string[] | undefined;
    readonly port: number;
    readonly framework: Framework;
    /** The model that it serves, and the folder of its artefact in the store; absent: its own affair. */
    readonly model?:
      | {
          readonly name: string;
          readonly artefactPath: string;
          readonly safetyChecker: boolean;
        }
      | undefined;
    /** Where the model store is mounted. */
    readonly modelsPath: string;
    /** More settings, to be read by anyone who may read the Deployment. */
    readonly env: Readonly<Record<string, string>>;
    /** More settings that are kept in a Secret. */
    readonly secretEnv: Readonly<Record<string, string>>;
  };
  readonly agent: {
    /** By digest or fixed tag. */
    readonly image: pulumi.Input<string>;
    readonly resources: Resources;
    readonly settings: AgentSettings;
    readonly access: Omit<QueueAgentTargets, "partition" | "region">;
  };
  readonly accelerator: Accelerator;
  /** Devices per replica. */
  readonly devices: number;
  /** What the pod requests beside its devices: the agent's part and the runtime's. */
  readonly podResources: PodResources;
  /** The claim of the model store. */
  readonly modelClaimName: pulumi.Input<string>;
  readonly times: QueueTimes;
}

/**
 * A runtime that works off a queue: pods of the runtime and, beside it, the agent. The autoscaler
 * owns their number.
 *
 * The agent is the container that a pod is about; the runtime is a native sidecar, so that it starts
 * before the agent and outlives it: what the agent finishes after SIGTERM still has its runtime.
 */
export class QueueRuntime extends pulumi.ComponentResource {
  readonly deployment: kubernetes.apps.v1.Deployment;

  constructor(name: string, args: QueueRuntimeArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:QueueRuntime", name, {}, pulumiOptions(opts));
    const inside = childOptions(this, opts);
    const identity = createIdentity(name, args, inside);
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
        labels: runtimeLabels(name, args),
        values: args.runtime.secretEnv,
      },
      inside,
    );
    this.deployment = new kubernetes.apps.v1.Deployment(
      name,
      {
        // From zero there is nothing to wait for, and in a shortage nothing comes.
        metadata: { ...metadata(name, args), annotations: { "pulumi.com/skipAwait": "true" } },
        spec: deploymentSpec(name, args, secret),
      },
      {
        ...childOptions(this, opts, [serviceAccount, identity.association]),
        // A Deployment's name and selector cannot both stay: replace in place rather than collide.
        deleteBeforeReplace: true,
      },
    );
    new kubernetes.policy.v1.PodDisruptionBudget(
      name,
      {
        metadata: metadata(name, args),
        spec: {
          // One after the other, so that a drain of many nodes does not end all work at once.
          maxUnavailable: 1,
          // A pod that loads, or never got ready, has no task and must not hold up a node.
          unhealthyPodEvictionPolicy: "AlwaysAllow",
          selector: { matchLabels: selector(name) },
        },
      },
      inside,
    );
    this.registerOutputs({});
  }
}

function selector(runtime: string): Record<string, string> {
  return { [RUNTIME_LABEL]: runtime };
}

/** Without the model's label: the realtime path's Services choose their pods by it. */
function runtimeLabels(name: string, { accelerator }: QueueRuntimeArgs) {
  return labels(name, {
    "app.kubernetes.io/component": "queue-runtime",
    [RUNTIME_LABEL]: name,
    [ACCELERATOR_LABEL]: accelerator.name,
  });
}

function metadata(name: string, args: QueueRuntimeArgs) {
  return { name, namespace: args.namespace, labels: runtimeLabels(name, args) };
}

/** A pod's containers share their identity: what the agent may, and the server's metrics. */
function createIdentity(name: string, args: QueueRuntimeArgs, opts: ComponentOptions): PodIdentity {
  return new PodIdentity(
    name,
    {
      scope: args.scope,
      clusterName: args.cluster.name,
      clusterArn: args.cluster.arn,
      namespace: args.namespace,
      serviceAccount: name,
      statements: [
        ...queueAgentAccess({
          ...args.agent.access,
          partition: args.scope.partition,
          region: args.scope.region,
        }),
        ...(args.runtime.adapter === "fleet" ? [publishMetrics] : []),
      ],
    },
    opts,
  );
}

function deploymentSpec(
  name: string,
  args: QueueRuntimeArgs,
  secret: kubernetes.core.v1.Secret | undefined,
) {
  return {
    selector: { matchLabels: selector(name) },
    progressDeadlineSeconds: 20 * 60,
    revisionHistoryLimit: 5,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    template: {
      metadata: {
        labels: runtimeLabels(name, args),
        // For as long as it lives: nobody outside can tell whether it has a task.
        annotations: { "karpenter.sh/do-not-disrupt": "true" },
      },
      spec: {
        serviceAccountName: name,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        nodeSelector: nodeSelectorOf(args.scope, { kind: "runtime", name }),
        tolerations: [{ ...deviceTaint(args.accelerator), operator: "Equal" }],
        terminationGracePeriodSeconds: args.times.podGraceSeconds,
        securityContext: { ...podSecurity, fsGroup: SERVER_UID },
        initContainers: [runtimeContainer(name, args, secret)],
        containers: [agentContainer(args)],
        volumes: modelServerVolumes(args.modelClaimName, args.podResources),
      },
    },
  };
}

/** A native sidecar: an init container that goes on. */
function runtimeContainer(
  name: string,
  args: QueueRuntimeArgs,
  secret: kubernetes.core.v1.Secret | undefined,
) {
  const { runtime, agent } = args;
  return {
    name: "runtime",
    restartPolicy: "Always",
    image: runtime.image,
    imagePullPolicy: "IfNotPresent",
    ...(runtime.command === undefined ? {} : { args: [...runtime.command] }),
    ports: [{ name: "http", containerPort: runtime.port, protocol: "TCP" }],
    env: variables({ ...runtimeSettings(name, args), ...runtime.env }),
    ...(secret === undefined ? {} : { envFrom: [{ secretRef: { name: secret.metadata.name } }] }),
    resources: modelServerResources(
      runtimeResources(args.podResources, agent.resources),
      args.accelerator,
      args.devices,
    ),
    ...runtimeProbes[runtime.adapter],
    securityContext: containerSecurity,
    volumeMounts: modelServerMounts(runtime.modelsPath),
  };
}

function runtimeSettings(name: string, args: QueueRuntimeArgs): Readonly<Record<string, string>> {
  const { adapter, model, modelsPath, framework, port } = args.runtime;
  if (model === undefined) return {};
  const modelPath = `${modelsPath}/${model.artefactPath}`;
  if (adapter !== "fleet") return { MODEL_PATH: modelPath };
  const settings = serverSettings(name, {
    scope: args.scope,
    model: model.name,
    accelerator: args.accelerator,
    framework,
    devices: args.devices,
    modelPath,
    safetyChecker: model.safetyChecker,
    port,
    // It is told to stop when the agent has ended, and with it all requests.
    drainSeconds: endSeconds,
    // The agent gives up a task before that.
    longestRunSeconds: args.times.drainSeconds,
  });
  return { ...settings };
}

/**
 * Where each kind of runtime says that it is there. The WebUI's `/internal/ping` is missing with
 * `--nowebui`; `/sdapi/v1/memory` is in both (modules/api/api.py). ComfyUI: "Routes" of its docs.
 */
const runtimeProbes = {
  fleet: serverProbes,
  webui: patientProbes("/sdapi/v1/memory"),
  comfyui: patientProbes("/system_stats"),
} as const;

/**
 * For servers that may keep an answer waiting while they load another model or make an image: after
 * five minutes without one they hang.
 */
function patientProbes(path: string) {
  const patient = { httpGet: { path, port: "http" }, periodSeconds: 20, timeoutSeconds: 10 };
  return {
    startupProbe: loadingProbe(path),
    // A pod that is not ready has no task, as evictions see it: a busy one stays ready.
    readinessProbe: { ...patient, failureThreshold: 15 },
    livenessProbe: { ...patient, failureThreshold: 15 },
  };
}

function agentContainer({ agent }: QueueRuntimeArgs) {
  const { cpuMillis, memoryMiB } = agent.resources;
  const memory = bytes(memoryMiB);
  return {
    name: QUEUE_AGENT,
    image: agent.image,
    imagePullPolicy: "IfNotPresent",
    ports: [{ name: "agent", containerPort: AGENT_PORT, protocol: "TCP" }],
    env: [
      { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      ...variables({
        ...agent.settings,
        NODE_OPTIONS: `--max-old-space-size=${Math.floor(memoryMiB * agentHeapPart)}`,
      }),
    ],
    resources: { requests: { cpu: cores(cpuMillis), memory }, limits: { memory } },
    // No traffic comes from outside: whether it is ready tells rollouts and evictions only.
    readinessProbe: {
      httpGet: { path: READINESS_PATH, port: "agent" },
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 3,
    },
    livenessProbe: {
      httpGet: { path: HEALTH_PATH, port: "agent" },
      initialDelaySeconds: 10,
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 6,
    },
    securityContext: containerSecurity,
  };
}
