import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

/** Whose containers write: an endpoint's, or an inference component's. */
export type LogOwner = "Endpoints" | "InferenceComponents";

/** SageMaker would make one itself, without an end to what it keeps. */
export function createEndpointLogs(
  name: string,
  owner: LogOwner,
  endpointName: string,
  retentionInDays: number,
  opts: pulumi.ResourceOptions,
): aws.cloudwatch.LogGroup {
  return new aws.cloudwatch.LogGroup(
    `${name}-logs`,
    { name: `/aws/sagemaker/${owner}/${endpointName}`, retentionInDays },
    opts,
  );
}
