import * as pulumi from "@pulumi/pulumi";
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

/** Storing a task's results, as an agent does. */
export function storeResultsStatements(
  region: string,
  resultsBucketArn: pulumi.Input<string>,
  resultsKeyArn: string | undefined,
): readonly PolicyStatement[] {
  return [
    {
      Sid: "StoreResults",
      Effect: "Allow",
      Action: ["s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject", "s3:DeleteObject"],
      Resource: pulumi.interpolate`${resultsBucketArn}/*`,
    },
    ...(resultsKeyArn === undefined ? [] : [keyStatement("EncryptResults", region, resultsKeyArn)]),
  ];
}

/** Reading and writing what a customer's key encrypts in S3. */
export function keyStatement(
  sid: string,
  region: string,
  keyArn: pulumi.Input<string>,
): PolicyStatement {
  return {
    Sid: sid,
    Effect: "Allow",
    Action: ["kms:GenerateDataKey", "kms:Decrypt"],
    Resource: keyArn,
    Condition: { StringEquals: { "kms:ViaService": `s3.${region}.amazonaws.com` } },
  };
}

/** Without it S3 answers 403 for what is not there, as for what is not allowed. */
export function missingObjectsStatement(
  bucketArns: readonly pulumi.Input<string>[],
): PolicyStatement {
  return {
    Sid: "TellMissingFromForbidden",
    Effect: "Allow",
    Action: "s3:ListBucket",
    Resource: [...bucketArns],
  };
}
