import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseAllDocuments } from "yaml";
import { awsLoadBalancerController } from "../../../charts/awsLoadBalancerController";
import { gatewayApiCrds } from "../../../charts/gatewayApi";
import { karpenter } from "../../../charts/karpenter";
import { keda } from "../../../charts/keda";
import { checkoutRoot } from "./checkout";
import type { KubernetesObject } from "./client";
import { downloadModule } from "./go";

/** CRDs in a Go module, in the version whose chart or manifests the program installs. */
interface ModuleCrds {
  readonly module: string;
  readonly version: string;
  readonly folder: string;
}

const modules: readonly ModuleCrds[] = [
  {
    // With the core's CRDs, to which AWS's provider adds rules of its own: what karpenter-crd has.
    module: "github.com/aws/karpenter-provider-aws",
    version: `v${karpenter.version}`,
    folder: "pkg/apis/crds",
  },
  {
    module: "github.com/kedacore/keda/v2",
    version: `v${keda.version}`,
    folder: "config/crd/bases",
  },
  {
    // The standard channel, with the policy that guards its upgrades.
    module: "sigs.k8s.io/gateway-api",
    version: `v${gatewayApiCrds.version}`,
    folder: "config/crd/standard",
  },
];

/** API groups of the load balancer controller, whose Go module no registry serves. */
const loadBalancerGroups = ["gateway.k8s.aws", "elbv2.k8s.aws"];

function loadBalancerFolder(): string {
  const { name, version } = awsLoadBalancerController;
  return join(checkoutRoot(), "../shared/crds", `${name}-${version}`);
}

/** Why the load balancer controller's kinds are not known; undefined when they are. */
export function loadBalancerCrdsMissing(): string | undefined {
  const folder = loadBalancerFolder();
  if (existsSync(folder)) return undefined;
  return `the load balancer controller's CRDs are not in ${relative(checkoutRoot(), folder)}`;
}

/** Whether an object is of a kind that is Kubernetes' own or has a CRD here. */
export function hasSchema({ apiVersion }: KubernetesObject): boolean {
  const [group] = apiVersion.split("/");
  return loadBalancerCrdsMissing() === undefined || !loadBalancerGroups.includes(group as string);
}

/**
 * The CRDs of Karpenter, KEDA, the Gateway API and, where they are beside the checkout, the load
 * balancer controller.
 *
 * @throws GoUnavailable when a module is not cached and the registry cannot be reached
 */
export async function allCrds(): Promise<readonly KubernetesObject[]> {
  const folders: string[] = loadBalancerCrdsMissing() === undefined ? [loadBalancerFolder()] : [];
  for (const { module, version, folder } of modules)
    folders.push(join((await downloadModule(module, version)).Dir, folder));
  return folders.flatMap(objectsIn);
}

function objectsIn(folder: string): KubernetesObject[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml") && file !== "kustomization.yaml")
    .flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), "utf8")))
    .map((document): KubernetesObject | null => document.toJS())
    .filter((object) => object !== null);
}
