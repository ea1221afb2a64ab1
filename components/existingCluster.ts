import * as aws from "@pulumi/aws";
import type * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { type ClusterFacts, clusterArn } from "./clusterFacts";
import { clusterProvider } from "./clusterProvider";
import type { Scope } from "./scope";

export interface ExistingClusterArgs {
  /** Names the cluster, its region and its account. */
  readonly scope: Scope;
}

/** A cluster of the user's: looked up, never changed. */
export class ExistingCluster extends pulumi.ComponentResource implements ClusterFacts {
  readonly name: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  readonly endpoint: pulumi.Output<string>;
  readonly securityGroupId: pulumi.Output<string>;
  readonly version: pulumi.Output<string>;
  readonly provider: kubernetes.Provider;

  constructor(name: string, args: ExistingClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:ExistingCluster", name, {}, opts);
    const { scope } = args;
    const cluster = aws.eks.getClusterOutput({ name: scope.clusterName }, { parent: this });
    this.name = pulumi.output(scope.clusterName);
    this.arn = clusterArn(scope);
    this.endpoint = cluster.endpoint;
    this.securityGroupId = cluster.vpcConfig.clusterSecurityGroupId;
    this.version = cluster.version;
    this.provider = clusterProvider(name, scope.clusterName, kubeconfig(scope, cluster), this);
    this.registerOutputs({});
  }
}

/** Signs in as whoever runs Pulumi, by the AWS CLI, as @pulumi/eks does for its own clusters. */
function kubeconfig(
  scope: Scope,
  cluster: pulumi.Output<aws.eks.GetClusterResult>,
): pulumi.Output<string> {
  return pulumi.jsonStringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "cluster",
        cluster: {
          server: cluster.endpoint,
          "certificate-authority-data": cluster.certificateAuthorities[0]!.data,
        },
      },
    ],
    contexts: [{ name: "aws", context: { cluster: "cluster", user: "aws" } }],
    "current-context": "aws",
    users: [
      {
        name: "aws",
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1beta1",
            command: "aws",
            args: [
              ...["--region", scope.region],
              ...["eks", "get-token"],
              ...["--cluster-name", scope.clusterName],
              ...["--output", "json"],
            ],
            interactiveMode: "Never",
            ...(scope.profile === undefined
              ? {}
              : { env: [{ name: "AWS_PROFILE", value: scope.profile }] }),
          },
        },
      },
    ],
  });
}
