import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";

/** With the SDK's backoff about ten seconds until a call is given up. */
const MAX_ATTEMPTS = 6;

const CONNECT_TIMEOUT_MS = 3_000;

/** Longer than a long poll of 20 s, during which nothing comes. */
const IDLE_TIMEOUT_MS = 40_000;

export interface AwsClients {
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
}

/** Clients that keep their connections; region, credentials and endpoint are the environment's. */
export function awsClients(): AwsClients {
  const options = {
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: IDLE_TIMEOUT_MS },
  };
  return {
    dynamodb: new DynamoDBClient(options),
    s3: new S3Client({
      ...options,
      requestChecksumCalculation: "WHEN_REQUIRED",
      // Buckets are no host names of another endpoint than AWS's.
      forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined,
    }),
    sns: new SNSClient(options),
    // Asks the endpoint that all others ask, wherever a queue's URL points to.
    sqs: new SQSClient({ ...options, useQueueUrlAsEndpoint: false }),
  };
}
