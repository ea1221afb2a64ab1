/**
 * What AWS charges for use rather than by the hour, in US dollars without tax, in us-west-2 (and
 * us-east-1, where they are the same): each service's first tier, beyond its free tier.
 *
 * A gigabyte is 2^30 bytes, as AWS bills them. Services that print their prices by script only
 * (DynamoDB, KMS) were read in pages that repeat AWS's, and are dated by those.
 */

export interface UsagePrice {
  /** US dollars for `per` of them. */
  readonly usd: number;
  readonly per: number;
  readonly unit: string;
  readonly date: string;
  readonly source: string;
}

const million = 1_000_000;

const guidance = {
  date: "2024-04",
  source:
    "AWS Solutions guidance for asynchronous inference with Stable Diffusion on AWS, cost tables",
};

export const usagePrices = {
  apiRequest: {
    usd: 3.5,
    per: million,
    unit: "REST API request",
    date: "2026",
    source: "Amazon API Gateway pricing, REST APIs, first 333 million requests a month",
  },
  lambdaRequest: {
    usd: 0.2,
    per: million,
    unit: "invocation",
    date: "2026",
    source: "AWS Lambda pricing, requests",
  },
  lambdaGbSecondX86: { usd: 0.0000166667, per: 1, unit: "GB-second, x86", ...guidance },
  lambdaGbSecondArm: {
    usd: 0.0000133334,
    per: 1,
    unit: "GB-second, arm64",
    date: "2026",
    source: "AWS Lambda pricing, Arm duration, first 7.5 billion GB-seconds a month",
  },
  /** Each 64 KiB of a message is a request. */
  snsRequest: {
    usd: 0.5,
    per: million,
    unit: "request",
    date: "2026",
    source: "Amazon SNS pricing, standard topics; deliveries to SQS cost nothing at SNS",
  },
  /** Each 64 KiB of a message is a request; so is every receive, empty or not. */
  sqsRequest: {
    usd: 0.4,
    per: million,
    unit: "request",
    date: "2026",
    source: "Amazon SQS pricing, standard queues, first 100 billion requests a month",
  },
  s3Put: { usd: 0.005, per: 1000, unit: "PUT", ...guidance },
  s3GbMonth: { usd: 0.023, per: 1, unit: "GB-month", ...guidance },
  /** A write of up to 1 KiB of an item; a conditional one costs the same. */
  dynamoWrite: {
    usd: 0.625,
    per: million,
    unit: "write request unit",
    date: "2025-07",
    source: "Amazon DynamoDB pricing, on-demand capacity, since November 2024",
  },
  /** A consistent read of up to 4 KiB. */
  dynamoRead: {
    usd: 0.125,
    per: million,
    unit: "read request unit",
    date: "2025-07",
    source: "Amazon DynamoDB pricing, on-demand capacity, since November 2024",
  },
  dynamoGbMonth: {
    usd: 0.25,
    per: 1,
    unit: "GB-month",
    date: "2026",
    source: "Amazon DynamoDB pricing, standard table class, storage",
  },
  dynamoBackupGbMonth: {
    usd: 0.2,
    per: 1,
    unit: "GB-month",
    date: "2026",
    source: "Amazon DynamoDB pricing, continuous backups (point-in-time recovery)",
  },
  kmsRequest: {
    usd: 0.03,
    per: 10_000,
    unit: "request",
    date: "2026-06",
    source: "AWS KMS pricing, symmetric keys",
  },
  kmsKeyMonth: {
    usd: 1,
    per: 1,
    unit: "key and month",
    date: "2026-06",
    source: "AWS KMS pricing, customer managed keys",
  },
  logGb: {
    usd: 0.5,
    per: 1,
    unit: "GB ingested",
    date: "2026",
    source: "Amazon CloudWatch pricing, logs, standard class",
  },
  trace: {
    usd: 5,
    per: million,
    unit: "trace recorded",
    date: "2026",
    source: "AWS X-Ray pricing, traces recorded",
  },
  metricMonth: {
    usd: 0.3,
    per: 1,
    unit: "metric and month",
    date: "2026",
    source: "Amazon CloudWatch pricing, custom metrics, first 10,000",
  },
  natGb: {
    usd: 0.045,
    per: 1,
    unit: "GB",
    date: "2026",
    source: "Amazon VPC pricing, NAT gateway, data processed",
  },
  transferOutGb: { usd: 0.09, per: 1, unit: "GB", ...guidance },
} as const satisfies Readonly<Record<string, UsagePrice>>;

export type Usage = keyof typeof usagePrices;

/** US dollars for so many of them. */
export function usageCost(usage: Usage, quantity: number): number {
  const { usd, per } = usagePrices[usage];
  return (quantity / per) * usd;
}
