import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { Scope } from "./scope";

export interface EndpointSecurityGroupArgs {
  readonly scope: Scope;
  readonly vpcId: pulumi.Input<string>;
  /** Where interface endpoints are. */
  readonly vpcCidr: pulumi.Input<string>;
}

/**
 * What instances of managed endpoints may reach when they are attached to a VPC: S3 by its gateway
 * endpoint, from where SageMaker brings the model, and interface endpoints. Nobody reaches them.
 */
export function createEndpointSecurityGroup(
  name: string,
  { scope, vpcId, vpcCidr }: EndpointSecurityGroupArgs,
  opts: { readonly provider: aws.Provider },
): aws.ec2.SecurityGroup {
  const group = new aws.ec2.SecurityGroup(
    name,
    { vpcId, description: "Managed endpoints: HTTPS to S3 and to the VPC" },
    opts,
  );
  const inside = { parent: group, provider: opts.provider };
  const https = { securityGroupId: group.id, ipProtocol: "tcp", fromPort: 443, toPort: 443 };
  const s3 = aws.ec2.getPrefixListOutput(
    { name: `com.amazonaws.${scope.region}.s3` },
    { provider: opts.provider },
  );
  new aws.vpc.SecurityGroupEgressRule(
    `${name}-s3`,
    { ...https, prefixListId: s3.id, description: "S3, through its gateway endpoint" },
    inside,
  );
  new aws.vpc.SecurityGroupEgressRule(
    `${name}-vpc`,
    { ...https, cidrIpv4: vpcCidr, description: "Interface endpoints" },
    inside,
  );
  return group;
}
