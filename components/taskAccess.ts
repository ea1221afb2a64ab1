/** What several roles of the asynchronous path may do: agents, functions, endpoints. */

import * as pulumi from "@pulumi/pulumi";
import { keyStatement } from "./keyStatement";
import type { PolicyStatement } from "./podIdentity";

/**
 * Storing a task's results.
 *
 * @param resultsKeyArn the customer's key of the bucket, where it has one
 */
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
    ...(resultsKeyArn === undefined
      ? []
      : [keyStatement("EncryptResults", "s3", region, resultsKeyArn)]),
  ];
}

/** Telling topics of results. */
export function tellResultsStatements(
  region: string,
  topicArns: PolicyStatement["Resource"],
  topicKeyArn: pulumi.Input<string>,
): readonly PolicyStatement[] {
  return [
    { Sid: "TellOfResults", Effect: "Allow", Action: "sns:Publish", Resource: topicArns },
    keyStatement("EncryptMessages", "sns", region, topicKeyArn),
  ];
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
