import { managedInstanceType } from "./managedInstances";
import type { Price } from "./prices";
import type { UsagePrice } from "./usagePrices";

/**
 * What SageMaker charges for the instances of an endpoint and for what passes through it: on
 * demand, in US dollars without tax. An asynchronous endpoint's instances cost what a realtime
 * one's do.
 *
 * SageMaker has a price list of its own, and no one factor leads to it from EC2's: ml.inf2.48xlarge
 * costs 1.20 times inf2.48xlarge, ml.inf2.xlarge 1.31 times, ml.g5.xlarge 1.40 times, ml.g5.2xlarge
 * 1.25 times, ml.p4d.24xlarge 1.15 times (both lists of 2026). So nothing here is computed from
 * EC2's; only what was read somewhere is here. EC2's savings plans and reservations do not apply;
 * SageMaker has savings plans of its own.
 *
 * AWS prints these prices by script only. They were read in public code that had read them from
 * AWS's Price List API. An older list, fmbench's
 * (aws-samples/foundation-model-benchmarking-tool@39ce6b9c, fmbench/configs/pricing.yml, January
 * 2025), has the same to a cent wherever they overlap, ml.inf2.48xlarge at 15.58 among them, but
 * for three types that were dearer then: ml.p4d.24xlarge 37.688, ml.p5.48xlarge 113.068 and
 * ml.trn1.32xlarge 28.497.
 */

/** US dollars an hour, us-east-1, by SageMaker's name. */
const prices: Readonly<Record<string, number>> = {
  "ml.inf2.xlarge": 0.99,
  "ml.inf2.8xlarge": 2.36,
  "ml.inf2.24xlarge": 7.79,
  "ml.inf2.48xlarge": 15.58,
  "ml.trn1.2xlarge": 1.54,
  "ml.trn1.32xlarge": 24.73,
  "ml.g4dn.xlarge": 0.7364,
  "ml.g4dn.2xlarge": 0.94,
  "ml.g4dn.4xlarge": 1.505,
  "ml.g4dn.8xlarge": 2.72,
  "ml.g4dn.12xlarge": 4.89,
  "ml.g4dn.16xlarge": 5.44,
  "ml.g5.xlarge": 1.41,
  "ml.g5.2xlarge": 1.52,
  "ml.g5.4xlarge": 2.03,
  "ml.g5.8xlarge": 3.06,
  "ml.g5.12xlarge": 7.09,
  "ml.g5.16xlarge": 5.12,
  "ml.g5.24xlarge": 10.18,
  "ml.g5.48xlarge": 20.36,
  "ml.g6.xlarge": 1.127,
  "ml.g6.2xlarge": 1.222,
  "ml.g6.4xlarge": 1.654,
  "ml.g6.8xlarge": 2.518,
  "ml.g6.12xlarge": 5.752,
  "ml.g6.16xlarge": 4.246,
  "ml.g6.24xlarge": 8.344,
  "ml.g6.48xlarge": 16.688,
  "ml.g6e.xlarge": 2.61,
  "ml.g6e.2xlarge": 2.8,
  "ml.g6e.4xlarge": 3.76,
  "ml.g6e.8xlarge": 5.66,
  "ml.g6e.12xlarge": 13.12,
  "ml.g6e.16xlarge": 9.47,
  "ml.g6e.24xlarge": 18.83,
  "ml.g6e.48xlarge": 37.66,
  "ml.p4d.24xlarge": 25.2513,
  "ml.p5.4xlarge": 7.912,
  "ml.p5.48xlarge": 63.296,
};

/** Its author: one price for notebooks, endpoints and jobs, "to within a cent". */
const source = {
  date: "2026-09-27",
  source: "AWS Price List API, AmazonSageMaker, as read by sagemaker_env.py (INSTANCE_TYPES)",
} as const;

/** The one region whose list this is; it stands in for the others. */
const listed = "us-east-1";

/**
 * What the instance type costs an hour under an endpoint in `region`.
 *
 * Outside us-east-1 the answer is us-east-1's price with `exact` false, as in prices.ts: the type
 * may cost more there or not be offered at all.
 *
 * @param name SageMaker's name, `ml.inf2.48xlarge`
 * @param region AWS's name, `us-west-2`
 * @returns undefined for a type without any price here
 */
export function managedPricePerHour(name: string, region: string): Price | undefined {
  const usd = Object.hasOwn(prices, name) ? prices[name] : undefined;
  if (managedInstanceType(name) === undefined || usd === undefined) return undefined;
  return { usd, region: listed, ...source, exact: region === listed };
}

const invoice = {
  date: "2023-12",
  source: "aws-samples/sagemaker-ssh-helper, Sample_Costs.md (eu-west-1)",
} as const;

/**
 * What an endpoint is charged for besides its instances. Seen on a bill of eu-west-1; us-east-1's
 * are not known here. Instances with disks of their own have no volume (managedInstances.ts).
 */
export const managedUsagePrices = {
  dataInGb: { usd: 0.016, per: 1, unit: "GB into an endpoint", ...invoice },
  dataOutGb: { usd: 0.016, per: 1, unit: "GB out of an endpoint", ...invoice },
  storageGbMonth: { usd: 0.154, per: 1, unit: "GB-month of an endpoint's volumes", ...invoice },
} as const satisfies Readonly<Record<string, UsagePrice>>;
