import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SNSClient } from "@aws-sdk/client-sns";
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Outputs } from "./references";

export interface Clients {
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
}

/** Where something is created. */
export interface Place {
  readonly aws: Clients;
  readonly region: string;
  readonly account: string;
}

/** A planned resource whose inputs are all known. */
export interface Known {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: the inputs of a type are what its provider takes
  readonly inputs: any;
}

/** Creates a resource of one type, and says what others may refer to. */
export type Create = (resource: Known, place: Place) => Promise<Outputs>;

/** The name that a resource gets; the provider appends 26 characters to a prefix. */
export function nameOf({ name, inputs }: Known, prefix: unknown): string {
  if (inputs.name !== undefined) return String(inputs.name);
  return prefix === undefined ? `${name}-0123456` : `${prefix}20260801120000000000000001`;
}

/** The entries that have a value, as AWS takes attributes: texts. */
export function attributesOf(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== undefined && value !== "")
      .map(([name, value]) => [name, String(value)]),
  );
}
