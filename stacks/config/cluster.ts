import { z } from "zod";
import { arn, cidr, dnsLabel, eksAddonVersion, kubernetesGroup, retentionDays } from "./scalars";

/** What an existing cluster may already have, so that the program leaves it alone. */
export const installableComponents = [
  "karpenter",
  "keda",
  "nvidia-device-plugin",
  "neuron-device-plugin",
  "mountpoint-s3-csi-driver",
  "aws-load-balancer-controller",
  "gateway-api",
  "pod-identity-agent",
] as const;
export type InstallableComponent = (typeof installableComponents)[number];

export const clusterSchema = z
  .strictObject({
    version: z
      .string()
      .regex(/^1\.(3[3-9]|4\d)$/, "an EKS version from 1.33, e.g. 1.35")
      .default("1.35")
      .describe("Kubernetes version of the control plane."),
    publicAccessCidrs: z
      .array(cidr)
      .default([])
      .describe(
        "Who may reach the public API endpoint. Empty: no public endpoint, and `pulumi up` runs from inside the VPC.",
      ),
    logs: z
      .strictObject({
        types: z
          .array(z.enum(["api", "audit", "authenticator", "controllerManager", "scheduler"]))
          .default(["api", "audit", "authenticator"])
          .describe("Control plane logs."),
        retentionDays: retentionDays.default(30).describe("Days that they are kept."),
      })
      .prefault({})
      .describe("Control plane logs."),
    accessEntries: z
      .record(
        z.string(),
        z.strictObject({
          principalArn: arn.describe("The IAM role or user."),
          policy: z
            .enum([
              "AmazonEKSClusterAdminPolicy",
              "AmazonEKSAdminPolicy",
              "AmazonEKSAdminViewPolicy",
              "AmazonEKSEditPolicy",
              "AmazonEKSViewPolicy",
            ])
            .optional()
            .describe("The EKS access policy; may be absent beside `kubernetesGroups`."),
          namespaces: z
            .array(dnsLabel)
            .default([])
            .describe("Namespaces that the policy holds for; empty: the whole cluster."),
          kubernetesGroups: z
            .array(kubernetesGroup)
            .default([])
            .describe("Kubernetes groups it is in, for RoleBindings of your own."),
        }),
      )
      .default({})
      .describe("Who may use the cluster, by a name of your choice."),
    addons: z
      .strictObject({
        vpcCni: eksAddonVersion.default("v1.21.1-eksbuild.3").describe("Amazon VPC CNI."),
        kubeProxy: eksAddonVersion.default("v1.35.0-eksbuild.2").describe("kube-proxy."),
        coredns: eksAddonVersion.default("v1.13.2-eksbuild.1").describe("CoreDNS."),
        podIdentityAgent: eksAddonVersion
          .default("v1.3.10-eksbuild.2")
          .describe("EKS Pod Identity agent."),
        cloudwatchObservability: eksAddonVersion
          .optional()
          .describe(
            "CloudWatch observability (Container Insights with accelerator metrics); absent: off.",
          ),
      })
      .prefault({})
      .describe("EKS add-ons and their pinned versions."),
    systemNodes: z
      .strictObject({
        instanceTypes: z
          .array(z.string())
          .min(1)
          .default(["m7i.large"])
          .describe("Instance types (x86-64) of the nodes that carry the controllers."),
        count: z
          .int()
          .min(2)
          .default(2)
          .describe("Nodes; two at least, since Karpenter's two replicas share none."),
        volumeGiB: z.int().min(20).default(40).describe("Size of the data volume, GiB."),
      })
      .prefault({})
      .describe("The managed node group for controllers (Bottlerocket, tainted)."),
    existing: z
      .strictObject({
        name: z
          .string()
          .regex(/^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/, "an EKS cluster's name")
          .describe("The cluster."),
        installed: z
          .array(z.enum(installableComponents))
          .default([])
          .describe("Components that it already has; the program installs the others."),
        karpenterNodeRoleName: z
          .string()
          .optional()
          .describe("Role of Karpenter's nodes, when `karpenter` is installed already."),
        controllerNodeSelector: z
          .record(z.string(), z.string())
          .default({})
          .describe("Node labels where controllers may run; empty: anywhere."),
        controllerTolerations: z
          .array(
            z.strictObject({
              key: z.string().describe("The taint's key."),
              value: z.string().optional().describe("Its value; absent: any."),
            }),
          )
          .default([])
          .describe("Taints that controllers put up with."),
      })
      .optional()
      .describe(
        "Deploy into this cluster; the keys above do not apply. `network.existing` must name its VPC.",
      ),
  })
  .prefault({})
  .describe("The EKS cluster: made by the program, or the user's own.");
