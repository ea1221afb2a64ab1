import { podGraceSeconds } from "../../../contracts/serverSettings";
import type { Problem } from "../errors";
import { secondsOf } from "../scalars";
import type { FleetConfig } from "../schema";

/** Instance families with Arm processors end their generation in g: m7g, c7gn. */
const arm = /^[a-z]+\d+g[a-z]*\./;

/** Tags that the program sets itself. */
const reservedTags = ["diffusion-fleet:project", "diffusion-fleet:stack"];

/** Rules about network, cluster and tags. */
export function platformProblems(
  { network, cluster, nodes, images, scaling, tags, modelStore }: FleetConfig,
  region: string,
): Problem[] {
  const problems: Problem[] = [];
  const add = (problem: Problem) => problems.push(problem);
  for (const [index, zone] of (network.availabilityZones ?? []).entries())
    if (!zone.startsWith(region))
      add({
        key: `network.availabilityZones[${index}]`,
        value: zone,
        allowed: `a zone of the stack's region, ${region}`,
      });
  if (cluster.existing !== undefined && network.existing === undefined)
    add({
      key: "network.existing",
      value: undefined,
      allowed: "the VPC of the existing cluster",
      reads: ["cluster.existing"],
    });
  for (const [name, { policy, namespaces, kubernetesGroups }] of Object.entries(
    cluster.accessEntries,
  )) {
    const key = `cluster.accessEntries.${name}`;
    if (policy === undefined && kubernetesGroups.length === 0)
      add({
        key: `${key}.policy`,
        value: undefined,
        allowed: "an EKS access policy, unless `kubernetesGroups` names groups",
        reads: [`${key}.kubernetesGroups`],
      });
    else if (policy === undefined && namespaces.length > 0)
      add({
        key: `${key}.namespaces`,
        value: namespaces,
        allowed: "nothing without `policy`: what a group may do and where, its RoleBindings say",
        reads: [`${key}.policy`],
      });
  }
  const existing = cluster.existing;
  if (existing?.installed.includes("karpenter") && existing.karpenterNodeRoleName === undefined)
    add({
      key: "cluster.existing.karpenterNodeRoleName",
      value: undefined,
      allowed: "the role of Karpenter's nodes, since karpenter is installed already",
      reads: ["cluster.existing.installed"],
    });
  const kubeProxyMinor = minor(cluster.addons.kubeProxy);
  const clusterMinor = minor(cluster.version);
  if (kubeProxyMinor > clusterMinor || kubeProxyMinor < clusterMinor - 3)
    add({
      key: "cluster.addons.kubeProxy",
      value: cluster.addons.kubeProxy,
      allowed: `a kube-proxy of Kubernetes ${cluster.version}, or three minor versions older at most`,
      reads: ["cluster.version"],
    });
  for (const [index, type] of cluster.systemNodes.instanceTypes.entries())
    if (arm.test(type))
      add({
        key: `cluster.systemNodes.instanceTypes[${index}]`,
        value: type,
        allowed: "an x86-64 instance type, e.g. m7i.large",
      });
  if (arm.test(images.snapshot.builderInstanceType))
    add({
      key: "images.snapshot.builderInstanceType",
      value: images.snapshot.builderInstanceType,
      allowed: "an x86-64 instance type, e.g. m7i.large",
    });
  if (region.startsWith("cn-") && network.interfaceEndpoints.length > 0)
    add({
      key: "network.interfaceEndpoints",
      value: network.interfaceEndpoints,
      allowed: "nothing in China, where the services have other names",
    });
  const podGrace = podGraceSeconds(scaling.drainSeconds);
  if (secondsOf(nodes.terminationGracePeriod) < podGrace)
    add({
      key: "nodes.terminationGracePeriod",
      value: nodes.terminationGracePeriod,
      allowed: `at least ${podGrace}s, what a pod may take to stop`,
      reads: ["scaling.drainSeconds"],
    });
  for (const key of ["expireAfter", "loadingProtection"] as const)
    if (nodes[key] !== "Never" && secondsOf(nodes[key]) === 0)
      add({ key: `nodes.${key}`, value: nodes[key], allowed: "a duration longer than nothing" });
  if (modelStore.kmsKeyArn !== undefined && modelStore.existingBucket === undefined)
    add({
      key: "modelStore.kmsKeyArn",
      value: modelStore.kmsKeyArn,
      allowed: "nothing without `existingBucket`: the program's own bucket has no key of its own",
      reads: ["modelStore.existingBucket"],
    });
  for (const tag of reservedTags)
    if (tags[tag] !== undefined)
      add({ key: `tags.${tag}`, value: tags[tag], allowed: "nothing: the program sets it" });
  return problems;
}

/** The minor version in `1.35` or `v1.35.0-eksbuild.2`. */
function minor(version: string): number {
  return Number(version.split(".")[1]);
}
