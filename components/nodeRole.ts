import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { iamRoleNamePrefix } from "../fleet/names";
import { prefixIn, type Scope } from "./scope";
import { ec2Service } from "./serviceRole";

/** What a node does itself: join the cluster and pull images from ECR. */
const nodePolicies = ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"];

/** What the VPC CNI does with the node's rights where it has no identity of its own. */
const cniPolicy = "AmazonEKS_CNI_Policy";

export interface NodeRoleArgs {
  readonly scope: Scope;
  /** What the nodes are for, as the role's description. */
  readonly description: string;
  /**
   * The VPC CNI works with the node's rights: EKS's default, which a cluster of the user's may have.
   * Our own clusters give it an identity. Default: false.
   */
  readonly carriesCni?: boolean;
}

/** The IAM role of EC2 machines that join the cluster. */
export class NodeRole extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;
  readonly name: pulumi.Output<string>;
  /** What nodes with the role have to wait for. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: NodeRoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("diffusion-fleet:index:NodeRole", name, {}, opts);
    const { scope } = args;
    const role = new aws.iam.Role(
      name,
      {
        namePrefix: prefixIn(scope, name, iamRoleNamePrefix),
        description: args.description,
        assumeRolePolicy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Principal: { Service: ec2Service(scope) },
              Action: "sts:AssumeRole",
            },
          ],
        }),
      },
      { parent: this },
    );
    this.arn = role.arn;
    this.name = role.name;
    this.ready = [...nodePolicies, ...(args.carriesCni === true ? [cniPolicy] : [])].map(
      (policy) =>
        new aws.iam.RolePolicyAttachment(
          `${name}-${policy}`,
          { role: role.name, policyArn: `arn:${scope.partition}:iam::aws:policy/${policy}` },
          { parent: this },
        ),
    );
    this.registerOutputs({});
  }
}
