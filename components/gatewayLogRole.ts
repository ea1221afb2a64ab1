import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { iamRoleNamePrefix } from "../fleet/names";
import { prefixIn, type Scope } from "./scope";
import { serviceTrust } from "./serviceRole";

export interface GatewayLogRoleArgs {
  readonly scope: Scope;
}

/**
 * The role by which API Gateway writes logs to CloudWatch. It is one setting of the whole account
 * and region: all APIs in it log by the same role, and without one no stage may log. So it is made
 * only where nobody has, and `destroy` leaves it to the others.
 *
 * Source: API Gateway developer guide, "Set up CloudWatch logging for REST APIs in API Gateway".
 */
export class GatewayLogRole extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { scope }: GatewayLogRoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:GatewayLogRole", name, {}, opts);
    const stays = { parent: this, retainOnDelete: true };
    const role = new aws.iam.Role(
      name,
      {
        namePrefix: prefixIn(scope, name, iamRoleNamePrefix),
        description: "API Gateway of this account and region writes its logs by it",
        assumeRolePolicy: serviceTrust([{ service: "apigateway.amazonaws.com" }]),
      },
      stays,
    );
    const attachment = new aws.iam.RolePolicyAttachment(
      name,
      {
        role: role.name,
        policyArn: `arn:${scope.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs`,
      },
      stays,
    );
    this.ready = [
      new aws.apigateway.Account(
        name,
        { cloudwatchRoleArn: role.arn },
        { ...stays, dependsOn: [attachment] },
      ),
    ];
    this.registerOutputs({});
  }
}
