import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Scope } from "./scope";

export interface ExecuteApiEndpointArgs {
  readonly scope: Scope;
  readonly vpcId: pulumi.Input<string>;
  /** Who may reach it. */
  readonly vpcCidr: pulumi.Input<string>;
  readonly subnetIds: pulumi.Input<string[]>;
}

/**
 * The way from a VPC to a private API.
 *
 * Without private DNS: with it, the name of every other API in the region would lead here too, and
 * the VPC could reach no public one any more. A private API has a name of its own per endpoint.
 * Source: API Gateway developer guide, "Private REST APIs in API Gateway".
 */
export class ExecuteApiEndpoint extends pulumi.ComponentResource {
  readonly endpointId: pulumi.Output<string>;

  constructor(
    name: string,
    { scope, vpcId, vpcCidr, subnetIds }: ExecuteApiEndpointArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("diffusion-fleet:index:ExecuteApiEndpoint", name, {}, opts);
    const inside = { parent: this };
    const securityGroup = new aws.ec2.SecurityGroup(
      name,
      { vpcId, description: "The tasks' API: HTTPS from the VPC" },
      inside,
    );
    const https = new aws.vpc.SecurityGroupIngressRule(
      name,
      {
        securityGroupId: securityGroup.id,
        cidrIpv4: vpcCidr,
        ipProtocol: "tcp",
        fromPort: 443,
        toPort: 443,
        description: "HTTPS from the VPC",
      },
      inside,
    );
    const endpoint = new aws.ec2.VpcEndpoint(
      name,
      {
        vpcId,
        serviceName: `com.amazonaws.${scope.region}.execute-api`,
        vpcEndpointType: "Interface",
        subnetIds,
        securityGroupIds: [securityGroup.id],
        privateDnsEnabled: false,
        tags: { Name: `${scope.clusterName}-execute-api` },
      },
      { ...inside, dependsOn: [https] },
    );
    this.endpointId = endpoint.id;
    this.registerOutputs({});
  }
}
