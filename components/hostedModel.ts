import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type EndpointPlacement, networkOf } from "./endpointPlacement";
import type { ServiceRole } from "./serviceRole";

/** A model and the container that serves it, on a managed endpoint. */
export interface HostedModel {
  /** In ECR, with a tag or a digest. */
  readonly image: pulumi.Input<string>;
  /** The repository that it is pulled from. */
  readonly repositoryArn: pulumi.Input<string>;
  readonly artefact: {
    readonly bucketArn: pulumi.Input<string>;
    readonly bucketName: pulumi.Input<string>;
    /** Key prefix, no slash at the end. */
    readonly path: string;
    /** The customer's key that it is encrypted with, where it is. */
    readonly kmsKeyArn?: pulumi.Input<string> | undefined;
  };
  /** Of the container. */
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
}

/**
 * A SageMaker model: files as they lie in the bucket, under `/opt/ml/model` by what follows the
 * prefix, and nothing to unpack.
 *
 * It never changes: another image, artefact or setting makes another model. Pulumi makes up its
 * name, so that the new one is there first, the endpoint takes it, and the old one goes last; until
 * then a roll-back finds it.
 */
export function createHostedModel(
  name: string,
  { image, artefact, environment }: HostedModel,
  placement: EndpointPlacement,
  { role, policy }: ServiceRole,
  opts: pulumi.CustomResourceOptions & { readonly dependsOn: pulumi.Resource[] },
): aws.sagemaker.Model {
  return new aws.sagemaker.Model(
    name,
    {
      executionRoleArn: role.arn,
      primaryContainer: {
        image,
        environment: { ...environment },
        modelDataSource: {
          s3DataSources: [
            {
              s3Uri: pulumi.interpolate`s3://${artefact.bucketName}/${artefact.path}/`,
              s3DataType: "S3Prefix",
              compressionType: "None",
            },
          ],
        },
      },
      ...networkOf(placement),
    },
    // SageMaker looks at the artefact and the image by the role as soon as the model is made.
    { ...opts, dependsOn: [...opts.dependsOn, policy] },
  );
}
