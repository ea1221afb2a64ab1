import type * as pulumi from "@pulumi/pulumi";
import type { PolicyStatement } from "./podIdentity";

/** What both functions work with whose tasks run on SageMaker's endpoints. */
export interface ManagedTaskStores {
  /** The asynchronous endpoints. */
  readonly endpointArns: readonly pulumi.Input<string>[];
  /** Bucket of their requests and answers: `ENDPOINT/input/…`, by their physical names. */
  readonly endpointsBucketArn: pulumi.Input<string>;
  /** The customer's key that it is encrypted with, where it is. */
  readonly endpointsKeyArn?: pulumi.Input<string> | undefined;
  readonly resultTopicArn: pulumi.Input<string>;
  /** The cache of results, where it is on. */
  readonly cacheTableArn?: pulumi.Input<string> | undefined;
}

/** Asking SageMaker. */
export function invokeStatement({ endpointArns }: ManagedTaskStores): PolicyStatement {
  return {
    Sid: "Invoke",
    Effect: "Allow",
    Action: "sagemaker:InvokeEndpointAsync",
    Resource: [...endpointArns],
  };
}
