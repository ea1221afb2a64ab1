import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import { SNSClient } from "@aws-sdk/client-sns";

/** AWS, as one instance of the function keeps it. */
export interface Clients {
  readonly dynamoDb: DynamoDBClient;
  readonly sns: SNSClient;
  readonly s3: S3Client;
  readonly sageMaker: SageMakerRuntimeClient;
}

/** Of one call. How long all calls of a request may take together is its deadline's. */
export const callConfig = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 500, requestTimeout: 2000, throwOnRequestTimeout: true },
} as const;

/** Clients of the environment's region and endpoint (`AWS_ENDPOINT_URL`). */
export function createClients(): Clients {
  return {
    dynamoDb: new DynamoDBClient(callConfig),
    sns: new SNSClient(callConfig),
    s3: new S3Client({
      ...callConfig,
      // Contents of some megabytes.
      requestHandler: { ...callConfig.requestHandler, requestTimeout: 5000 },
      // Otherwise links to uploads have the checksum of an empty body signed in.
      requestChecksumCalculation: "WHEN_REQUIRED",
      // A server on loopback has no bucket's host name.
      forcePathStyle: Boolean(process.env.AWS_ENDPOINT_URL),
    }),
    sageMaker: new SageMakerRuntimeClient({
      ...callConfig,
      // What got lost on its way back would be asked for twice, and generated twice.
      maxAttempts: 1,
      requestHandler: { ...callConfig.requestHandler, requestTimeout: 5000 },
    }),
  };
}
