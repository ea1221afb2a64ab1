import type { PlannedResource } from "./document";

type Inputs = Readonly<Record<string, unknown>>;

/** The few fields of a type that a person looks for in a plan. */
const FACTS: Readonly<Record<string, (inputs: Inputs) => (string | undefined)[]>> = {
  "awsx:ec2:Vpc": (vpc) => [
    text(vpc, "cidrBlock"),
    counted(at(vpc, "numberOfAvailabilityZones"), "zone"),
    list(at(vpc, "availabilityZoneNames")).join(" "),
    labelled("NAT", text(vpc, "natGateways.strategy")),
  ],
  "eks:index:Cluster": (cluster) => [
    labelled("Kubernetes", text(cluster, "version")),
    text(cluster, "authenticationMode"),
    at(cluster, "endpointPublicAccess") === false
      ? "private endpoint"
      : labelled("public to", list(at(cluster, "publicAccessCidrs")).join(", ")),
  ],
  "aws:eks/nodeGroup:NodeGroup": nodeGroup,
  "eks:index:ManagedNodeGroup": nodeGroup,
  "aws:eks/addon:Addon": (addon) => [text(addon, "addonVersion")],
  "aws:s3/bucket:Bucket": (bucket) => [text(bucket, "bucket") ?? prefixed(bucket, "bucketPrefix")],
  "aws:ecr/repository:Repository": (repository) => [
    text(repository, "name"),
    text(repository, "imageTagMutability")?.toLowerCase(),
  ],
  "aws:sqs/queue:Queue": (queue) => [text(queue, "name") ?? prefixed(queue, "namePrefix")],
  "aws:ssm/document:Document": (document) => [text(document, "documentType")],
  "aws:cloudwatch/dashboard:Dashboard": (dashboard) => [text(dashboard, "dashboardName")],
  "aws:budgets/budget:Budget": (budget) => [
    `${text(budget, "limitAmount")} ${text(budget, "limitUnit")} ${text(budget, "timeUnit")?.toLowerCase()}`,
  ],
  "kubernetes:helm.sh/v3:Release": (release) => [
    [
      chartName(release) === text(release, "name") ? "" : chartName(release),
      text(release, "version"),
    ]
      .join(" ")
      .trim(),
    labelled("in", text(release, "namespace")),
  ],
  "kubernetes:yaml/v2:ConfigFile": (file) => [sourceOf(text(file, "file") ?? "")],
  "kubernetes:apps/v1:Deployment": (deployment) => {
    const pod = at(deployment, "spec.template.spec");
    const containers = [...list(at(pod, "initContainers")), ...list(at(pod, "containers"))];
    return [
      containers.map((container) => shortImage(text(container, "image"))).join(" and "),
      counted(at(deployment, "spec.replicas"), "replica"),
      ...containers.flatMap((container) => devices(at(container, "resources.limits"))),
    ];
  },
  "kubernetes:batch/v1:Job": (job) => {
    const [container] = list(at(job, "spec.template.spec.containers"));
    const words = list(at(container, "args")) as string[];
    const option = (name: string) =>
      words.includes(name) ? words[words.indexOf(name) + 1] : undefined;
    return [
      option("--sizes")?.replaceAll(",", " "),
      labelled("batches of", option("--batch")),
      labelled("to", option("--to")?.replace(/^s3:\/\/[^/]*\//, "")),
    ];
  },
  "kubernetes:core/v1:PersistentVolume": (volume) => [
    labelled("bucket", text(volume, "spec.csi.volumeAttributes.bucketName")),
    (list(at(volume, "spec.mountOptions")) as string[]).find((o) => o.startsWith("prefix ")),
  ],
  "kubernetes:core/v1:ConfigMap": (map) => [Object.keys(object(at(map, "data"))).join(", ")],
  NodePool: (pool) => [
    requirement(pool, "node.kubernetes.io/instance-type"),
    requirement(pool, "karpenter.sh/capacity-type"),
    labelled("at most", devices(at(pool, "spec.limits")).join(", ")),
  ],
  EC2NodeClass: (nodeClass) => [
    text(nodeClass, "spec.amiSelectorTerms.0.alias"),
    volumes(list(at(nodeClass, "spec.blockDeviceMappings"))),
    text(nodeClass, "spec.instanceStorePolicy"),
  ],
  Gateway: (gateway) =>
    list(at(gateway, "spec.listeners")).map((l) => `${text(l, "protocol")} ${text(l, "port")}`),
  LoadBalancerConfiguration: (configuration) => [
    text(configuration, "spec.scheme"),
    text(configuration, "spec.loadBalancerName"),
  ],
  HTTPRoute: (route) => backends(route).map(({ service, weight }) => `${service} ${weight}`),
  ScaledObject: (scaled) => [
    `${text(scaled, "spec.minReplicaCount")}–${text(scaled, "spec.maxReplicaCount")} replicas`,
    ...list(at(scaled, "spec.triggers")).map(
      (trigger) =>
        `${text(trigger, "name") ?? text(trigger, "type")} ` +
        `${text(trigger, "metadata.targetMetricValue") ?? text(trigger, "metadata.queueLength") ?? ""}`.trim(),
    ),
  ],
};

/** The few words that say what is particular about a resource; none for most types. */
export function factsOf({ type, inputs }: PlannedResource): string | undefined {
  const facts = FACTS[type] ?? FACTS[type.split(":")[2] ?? ""];
  const found = facts?.(inputs).filter((fact) => fact !== undefined && fact !== "");
  return found && found.length > 0 ? found.join(", ") : undefined;
}

export interface Backend {
  readonly service: string;
  readonly weight: number;
}

/** Where a route sends traffic: the backends of its rule without a header match. */
export function backends(route: Inputs): Backend[] {
  const rules = list(at(route, "spec.rules"));
  const carrying = rules.find(
    (rule) => !list(at(rule, "matches")).some((match) => at(match, "headers") !== undefined),
  );
  return list(at(carrying, "backendRefs")).map((backend) => ({
    service: text(backend, "name") ?? "",
    weight: Number(at(backend, "weight") ?? 1),
  }));
}

/** The values that a NodePool allows for a label. */
export function requirement(pool: Inputs, key: string): string | undefined {
  const found = list(at(pool, "spec.template.spec.requirements")).find(
    (candidate) => at(candidate, "key") === key,
  );
  return found === undefined ? undefined : list(at(found, "values")).join(" or ");
}

/** Devices in a resource list: `1 neuron` for `aws.amazon.com/neuron: "1"`. */
export function devices(resources: unknown): string[] {
  return Object.entries(object(resources))
    .filter(([name]) => name.includes("/"))
    .map(([name, amount]) => `${amount} ${name.split("/")[1]}`);
}

/** The value at a dotted path of keys and indices. */
export function at(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((inner, step) => object(inner)[step], value);
}

export function text(value: unknown, path: string): string | undefined {
  const found = at(value, path);
  return typeof found === "string" || typeof found === "number" ? String(found) : undefined;
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function nodeGroup(group: Inputs): (string | undefined)[] {
  const scaling = object(at(group, "scalingConfig"));
  return [
    list(at(group, "instanceTypes")).join(" or "),
    text(group, "amiType"),
    `${scaling.minSize}–${scaling.maxSize} nodes`,
  ];
}

function labelled(label: string, value: string | undefined): string | undefined {
  return value === undefined || value === "" ? undefined : `${label} ${value}`;
}

function counted(count: unknown, noun: string): string | undefined {
  return typeof count === "number" ? `${count} ${noun}${count === 1 ? "" : "s"}` : undefined;
}

function prefixed(inputs: Inputs, key: string): string | undefined {
  const prefix = text(inputs, key);
  return prefix === undefined ? undefined : `${prefix}…`;
}

function chartName(release: Inputs): string {
  return text(release, "chart")?.split("/").at(-1) ?? "";
}

/** A file and the release of a repository that it comes from. */
function sourceOf(url: string): string {
  const [, , , , repository, ...path] = url.split("/");
  const version = path.find((part) => /^v\d/.test(part));
  return version === undefined ? url : `${path.at(-1)} of ${repository} ${version}`;
}

function volumes(mappings: readonly unknown[]): string {
  const sizes = mappings.map((mapping) => text(mapping, "ebs.volumeSize"));
  return `${sizes.join(" + ")} ${text(mappings.at(-1), "ebs.volumeType") ?? ""}`.trim();
}

/** An image without its registry, or by the repository that it will be in, and by its tag if any. */
function shortImage(image: string | undefined): string | undefined {
  return image
    ?.replace(/^<output of (.+)\.repositoryUrl>/, "$1")
    .replace(/^[^/]*[.:][^/]*\//, "")
    .replace(/(:[^/@]+)@sha256:[0-9a-f]+$/, "$1");
}
