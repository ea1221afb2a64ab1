/**
 * What machines and the services around them cost an hour, on demand, Linux, in US dollars without
 * tax. For a plan's "about so much an hour", not for an invoice: savings plans, traffic and volumes
 * are not in it; what is paid by use is in usagePrices.ts.
 *
 * A price is kept with the region and the document it was read in. Nothing here is computed from
 * another region's price, although EC2 often charges one factor for a whole family.
 */

/** One price with where it holds and where it was read. */
export interface Price {
  /** US dollars an hour. */
  readonly usd: number;
  /** The region whose price this is; another than was asked for when `exact` is false. */
  readonly region: string;
  /** When the source was current, as precise as is known: `2026-07-20`, `2024`. */
  readonly date: string;
  readonly source: string;
  /** Whether `region` is the one that was asked for. */
  readonly exact: boolean;
}

interface Source {
  readonly date: string;
  readonly source: string;
}

const seed: Source = {
  date: "2024",
  source: "aws-samples/scalable-hw-agnostic-inference, Table 1, Cost of Compute / Hour",
};

const karpenter: Source = {
  date: "2026-07-20",
  source: "aws/karpenter-provider-aws@1d927085, pkg/providers/pricing/zz_generated.pricing_aws.go",
};

const skypilot: Source = {
  date: "2026",
  source: "skypilot-org/skypilot-catalog@00148f2a, catalogs/v8/aws/vms.csv",
};

/** Region, then instance type, then dollars an hour. */
type Table = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Table 1 prints no region; its ScaledObject names us-west-2, and us-west-2's prices are these. */
const seedPrices: Table = {
  "us-west-2": {
    "inf2.xlarge": 0.7582,
    "trn1.2xlarge": 1.3438,
    "g5.xlarge": 1.006,
    "g6.xlarge": 0.8048,
  },
};

/** Karpenter's generated table, which holds one region only. */
const karpenterPrices: Table = {
  "us-east-1": {
    "inf2.xlarge": 0.7582,
    "inf2.8xlarge": 1.96786,
    "inf2.24xlarge": 6.49063,
    "inf2.48xlarge": 12.98127,
    "trn1.2xlarge": 1.34375,
    "trn1.32xlarge": 21.5,
    "g4dn.xlarge": 0.526,
    "g4dn.2xlarge": 0.752,
    "g4dn.4xlarge": 1.204,
    "g4dn.8xlarge": 2.176,
    "g4dn.12xlarge": 3.912,
    "g4dn.16xlarge": 4.352,
    "g5.xlarge": 1.006,
    "g5.2xlarge": 1.212,
    "g5.4xlarge": 1.624,
    "g5.8xlarge": 2.448,
    "g5.12xlarge": 5.672,
    "g5.16xlarge": 4.096,
    "g5.24xlarge": 8.144,
    "g5.48xlarge": 16.288,
    "g6.xlarge": 0.8048,
    "g6.2xlarge": 0.9776,
    "g6.4xlarge": 1.3232,
    "g6.8xlarge": 2.0144,
    "g6.12xlarge": 4.6016,
    "g6.16xlarge": 3.3968,
    "g6.24xlarge": 6.6752,
    "g6.48xlarge": 13.3504,
    "g6e.xlarge": 1.861,
    "g6e.2xlarge": 2.24208,
    "g6e.4xlarge": 3.00424,
    "g6e.8xlarge": 4.52856,
    "g6e.12xlarge": 10.49264,
    "g6e.16xlarge": 7.57719,
    "g6e.24xlarge": 15.06559,
    "g6e.48xlarge": 30.13118,
    "p4d.24xlarge": 21.957642,
    "p5.4xlarge": 6.88,
    "p5.48xlarge": 55.04,
    "m7g.large": 0.0816,
    "m7g.xlarge": 0.1632,
    "m7i.large": 0.1008,
    "m7i.xlarge": 0.2016,
    "m6g.large": 0.077,
    "m6g.xlarge": 0.154,
    "m6i.large": 0.096,
    "m6i.xlarge": 0.192,
    "m5.large": 0.096,
    "m5.xlarge": 0.192,
    "c7g.large": 0.0725,
    "c7g.xlarge": 0.145,
    "c7i.large": 0.08925,
    "c7i.xlarge": 0.1785,
    "c6g.large": 0.068,
    "c6g.xlarge": 0.136,
    "c6i.large": 0.085,
    "c6i.xlarge": 0.17,
    "t4g.medium": 0.0336,
    "t4g.large": 0.0672,
    "t3.medium": 0.0416,
    "t3.large": 0.0832,
  },
};

/**
 * SkyPilot's catalogue, column Price, for the units' default types and the sizes read with them.
 */
const skypilotPrices: Table = {
  "us-west-2": {
    "inf2.8xlarge": 1.96786,
    "inf2.48xlarge": 12.98127,
    "g4dn.xlarge": 0.526,
    "g5.8xlarge": 2.448,
    "g6.8xlarge": 2.0144,
    "g6e.2xlarge": 2.24208,
    "g6e.24xlarge": 15.06559,
  },
  "us-east-2": {
    "inf2.xlarge": 0.7582,
    "inf2.8xlarge": 1.96786,
    "inf2.48xlarge": 12.98127,
    "g4dn.xlarge": 0.526,
    "g5.xlarge": 1.006,
    "g5.8xlarge": 2.448,
    "g6.8xlarge": 2.0144,
    "g6e.2xlarge": 2.24208,
    "g6e.24xlarge": 15.06559,
  },
  "eu-west-1": {
    "inf2.xlarge": 0.94775,
    "inf2.8xlarge": 2.45982,
    "inf2.48xlarge": 16.22658,
    "g4dn.xlarge": 0.587,
    "g5.xlarge": 1.123,
    "g5.12xlarge": 6.33167,
  },
  "eu-central-1": {
    "inf2.xlarge": 1.1373,
    "inf2.8xlarge": 2.95179,
    "inf2.48xlarge": 19.4719,
    "g4dn.xlarge": 0.658,
    "g5.xlarge": 1.258,
    "g5.12xlarge": 7.09282,
    "g6.xlarge": 1.0064,
    "g6.8xlarge": 2.519,
    "g6e.2xlarge": 2.8035,
    "g6e.24xlarge": 18.83806,
    "g6e.48xlarge": 37.67612,
  },
  "ap-northeast-1": {
    "inf2.xlarge": 1.1373,
    "inf2.8xlarge": 2.95179,
    "g5.xlarge": 1.459,
    "g5.12xlarge": 8.22609,
    "g6.xlarge": 1.1672,
    "g6e.2xlarge": 3.25168,
    "g6e.24xlarge": 21.84956,
    "g6e.48xlarge": 43.69912,
  },
};

/** Best first: the seed's figure wins over any other for the same type and region. */
const tables: readonly (Source & { readonly prices: Table })[] = [
  { ...seed, prices: seedPrices },
  { ...karpenter, prices: karpenterPrices },
  { ...skypilot, prices: skypilotPrices },
];

/** Whose price stands in for a region without one of its own, first choice first. */
export const referenceRegions: readonly string[] = ["us-west-2", "us-east-1"];

/**
 * What the instance type `instanceType` costs an hour in `region`.
 *
 * Where this file has no price of that region, the answer is us-west-2's, else us-east-1's, with
 * that region's name in it and `exact` false: the type may cost more there (inf2.xlarge costs half
 * as much again in eu-central-1) or not be offered at all.
 *
 * @param instanceType EC2's name, `inf2.xlarge`
 * @param region AWS's name, `us-west-2`
 * @returns undefined for a type without any price here
 */
export function pricePerHour(instanceType: string, region: string): Price | undefined {
  for (const where of [region, ...referenceRegions]) {
    for (const { prices, date, source } of tables) {
      const usd = own(own(prices, where) ?? {}, instanceType);
      if (usd !== undefined) return { usd, region: where, date, source, exact: where === region };
    }
  }
  return undefined;
}

/**
 * Spot prices, which move: the mean over a region's zones on the day of the source.
 *
 * SkyPilot's catalogue, column SpotPrice: 0.4857, 0.5134 and 0.4829 for g5.xlarge in usw2-az1 to -az3.
 */
const spotPrices: Table = { "us-west-2": { "g5.xlarge": 0.494 } };

/** What the type costs an hour on spot; undefined where this file has no price of that region. */
export function spotPricePerHour(instanceType: string, region: string): Price | undefined {
  const usd = own(own(spotPrices, region) ?? {}, instanceType);
  const { date, source } = skypilot;
  return usd === undefined ? undefined : { usd, region, date, source, exact: true };
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** Every instance type with at least one price, sorted. */
export function pricedInstanceTypes(): readonly string[] {
  const names = tables.flatMap(({ prices }) => Object.values(prices).flatMap(Object.keys));
  return [...new Set(names)].sort();
}

/** A service of an environment that is paid by the hour whether or not it serves anything. */
export type HourlyService =
  /** The EKS control plane, in standard support. */
  | "controlPlane"
  /** One NAT gateway, without the traffic through it. */
  | "natGateway"
  /** One Application Load Balancer, without its capacity units. */
  | "loadBalancer"
  /** One interface VPC endpoint in one zone, without the traffic through it. */
  | "interfaceEndpoint";

/**
 * What those services cost an hour in us-west-2, us-east-1 and us-east-2. EKS costs the same
 * everywhere; the other three cost somewhat more in other regions.
 */
export const servicePricesPerHour: Readonly<Record<HourlyService, { usd: number } & Source>> = {
  controlPlane: {
    usd: 0.1,
    date: "2026",
    source: "Amazon EKS pricing: $0.10 per cluster per hour in standard support",
  },
  natGateway: {
    usd: 0.045,
    date: "2026",
    source: "Amazon VPC pricing, NAT gateway: $0.045 per gateway-hour",
  },
  loadBalancer: {
    usd: 0.0225,
    date: "2026",
    source: "Elastic Load Balancing pricing: $0.0225 per Application Load Balancer-hour",
  },
  interfaceEndpoint: {
    usd: 0.01,
    date: "2026",
    source: "AWS PrivateLink pricing: $0.01 per interface endpoint per zone and hour",
  },
};
