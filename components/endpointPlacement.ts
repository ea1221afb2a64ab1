import type * as pulumi from "@pulumi/pulumi";

/** Where the instances of an endpoint stand, and what their data is encrypted with. */
export interface EndpointPlacement {
  /** Containers have no network at all: SageMaker brings model, requests and answers. */
  readonly isolated: boolean;
  /**
   * Attach them to a VPC; absent: SageMaker's own. In two zones at least, though there be one
   * instance (SageMaker developer guide, "Give SageMaker hosted endpoints access to resources in
   * your Amazon VPC").
   */
  readonly vpc?:
    | {
        readonly subnetIds: pulumi.Input<string[]>;
        readonly securityGroupId: pulumi.Input<string>;
      }
    | undefined;
  /** Customer key for volumes, outputs and captured data; absent: AWS's own. */
  readonly kmsKeyArn?: string | undefined;
}

/** The placement as models and endpoint configurations have it. */
export function networkOf({ isolated, vpc }: EndpointPlacement) {
  return {
    enableNetworkIsolation: isolated,
    ...(vpc === undefined
      ? {}
      : { vpcConfig: { subnets: vpc.subnetIds, securityGroupIds: [vpc.securityGroupId] } }),
  };
}
