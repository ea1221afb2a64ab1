import * as sagemaker from "@pulumi/aws-native/sagemaker";
import type * as pulumi from "@pulumi/pulumi";
import type { blueGreen } from "./endpointDeployment";

export interface RealtimeEndpointArgs {
  readonly endpointName: string;
  readonly configurationName: pulumi.Input<string>;
  /** Absent: SageMaker's own way. */
  readonly deployment?: ReturnType<typeof blueGreen>;
}

/** To the instance with the fewest requests, not to any: an image takes seconds. */
export const LEAST_OUTSTANDING = { routingStrategy: "LEAST_OUTSTANDING_REQUESTS" } as const;

/**
 * A realtime endpoint that keeps as many instances as it has when it is updated.
 *
 * By the provider `aws-native`, which has `RetainAllVariantProperties`: without it an update puts
 * the initial number of instances in the place of what the autoscaler has come to, under load, and
 * requests are lost. The other provider has no such argument (hashicorp/terraform-provider-aws,
 * issue 48990).
 *
 * Source: SageMaker developer guide, "Update endpoints that use auto scaling".
 */
export function createRealtimeEndpoint(
  name: string,
  { endpointName, configurationName, deployment }: RealtimeEndpointArgs,
  opts: pulumi.CustomResourceOptions,
): sagemaker.Endpoint {
  return new sagemaker.Endpoint(
    name,
    {
      endpointName,
      endpointConfigName: configurationName,
      retainAllVariantProperties: true,
      ...(deployment === undefined ? {} : { deploymentConfig: deployment }),
    },
    opts,
  );
}
