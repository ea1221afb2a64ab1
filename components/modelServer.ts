import type * as pulumi from "@pulumi/pulumi";
import { METRIC_NAMESPACE } from "../contracts/metrics";
import {
  CACHE_PATH,
  HEALTH_PATH,
  READINESS_PATH,
  SCRATCH_PATH,
  type ServerSettings,
} from "../contracts/serverSettings";
import type { Accelerator, Framework } from "../fleet/accelerators";
import type { PodResources } from "../fleet/podResources";
import type { PolicyStatement } from "./podIdentity";
import { bytes, cores } from "./quantity";
import type { Scope } from "./scope";

/** What pods that run a model on an accelerator have in common, whatever hands them their work. */

/** A model may take this long to load before its container is restarted (seed 001: 5-15 minutes). */
const loadingMinutes = 15;

/** What a container with a model requests: its part of the pod's resources, and its devices. */
export function modelServerResources(
  { cpuMillis, memoryMiB }: PodResources,
  accelerator: Accelerator,
  deviceCount: number,
) {
  const devices = { [accelerator.device]: String(deviceCount) };
  return {
    requests: {
      cpu: cores(cpuMillis),
      memory: bytes(memoryMiB),
      // Part of what scratch and cache may grow to: eight replicas share the largest machine's disk.
      "ephemeral-storage": "8Gi",
      ...devices,
    },
    limits: { memory: bytes(memoryMiB), ...devices },
  };
}

/** The model store, shared memory, and the places that such a container may write to. */
export function modelServerVolumes(
  modelClaimName: pulumi.Input<string>,
  { sharedMemoryMiB }: PodResources,
  cacheGiB = 20,
) {
  return [
    { name: "models", persistentVolumeClaim: { claimName: modelClaimName, readOnly: true } },
    {
      name: "shared-memory",
      emptyDir: { medium: "Memory", sizeLimit: bytes(sharedMemoryMiB) },
    },
    { name: "scratch", emptyDir: { sizeLimit: "4Gi" } },
    { name: "cache", emptyDir: { sizeLimit: `${cacheGiB}Gi` } },
  ];
}

/** Where it finds them. */
export function modelServerMounts(modelsPath: string) {
  return [
    { name: "models", mountPath: modelsPath, readOnly: true },
    { name: "shared-memory", mountPath: "/dev/shm" },
    { name: "scratch", mountPath: SCRATCH_PATH },
    { name: "cache", mountPath: CACHE_PATH },
  ];
}

/** It is ready, for the first time after minutes, when this path answers. */
export function loadingProbe(path: string = READINESS_PATH) {
  return {
    httpGet: { path, port: "http" },
    periodSeconds: 10,
    timeoutSeconds: 5,
    failureThreshold: (loadingMinutes * 60) / 10,
  };
}

/** The probes of our inference server. */
export const serverProbes = {
  startupProbe: loadingProbe(),
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
};

export interface ServerSettingsArgs {
  readonly scope: Scope;
  readonly model: string;
  readonly accelerator: Accelerator;
  readonly framework: Framework;
  /** Devices per replica. */
  readonly devices: number;
  /** Folder of the model's artefact, absolute. */
  readonly modelPath: string;
  readonly port: number;
  /** Seconds that it has to finish requests. */
  readonly drainSeconds: number;
  /** Seconds after which a batch is taken for a device that hangs. */
  readonly longestRunSeconds: number;
  /** Whether images are looked at before they are given away. */
  readonly safetyChecker: boolean;
}

/** What our inference server is told by its environment. */
export function serverSettings(name: string, args: ServerSettingsArgs): ServerSettings {
  return {
    UNIT: name,
    MODEL: args.model,
    FRAMEWORK: args.framework,
    ACCELERATOR: args.accelerator.name,
    DEVICES: String(args.devices),
    MODEL_PATH: args.modelPath,
    PORT: String(args.port),
    STACK: args.scope.stack,
    METRIC_NAMESPACE,
    AWS_REGION: args.scope.region,
    DRAIN_SECONDS: String(args.drainSeconds),
    CACHE_PATH,
    LONGEST_RUN_SECONDS: String(args.longestRunSeconds),
    SAFETY_CHECKER: args.safetyChecker ? "on" : "off",
  };
}

/** The server publishes metrics to the fleet's namespace, and may do nothing else in AWS. */
export const publishMetrics: PolicyStatement = {
  Effect: "Allow",
  Action: "cloudwatch:PutMetricData",
  // PutMetricData knows no resources; the namespace condition is its only bound.
  Resource: "*",
  Condition: { StringEquals: { "cloudwatch:namespace": METRIC_NAMESPACE } },
};

/** Variables of a container. */
export function variables(values: Readonly<Record<string, pulumi.Input<string>>>) {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}
