/** How a deployment unit's pod and the inference server in it meet. */

/** Port of the inference server. */
export const SERVER_PORT = 8000;

/** Paths of the probes (seed 001: PyTorch-style health API over HTTP). */
export const READINESS_PATH = "/readiness";
export const HEALTH_PATH = "/health";

/** Where the model store is mounted, read-only. */
export const MODELS_MOUNT_PATH = "/models";

/** Writable places of a container whose root file system is not: scratch, and compile caches. */
export const SCRATCH_PATH = "/tmp";
export const CACHE_PATH = "/cache";

/** The non-root user of every container of ours. */
export const SERVER_UID = 10001;

/** Names that a unit's own `env` may not set: the program says what they are. */
export const serverSettingNames = [
  "UNIT",
  "MODEL",
  "FRAMEWORK",
  "ACCELERATOR",
  "DEVICES",
  "MODEL_PATH",
  "PORT",
  "STACK",
  "METRIC_NAMESPACE",
  "AWS_REGION",
  "DRAIN_SECONDS",
  "CACHE_PATH",
  "LONGEST_RUN_SECONDS",
  "SAFETY_CHECKER",
] as const;

/** The settings that a unit's pod hands to its server, by environment variable. */
export interface ServerSettings
  extends Readonly<Record<(typeof serverSettingNames)[number], string>> {
  readonly UNIT: string;
  readonly MODEL: string;
  readonly FRAMEWORK: "neuron" | "cuda" | "triton";
  readonly ACCELERATOR: string;
  /** Devices that the pod owns. */
  readonly DEVICES: string;
  /** Folder of the model's artefact below the mount. */
  readonly MODEL_PATH: string;
  readonly PORT: string;
  /** The stack: value of the metrics' dimension. */
  readonly STACK: string;
  readonly METRIC_NAMESPACE: string;
  readonly AWS_REGION: string;
  /** Seconds to finish requests after SIGTERM. */
  readonly DRAIN_SECONDS: string;
  readonly CACHE_PATH: string;
  /** Seconds after which a batch is taken for a device that hangs. */
  readonly LONGEST_RUN_SECONDS: string;
  /** Whether images are looked at before they are given away. */
  readonly SAFETY_CHECKER: "on" | "off";
}

/** Seconds for which a stopping pod still answers while the load balancer forgets it. */
export const deregistrationLeadSeconds = 15;

/** Seconds that a pod has to stop: to be forgotten, to finish its requests, and a few to end. */
export function podGraceSeconds(drainSeconds: number): number {
  return deregistrationLeadSeconds + drainSeconds + 15;
}

/** Path of an artefact below the store's prefix: model, framework and, once imported, its hash. */
export function artefactPath(model: string, framework: string, hash: string | undefined): string {
  return [model, framework, ...(hash === undefined ? [] : [hash])].join("/");
}
