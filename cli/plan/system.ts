import { MODEL_LABEL, RUNTIME_LABEL, UNIT_LABEL } from "../../contracts/labels";
import { RUNTIME_ATTRIBUTE } from "../../contracts/tasks/message";
import type { PlanSummary, RuntimeSummary, UnitSummary } from "../../stacks/summary";
import type { PlannedResource } from "./document";
import { at, backends, devices, list, requirement, text } from "./facts";

/** Pods of one kind, and the machines that they run on. */
export interface SystemPods {
  readonly name: string;
  readonly devices: string | undefined;
  readonly machines: string | undefined;
  readonly capacity: string | undefined;
  readonly limit: string | undefined;
  readonly minReplicas: number | undefined;
  readonly maxReplicas: number | undefined;
}

/** A deployment unit as the plan builds it. */
export interface SystemUnit extends SystemPods {
  readonly model: string | undefined;
  /** What the config says of it. */
  readonly summary: UnitSummary | undefined;
}

/** Where a route sends a share of its traffic. */
export interface SystemBackend {
  readonly service: string;
  readonly weight: number;
  /** Names of the units behind the Service. */
  readonly units: readonly string[];
}

export interface SystemRoute {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly backends: readonly SystemBackend[];
}

/** A runtime of the asynchronous path, and the queue that it works off. */
export interface SystemRuntime extends SystemPods {
  readonly queue: string;
  /** Whether the models are mounted. */
  readonly readsModels: boolean;
  readonly summary: RuntimeSummary | undefined;
}

/** The asynchronous path. */
export interface SystemTasks {
  /** Of its API: `regional` or `private`. */
  readonly endpoint: string | undefined;
  readonly runtimes: readonly SystemRuntime[];
}

/** What a plan builds, as far as a picture of the system shows it. */
export interface System {
  readonly gateway: { name: string; scheme: string | undefined; listeners: string } | undefined;
  readonly routes: readonly SystemRoute[];
  readonly units: readonly SystemUnit[];
  readonly store: { bucket: string; prefix: string | undefined } | undefined;
  readonly controllers: readonly { name: string; version: string | undefined }[];
  /** Absent: the asynchronous path is off. */
  readonly tasks: SystemTasks | undefined;
}

/** The resources of a Kubernetes kind, or of another type. */
type Kind = (name: string) => readonly PlannedResource[];

/** Reads the system off the planned manifests. */
export function systemOf(resources: readonly PlannedResource[], summary: PlanSummary): System {
  const kinds = new Map<string, PlannedResource[]>();
  for (const resource of resources) {
    const name = text(resource.inputs, "kind") ?? resource.type;
    kinds.set(name, [...(kinds.get(name) ?? []), resource]);
  }
  const kind: Kind = (name) => kinds.get(name) ?? [];
  const pods = kind("Deployment").filter(({ inputs }) => podLabel(inputs, UNIT_LABEL));
  return {
    gateway: gatewayOf(kind("Gateway")[0], kind("LoadBalancerConfiguration")[0]),
    routes: kind("HTTPRoute").map(({ name, inputs }) => ({
      name,
      hosts: list(at(inputs, "spec.hostnames")).map(String),
      backends: backends(inputs).map((backend) => ({
        ...backend,
        units: pods
          .filter((pod) => selects(kind("Service"), backend.service, pod))
          .map(({ inputs: pod }) => podLabel(pod, UNIT_LABEL) ?? ""),
      })),
    })),
    units: [...pods].sort(inOrderOf(summary.units)).map(({ inputs }) => {
      const unit = podsOf(inputs, UNIT_LABEL, kind);
      return {
        ...unit,
        model: podLabel(inputs, MODEL_LABEL),
        summary: summary.units.find(({ unit: name }) => name === unit.name),
      };
    }),
    store: storeOf(kind("PersistentVolume")),
    controllers: resources
      .filter(({ type }) => type.startsWith("kubernetes:helm.sh/"))
      .map(({ inputs }) => ({
        name: text(inputs, "chart")?.split("/").at(-1) ?? "",
        version: text(inputs, "version"),
      })),
    tasks: tasksOf(kind, summary),
  };
}

/** The pods of a Deployment, whose pool and bounds carry the same label. */
function podsOf(deployment: PlannedResource["inputs"], key: string, kind: Kind): SystemPods {
  const name = podLabel(deployment, key) ?? "";
  const own = (candidates: readonly PlannedResource[]) =>
    candidates.find((it) => label(it.inputs, key) === name)?.inputs;
  const pool = own(kind("NodePool"));
  const scaled = own(kind("ScaledObject"));
  const pod = at(deployment, "spec.template.spec");
  const containers = [...list(at(pod, "initContainers")), ...list(at(pod, "containers"))];
  return {
    name,
    devices: containers.flatMap((it) => devices(at(it, "resources.limits")))[0],
    machines: pool && requirement(pool, "node.kubernetes.io/instance-type"),
    capacity: pool && requirement(pool, "karpenter.sh/capacity-type"),
    limit: devices(at(pool, "spec.limits"))[0],
    minReplicas: number(at(scaled, "spec.minReplicaCount")),
    maxReplicas: number(at(scaled, "spec.maxReplicaCount")),
  };
}

function tasksOf(kind: Kind, summary: PlanSummary): SystemTasks | undefined {
  const [api] = kind("aws:apigateway/restApi:RestApi");
  const deployments = kind("Deployment").filter(({ inputs }) => podLabel(inputs, RUNTIME_LABEL));
  if (api === undefined || deployments.length === 0) return undefined;
  return {
    endpoint: text(api.inputs, "endpointConfiguration.types")?.toLowerCase(),
    runtimes: deployments.map(({ inputs }) => {
      const pods = podsOf(inputs, RUNTIME_LABEL, kind);
      const volumes = list(at(inputs, "spec.template.spec.volumes"));
      return {
        ...pods,
        queue: queueOf(pods.name, kind) ?? "",
        readsModels: volumes.some((it) => at(it, "persistentVolumeClaim") !== undefined),
        summary: summary.runtimes.find(({ runtime }) => runtime === pods.name),
      };
    }),
  };
}

/** The queue whose subscription lets the runtime's messages pass. */
function queueOf(runtime: string, kind: Kind): string | undefined {
  return kind("aws:sns/topicSubscription:TopicSubscription").find(({ inputs }) => {
    const filter = JSON.parse(text(inputs, "filterPolicy") ?? "{}") as Record<string, unknown>;
    return list(filter[RUNTIME_ATTRIBUTE]).includes(runtime);
  })?.name;
}

/** Deployments in the order of the units that they belong to. */
function inOrderOf(units: readonly UnitSummary[]) {
  const position = ({ inputs }: PlannedResource) => {
    const index = units.findIndex(({ unit }) => unit === podLabel(inputs, UNIT_LABEL));
    return index < 0 ? units.length : index;
  };
  return (a: PlannedResource, b: PlannedResource) => position(a) - position(b);
}

/**
 * The share that each unit gets in the planned routes, as text: nothing of its own where a route
 * leads to a Service over several units.
 */
export function sharesOf(resources: readonly PlannedResource[]): (unit: UnitSummary) => string {
  const routes = resources.filter(({ inputs }) => inputs.kind === "HTTPRoute");
  const weights = new Map(
    routes.flatMap(({ inputs }) => backends(inputs)).map((b) => [b.service, String(b.weight)]),
  );
  return ({ unit, weight }) => (routes.length === 0 ? String(weight) : (weights.get(unit) ?? "–"));
}

function gatewayOf(gateway: PlannedResource | undefined, balancer: PlannedResource | undefined) {
  if (gateway === undefined) return undefined;
  const listeners = list(at(gateway.inputs, "spec.listeners")).map(
    (listener) => `${text(listener, "protocol")} ${text(listener, "port")}`,
  );
  return {
    name: text(gateway.inputs, "metadata.name") ?? gateway.name,
    scheme: text(balancer?.inputs, "spec.scheme"),
    listeners: listeners.join(", "),
  };
}

function storeOf(volumes: readonly PlannedResource[]) {
  for (const { inputs } of volumes) {
    const bucket = text(inputs, "spec.csi.volumeAttributes.bucketName");
    const prefix = list(at(inputs, "spec.mountOptions")).find((o) => /^prefix /.test(String(o)));
    if (bucket !== undefined)
      return { bucket, prefix: prefix === undefined ? undefined : String(prefix).slice(7) };
  }
  return undefined;
}

function selects(services: readonly PlannedResource[], name: string, pod: PlannedResource) {
  const service = services.find(({ inputs }) => text(inputs, "metadata.name") === name);
  const selector = Object.entries((at(service?.inputs, "spec.selector") ?? {}) as object);
  return (
    selector.length > 0 && selector.every(([key, value]) => podLabel(pod.inputs, key) === value)
  );
}

function label(inputs: unknown, key: string): string | undefined {
  return labelsAt(inputs, "metadata.labels")[key];
}

function podLabel(inputs: unknown, key: string): string | undefined {
  return labelsAt(inputs, "spec.template.metadata.labels")[key];
}

function labelsAt(inputs: unknown, path: string): Record<string, string> {
  return (at(inputs, path) ?? {}) as Record<string, string>;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
