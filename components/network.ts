import * as aws from "@pulumi/aws";
import * as awsx from "@pulumi/awsx";
import * as pulumi from "@pulumi/pulumi";
import { VpcFlowLogs } from "./flowLogs";
import type { Scope } from "./scope";

export interface NetworkArgs {
  readonly scope: Scope;
  /** Address range of the VPC, e.g. `10.0.0.0/16`. */
  readonly cidrBlock: string;
  /** Availability zones, each with a private and a public subnet: the region's first so many. */
  readonly zones: number;
  /** Or these zones. */
  readonly availabilityZones?: readonly string[] | undefined;
  /** `single` is cheaper, `perZone` survives the loss of a zone. */
  readonly natGateways: "single" | "perZone";
  /** Services that get an interface endpoint, by the last part of their name, e.g. `ecr.api`. */
  readonly interfaceEndpoints: readonly string[];
  readonly flowLogs: { readonly enabled: boolean; readonly retentionDays: number };
  /** A VPC of the user's: nothing in it is made or changed, and nothing above applies. */
  readonly existing?:
    | {
        readonly vpcId: string;
        readonly privateSubnetIds: readonly string[];
        readonly publicSubnetIds: readonly string[];
      }
    | undefined;
}

/** How Karpenter's EC2NodeClass finds the subnets for its nodes. */
export type SubnetTerm =
  | { readonly tags: Readonly<Record<string, string>> }
  | { readonly id: string };

/** The VPC and its subnets: made here, or the user's own. */
export class Network extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  readonly vpcCidr: pulumi.Output<string>;
  readonly privateSubnetIds: pulumi.Output<string[]>;
  readonly publicSubnetIds: pulumi.Output<string[]>;
  readonly karpenterSubnetTerms: readonly SubnetTerm[];

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:Network", name, {}, opts);
    const { existing } = args;
    if (existing === undefined) {
      const vpc = createVpc(name, args, this);
      this.vpcId = vpc.vpcId;
      this.vpcCidr = pulumi.output(args.cidrBlock);
      this.privateSubnetIds = vpc.privateSubnetIds;
      this.publicSubnetIds = vpc.publicSubnetIds;
      this.karpenterSubnetTerms = [{ tags: karpenterTags(args.scope) }];
      closeDefaultSecurityGroup(name, vpc, this);
      createInterfaceEndpoints(name, args, vpc, this);
      if (args.flowLogs.enabled) createFlowLogs(name, args, vpc, this);
    } else {
      this.vpcId = pulumi.output(existing.vpcId);
      this.vpcCidr = aws.ec2.getVpcOutput({ id: existing.vpcId }, { parent: this }).cidrBlock;
      this.privateSubnetIds = pulumi.output([...existing.privateSubnetIds]);
      this.publicSubnetIds = pulumi.output([...existing.publicSubnetIds]);
      this.karpenterSubnetTerms = existing.privateSubnetIds.map((id) => ({ id }));
    }
    this.registerOutputs({});
  }
}

function createVpc(name: string, args: NetworkArgs, parent: Network): awsx.ec2.Vpc {
  return new awsx.ec2.Vpc(
    name,
    {
      cidrBlock: args.cidrBlock,
      ...(args.availabilityZones === undefined
        ? { numberOfAvailabilityZones: args.zones }
        : { availabilityZoneNames: [...args.availabilityZones] }),
      natGateways: { strategy: args.natGateways === "single" ? "Single" : "OnePerAz" },
      // Private DNS names of the endpoints need both.
      enableDnsHostnames: true,
      enableDnsSupport: true,
      subnetStrategy: "Auto",
      subnetSpecs: [
        {
          type: "Private",
          tags: { ...karpenterTags(args.scope), "kubernetes.io/role/internal-elb": "1" },
        },
        { type: "Public", tags: { "kubernetes.io/role/elb": "1" } },
      ],
      // Model artefacts and image layers come from S3: free of charge through a gateway endpoint,
      // by the gigabyte through NAT. `Auto` enters it in every route table.
      vpcEndpointStrategy: "Auto",
      vpcEndpointSpecs: [
        { serviceName: `com.amazonaws.${args.scope.region}.s3`, vpcEndpointType: "Gateway" },
      ],
    },
    { parent },
  );
}

/** The tag by which EC2NodeClasses find the subnets. */
function karpenterTags({ clusterName }: Scope): Record<string, string> {
  return { "karpenter.sh/discovery": clusterName };
}

/** AWS gives every VPC a group whose members reach each other; this lets nothing through. */
function closeDefaultSecurityGroup(name: string, vpc: awsx.ec2.Vpc, parent: Network): void {
  new aws.ec2.DefaultSecurityGroup(
    `${name}-default`,
    { vpcId: vpc.vpcId, ingress: [], egress: [] },
    { parent },
  );
}

function createInterfaceEndpoints(
  name: string,
  args: NetworkArgs,
  vpc: awsx.ec2.Vpc,
  parent: Network,
): void {
  if (args.interfaceEndpoints.length === 0) return;
  const securityGroup = new aws.ec2.SecurityGroup(
    `${name}-endpoints`,
    { vpcId: vpc.vpcId, description: "Interface endpoints: HTTPS from the VPC" },
    { parent },
  );
  new aws.vpc.SecurityGroupIngressRule(
    `${name}-endpoints-https`,
    {
      securityGroupId: securityGroup.id,
      cidrIpv4: args.cidrBlock,
      ipProtocol: "tcp",
      fromPort: 443,
      toPort: 443,
      description: "HTTPS from the VPC",
    },
    { parent },
  );
  for (const service of args.interfaceEndpoints) {
    new aws.ec2.VpcEndpoint(
      `${name}-${service}`,
      {
        vpcId: vpc.vpcId,
        serviceName: `com.amazonaws.${args.scope.region}.${service}`,
        vpcEndpointType: "Interface",
        subnetIds: vpc.privateSubnetIds,
        securityGroupIds: [securityGroup.id],
        privateDnsEnabled: true,
        tags: { Name: `${args.scope.clusterName}-${service}` },
      },
      { parent },
    );
  }
}

function createFlowLogs(name: string, args: NetworkArgs, vpc: awsx.ec2.Vpc, parent: Network): void {
  new VpcFlowLogs(
    `${name}-flow-logs`,
    { scope: args.scope, vpcId: vpc.vpcId, retentionDays: args.flowLogs.retentionDays },
    { parent },
  );
}
