import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Placement } from "../charts/placement";
import { NODE_ROLE_LABEL } from "../contracts/labels";
import { launchTemplateName, nodeGroupNamePrefix } from "../fleet/names";
import { type ComponentOptions, childOptions, pulumiOptions } from "./childOptions";
import { NodeRole } from "./nodeRole";
import { prefixIn, type Scope } from "./scope";

const SYSTEM = "system";

/** Where controllers run: on the system nodes, and only what tolerates their taint runs there. */
export const systemPlacement: Placement = {
  nodeSelector: { [NODE_ROLE_LABEL]: SYSTEM },
  tolerations: [{ key: NODE_ROLE_LABEL, operator: "Equal", value: SYSTEM, effect: "NoSchedule" }],
};

export interface SystemNodesArgs {
  readonly scope: Scope;
  readonly clusterName: pulumi.Input<string>;
  /** Kubernetes version of the nodes: the control plane's. */
  readonly kubernetesVersion: string;
  /** Bottlerocket release, e.g. `1.57.0`. */
  readonly bottlerocketVersion: string;
  readonly subnetIds: pulumi.Input<string[]>;
  /** Instance types, x86-64. */
  readonly instanceTypes: readonly string[];
  /** Nodes; no autoscaler changes it. */
  readonly count: number;
  /** Size of the data volume (images, logs), GiB. */
  readonly volumeGiB: number;
  /** Tags of machines, volumes and interfaces. */
  readonly tags?: Readonly<Record<string, string>>;
}

/**
 * A few Bottlerocket machines that carry the controllers, Karpenter among them, so they cannot be
 * Karpenter's own. They start after {@link NodeAddons}: give those as `dependsOn`.
 */
export class SystemNodes extends pulumi.ComponentResource {
  readonly nodeGroup: aws.eks.NodeGroup;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: SystemNodesArgs, opts?: ComponentOptions) {
    super("diffusion-fleet:index:SystemNodes", name, {}, pulumiOptions(opts));
    const role = createRole(name, args, this);
    const template = createLaunchTemplate(name, args, this);
    const release = lookUpRelease(args, this);
    this.nodeGroup = createNodeGroup(
      name,
      { ...args, role, template, release },
      childOptions(this, opts, role.ready),
    );
    this.ready = [this.nodeGroup];
    this.registerOutputs({});
  }
}

function createRole(name: string, { scope }: SystemNodesArgs, parent: SystemNodes): NodeRole {
  return new NodeRole(
    `${name}-node`,
    { scope, description: `System nodes of ${scope.clusterName}` },
    { parent },
  );
}

/** EKS's own template gives pods the instance metadata (hop limit 2) and encrypts no volumes. */
function createLaunchTemplate(
  name: string,
  args: SystemNodesArgs,
  parent: SystemNodes,
): aws.ec2.LaunchTemplate {
  const tags = { Name: `${args.scope.clusterName}/system`, ...args.tags };
  return new aws.ec2.LaunchTemplate(
    name,
    {
      namePrefix: prefixIn(args.scope, name, launchTemplateName - 26),
      metadataOptions: {
        httpEndpoint: "enabled",
        httpTokens: "required",
        httpPutResponseHopLimit: 1,
      },
      blockDeviceMappings: [
        encryptedVolume("/dev/xvda", bottlerocketRootGiB),
        encryptedVolume("/dev/xvdb", args.volumeGiB),
      ],
      tagSpecifications: ["instance", "volume", "network-interface"].map((resourceType) => ({
        resourceType,
        tags,
      })),
      updateDefaultVersion: true,
    },
    { parent },
  );
}

/** Bottlerocket's root volume is read-only and never fills: its default size. */
const bottlerocketRootGiB = 4;

function encryptedVolume(deviceName: string, volumeSize: number) {
  return {
    deviceName,
    ebs: { volumeType: "gp3", volumeSize, encrypted: "true", deleteOnTermination: "true" },
  };
}

function createNodeGroup(
  name: string,
  args: SystemNodesArgs & {
    readonly role: NodeRole;
    readonly template: aws.ec2.LaunchTemplate;
    readonly release: pulumi.Input<string>;
  },
  opts: pulumi.CustomResourceOptions,
): aws.eks.NodeGroup {
  return new aws.eks.NodeGroup(
    name,
    {
      nodeGroupNamePrefix: prefixIn(args.scope, name, nodeGroupNamePrefix),
      clusterName: args.clusterName,
      nodeRoleArn: args.role.arn,
      subnetIds: args.subnetIds,
      amiType: "BOTTLEROCKET_x86_64",
      version: args.kubernetesVersion,
      releaseVersion: args.release,
      instanceTypes: [...args.instanceTypes],
      // One more, for EKS to bring up before it takes one down.
      scalingConfig: { minSize: args.count, desiredSize: args.count, maxSize: args.count + 1 },
      updateConfig: { maxUnavailable: 1 },
      launchTemplate: {
        id: args.template.id,
        version: args.template.latestVersion.apply(String),
      },
      labels: { [NODE_ROLE_LABEL]: SYSTEM },
      taints: [{ key: NODE_ROLE_LABEL, value: SYSTEM, effect: "NO_SCHEDULE" }],
    },
    opts,
  );
}

/**
 * EKS wants the release with the hash of its build (`1.57.0-8a1b2c3d`), which Bottlerocket
 * publishes as a public parameter of every release.
 */
function lookUpRelease(
  { kubernetesVersion, bottlerocketVersion }: SystemNodesArgs,
  parent: SystemNodes,
): pulumi.Output<string> {
  const variant = `aws-k8s-${kubernetesVersion}/x86_64`;
  const parameter = aws.ssm.getParameterOutput(
    { name: `/aws/service/bottlerocket/${variant}/${bottlerocketVersion}/image_version` },
    { parent },
  );
  // The SDK takes every parameter for a secret; this one is everybody's.
  return pulumi.unsecret(parameter.insecureValue);
}
