import { secretOf, UNKNOWN, type WireObject, type WireValue } from "../../../cli/plan/wire";
import { arnOf } from "./arn";
import { type Child, type Component, within } from "./component";

/** What a kubeconfig has that nobody may read; a test looks for it. */
export const CLUSTER_CREDENTIAL = "k8s-aws-v1.ThisOpensTheCluster";

/** @pulumi/eks's Cluster as this program has it: a control plane with a given role, without nodes. */
export async function eksCluster(component: Component): Promise<WireObject> {
  const { name, inputs } = component;
  const cluster = await component.child(
    "aws:eks/cluster:Cluster",
    `${name}-eksCluster`,
    clusterInputs(inputs),
  );
  const kubeconfig = secretOf(kubeconfigOf(cluster));
  const securityGroupId = within(cluster.outputs.vpcConfig, "clusterSecurityGroupId");
  return {
    eksCluster: cluster.reference,
    kubeconfig,
    kubeconfigJson: kubeconfig,
    clusterSecurityGroupId: securityGroupId,
    nodeSecurityGroupId: securityGroupId,
    clusterIngressRuleId: "",
    instanceRoles: [],
    oidcProviderArn: "",
  };
}

function clusterInputs(inputs: WireObject): WireObject {
  const {
    authenticationMode,
    bootstrapSelfManagedAddons,
    deletionProtection,
    enabledClusterLogTypes,
    encryptionConfigKeyArn,
    endpointPrivateAccess,
    endpointPublicAccess,
    name,
    privateSubnetIds,
    publicAccessCidrs,
    publicSubnetIds,
    upgradePolicy,
    version,
  } = inputs;
  return present({
    name,
    version,
    roleArn: arnOfRole(inputs.serviceRole),
    accessConfig: { authenticationMode: String(authenticationMode).toUpperCase() },
    bootstrapSelfManagedAddons,
    deletionProtection,
    enabledClusterLogTypes,
    encryptionConfig: { provider: { keyArn: encryptionConfigKeyArn }, resources: ["secrets"] },
    upgradePolicy,
    vpcConfig: {
      endpointPrivateAccess,
      endpointPublicAccess,
      publicAccessCidrs,
      subnetIds: [...idsIn(publicSubnetIds), ...idsIn(privateSubnetIds)],
    },
  }) as WireObject;
}

/** The engine hands a resource over by its id, to a provider that takes no references. */
function arnOfRole(id: WireValue | undefined): WireValue {
  if (typeof id !== "string" || id === "" || id === UNKNOWN) return UNKNOWN;
  return arnOf("aws:iam/role:Role", { id, name: id });
}

function idsIn(ids: WireValue | undefined): readonly WireValue[] {
  return Array.isArray(ids) ? ids : [UNKNOWN];
}

/** The access to a cluster, with a credential in it as some users' have. */
function kubeconfigOf({ outputs }: Child): WireValue {
  const { endpoint, name } = outputs;
  const authority = within(outputs.certificateAuthority, "data");
  if ([endpoint, name, authority].includes(UNKNOWN)) return UNKNOWN;
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server: endpoint, "certificate-authority-data": authority } }],
    contexts: [{ name: "aws", context: { cluster: name, user: "aws" } }],
    "current-context": "aws",
    users: [{ name: "aws", user: { token: CLUSTER_CREDENTIAL } }],
  });
}

/** Inputs without those that nobody gave. */
function present(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) =>
      inner === undefined ? [] : [[key, present(inner)]],
    ),
  );
}
