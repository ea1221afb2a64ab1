import * as aws from "@pulumi/aws";
import * as eks from "@pulumi/eks";
import type * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { kmsAlias } from "../fleet/names";
import { type ClusterFacts, clusterArn } from "./clusterFacts";
import { clusterProvider } from "./clusterProvider";
import { type ClusterRole, createClusterRole } from "./clusterRole";
import { prefixIn, type Scope } from "./scope";

export interface ClusterArgs {
  readonly scope: Scope;
  /** Kubernetes version, e.g. `1.35`. */
  readonly version: string;
  readonly vpcId: pulumi.Input<string>;
  readonly privateSubnetIds: pulumi.Input<string[]>;
  readonly publicSubnetIds: pulumi.Input<string[]>;
  /** Who may reach the public API endpoint; empty: there is none. */
  readonly publicAccessCidrs: readonly string[];
  /** Control plane logs and the days that they are kept. */
  readonly logs: { readonly types: readonly string[]; readonly retentionDays: number };
  /** Who may use the cluster, by a name of the user's choice. */
  readonly accessEntries: Readonly<Record<string, ClusterAccess>>;
}

export interface ClusterAccess {
  /** The IAM role or user. */
  readonly principalArn: string;
  /** An EKS access policy, e.g. `AmazonEKSViewPolicy`; absent: what the groups may do, and no more. */
  readonly policy?: string | undefined;
  /** Namespaces that the policy holds for; empty: the whole cluster. */
  readonly namespaces: readonly string[];
  /** Kubernetes groups that it is in. */
  readonly kubernetesGroups: readonly string[];
}

/**
 * An EKS control plane without nodes and add-ons: {@link NodeAddons}, {@link SystemNodes} and
 * {@link ClusterAddons} follow in this order.
 *
 * Its nodes' security group is the one that EKS itself makes.
 */
export class Cluster extends pulumi.ComponentResource implements ClusterFacts {
  readonly name: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  readonly endpoint: pulumi.Output<string>;
  readonly securityGroupId: pulumi.Output<string>;
  readonly version: pulumi.Output<string>;
  readonly provider: kubernetes.Provider;

  constructor(name: string, args: ClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:Cluster", name, {}, opts);
    const { scope } = args;
    const key = createSecretsKey(name, scope, this);
    const logGroup = createLogGroup(name, args, this);
    const role = createClusterRole(`${name}-role`, scope, { parent: this });
    const cluster = createCluster(name, args, key, role, logGroup, this);
    // A URN is known even in a preview of a cluster that is yet to be made, and an output made from
    // it carries the dependency: names and policies stay readable, and still wait for the cluster.
    this.name = cluster.urn.apply(() => scope.clusterName);
    this.arn = clusterArn(scope);
    this.endpoint = cluster.eksCluster.endpoint;
    this.securityGroupId = cluster.clusterSecurityGroupId;
    this.version = pulumi.output(args.version);
    this.provider = clusterProvider(name, scope.clusterName, cluster.kubeconfigJson, this);
    this.registerOutputs({});
  }
}

/** Encrypts Kubernetes secrets in etcd, under envelopes. */
function createSecretsKey(name: string, scope: Scope, parent: Cluster): aws.kms.Key {
  const key = new aws.kms.Key(
    `${name}-secrets`,
    {
      description: `Kubernetes secrets of ${scope.clusterName}`,
      enableKeyRotation: true,
      deletionWindowInDays: 30,
    },
    { parent, protect: scope.protectData },
  );
  new aws.kms.Alias(
    `${name}-secrets`,
    {
      namePrefix: `alias/${prefixIn(scope, "secrets", kmsAlias - "alias/".length - 26)}`,
      targetKeyId: key.id,
    },
    { parent },
  );
  return key;
}

/** EKS would make the group itself, without an end to what it keeps: it has to be there first. */
function createLogGroup(
  name: string,
  { scope, logs }: ClusterArgs,
  parent: Cluster,
): aws.cloudwatch.LogGroup {
  return new aws.cloudwatch.LogGroup(
    `${name}-control-plane`,
    {
      name: `/aws/eks/${scope.clusterName}/cluster`,
      retentionInDays: logs.retentionDays,
    },
    { parent },
  );
}

function createCluster(
  name: string,
  args: ClusterArgs,
  key: aws.kms.Key,
  { role, policy }: ClusterRole,
  logGroup: aws.cloudwatch.LogGroup,
  parent: Cluster,
): eks.Cluster {
  const { scope, publicAccessCidrs } = args;
  const isPublic = publicAccessCidrs.length > 0;
  return new eks.Cluster(
    name,
    {
      name: scope.clusterName,
      version: args.version,
      serviceRole: role,
      vpcId: args.vpcId,
      privateSubnetIds: args.privateSubnetIds,
      publicSubnetIds: args.publicSubnetIds,
      endpointPrivateAccess: true,
      endpointPublicAccess: isPublic,
      ...(isPublic ? { publicAccessCidrs: [...publicAccessCidrs] } : {}),
      authenticationMode: eks.AuthenticationMode.Api,
      ...(scope.profile === undefined
        ? {}
        : { providerCredentialOpts: { profileName: scope.profile } }),
      accessEntries: accessEntries(args),
      encryptionConfigKeyArn: key.arn,
      enabledClusterLogTypes: [...args.logs.types],
      upgradePolicy: { supportType: "STANDARD" },
      deletionProtection: scope.protectData,
      createOidcProvider: false,
      skipDefaultNodeGroup: true,
      skipDefaultSecurityGroups: true,
      // Every add-on is an EKS add-on of ours with a pinned version. To @pulumi/eks "use the
      // default CNI" means that it makes no add-on of its own for it.
      bootstrapSelfManagedAddons: false,
      useDefaultVpcCni: true,
      kubeProxyAddonOptions: { enabled: false },
      corednsAddonOptions: { enabled: false },
    },
    { parent, dependsOn: [logGroup, policy] },
  );
}

function accessEntries({
  scope,
  accessEntries,
}: ClusterArgs): Record<string, eks.types.input.AccessEntryArgs> {
  return Object.fromEntries(
    Object.entries(accessEntries).map(([who, entry]) => [
      who,
      {
        principalArn: entry.principalArn,
        ...(entry.kubernetesGroups.length === 0
          ? {}
          : { kubernetesGroups: [...entry.kubernetesGroups] }),
        ...(entry.policy === undefined
          ? {}
          : { accessPolicies: accessPolicy(scope, entry.policy, entry.namespaces) }),
      },
    ]),
  );
}

function accessPolicy({ partition }: Scope, policy: string, namespaces: readonly string[]) {
  return {
    [policy]: {
      policyArn: `arn:${partition}:eks::aws:cluster-access-policy/${policy}`,
      accessScope:
        namespaces.length === 0
          ? { type: "cluster" }
          : { type: "namespace", namespaces: [...namespaces] },
    },
  };
}
