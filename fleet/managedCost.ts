import { hoursPerMonth } from "./asyncCost";
import { managedPricePerHour } from "./managedPrices";
import { type Price, pricePerHour } from "./prices";
import { publishedImagesPerInstanceHour } from "./usageRate";

/**
 * What images and endpoints cost on SageMaker, and where seed 000's cost per image comes from. US
 * dollars, on demand, without tax.
 *
 * Seed 000: "The cost for processing each image with AWS Inferentia2 was $0.000425", "an average of
 * 27,796 images per instance per hour", on inf2.48xlarge under an asynchronous endpoint, its
 * metrics in us-west-2. The two give 11.81 $ an hour for the instance ({@link impliedPricePerHour};
 * 11.80 to 11.83 within the printed digits). No published price does:
 *
 * | price | read | $/hour | $/image at 27,796 | 11.81 is |
 * |---|---|---|---|---|
 * | SageMaker, ml.inf2.48xlarge | us-east-1, 2025-01 and 2026-09 | 15.58 | 0.000561 | 24.2 % less |
 * | EC2, inf2.48xlarge | us-west-2 and us-east-1, 2026 | 12.98127 | 0.000467 | 9.0 % less |
 *
 * So at list price an image costs a third more than the seed says, or the seed's instance made
 * 36,659 an hour. Nothing shows that the date explains it: the seed is of 30 July 2024 (AWS Machine
 * Learning Blog), and SageMaker's price was the same six months and two years later; no list of
 * 2024 itself was found. A discount of 24.2 % would: SageMaker's savings plans take up to 64 % off.
 * That is our assumption, for the seed names neither price nor discount. EC2's price, which an
 * endpoint is not charged, would need one of 9.0 %.
 */

/** Seed 000, "Results and benefits". */
export const publishedManagedCost = {
  instanceType: "ml.inf2.48xlarge",
  /** Where its metrics are; the seed does not say where its price is from. */
  region: "us-west-2",
  imagesPerInstanceHour: publishedImagesPerInstanceHour,
  usdPerImage: 0.000425,
  /** "a 60% reduction in cost per image compared to the original estimation" */
  reduction: 0.6,
} as const;

/**
 * US dollars for an image from an instance that is never idle.
 *
 * @param usdPerHour for one instance
 * @param imagesPerInstanceHour images an hour from one instance
 * @throws RangeError unless the price is 0 or more and the throughput more than 0.
 */
export function costPerImage(usdPerHour: number, imagesPerInstanceHour: number): number {
  amount("usdPerHour", usdPerHour);
  if (!(Number.isFinite(imagesPerInstanceHour) && imagesPerInstanceHour > 0)) {
    throw new RangeError(`imagesPerInstanceHour must be above 0, not ${imagesPerInstanceHour}.`);
  }
  return usdPerHour / imagesPerInstanceHour;
}

/** The price that the seed's two figures give its instance: 27,796 × 0.000425 = 11.8133 $/hour. */
export const impliedPricePerHour =
  publishedManagedCost.imagesPerInstanceHour * publishedManagedCost.usdPerImage;

/** A price of the catalogue held against the seed's cost per image. */
export interface PublishedCostCheck {
  readonly service: "SageMaker" | "EC2";
  readonly price: Price;
  /** At the seed's throughput. */
  readonly usdPerImage: number;
  /** Whether that is the seed's figure in the digits that it prints. */
  readonly reproduces: boolean;
  /** What part of the price the seed's figures leave unpaid, 0 to 1. */
  readonly discount: number;
  /** Images per instance and hour at which this price gives the seed's cost per image. */
  readonly imagesPerInstanceHour: number;
}

/** The catalogue's two prices of the seed's instance, its own service's first. */
export function publishedCostChecks(): readonly PublishedCostCheck[] {
  const { instanceType: name, region, usdPerImage, imagesPerInstanceHour } = publishedManagedCost;
  const known = [
    { service: "SageMaker", price: managedPricePerHour(name, region) },
    { service: "EC2", price: pricePerHour(name.replace(/^ml\./, ""), region) },
  ] as const;
  return known.map(({ service, price }) => {
    if (price === undefined) throw new Error(`the catalogue has no price of ${name}`);
    const own = costPerImage(price.usd, imagesPerInstanceHour);
    return {
      service,
      price,
      usdPerImage: own,
      reproduces: own.toFixed(6) === usdPerImage.toFixed(6),
      discount: 1 - impliedPricePerHour / price.usd,
      imagesPerInstanceHour: price.usd / usdPerImage,
    };
  });
}

/** The instances of one endpoint as its bill sees them. */
export interface PaidInstances {
  /** US dollars an hour for one instance. */
  readonly usdPerHour: number;
  readonly instances: { readonly min: number; readonly max: number };
}

/**
 * US dollars a month (730 h) with all its instances at their minimum, and at their maximum. At a
 * minimum of zero an endpoint costs nothing while it is idle.
 *
 * @throws RangeError for a negative price or count, or a minimum above the maximum.
 */
export function endpointCostPerMonth(endpoint: PaidInstances): { min: number; max: number } {
  const { usdPerHour, instances } = checked(endpoint);
  const month = hoursPerMonth * usdPerHour;
  return { min: instances.min * month, max: instances.max * month };
}

/** What an endpoint did in a month. */
export interface EndpointUse {
  /** Hours in which it had work, 0 to 730. */
  readonly busyHours: number;
  /** Instances in service in those hours, on average. */
  readonly busyInstances: number;
  /**
   * Hours, besides the busy ones, in which those instances were paid without work: starting, and
   * waiting for scale-in. 0 when absent.
   */
  readonly tailHours?: number;
}

/** US dollars a month. */
export interface EndpointMonth {
  readonly busy: number;
  /** Starting and waiting for scale-in. */
  readonly tail: number;
  /** The minimum, in the hours without work: what scaling to zero saves. */
  readonly idle: number;
  readonly total: number;
}

/**
 * What an endpoint costs in a month of such use.
 *
 * @throws RangeError for figures that are negative, more hours than a month has, or busy instances
 *   outside the endpoint's minimum and maximum.
 */
export function endpointCostOfUse(endpoint: PaidInstances, use: EndpointUse): EndpointMonth {
  const { usdPerHour, instances } = checked(endpoint);
  const { busyHours, busyInstances, tailHours = 0 } = use;
  amount("busyHours", busyHours);
  amount("tailHours", tailHours);
  if (busyHours + tailHours > hoursPerMonth) {
    throw new RangeError(`A month has ${hoursPerMonth} hours, not ${busyHours + tailHours}.`);
  }
  if (!(busyInstances >= instances.min && busyInstances <= instances.max)) {
    const { min, max } = instances;
    throw new RangeError(`busyInstances must be ${min} to ${max}, not ${busyInstances}.`);
  }
  const busy = busyHours * busyInstances * usdPerHour;
  const tail = tailHours * busyInstances * usdPerHour;
  const idle = (hoursPerMonth - busyHours - tailHours) * instances.min * usdPerHour;
  return { busy, tail, idle, total: busy + tail + idle };
}

function checked(endpoint: PaidInstances): PaidInstances {
  const { min, max } = endpoint.instances;
  amount("usdPerHour", endpoint.usdPerHour);
  amount("instances.min", min);
  amount("instances.max", max);
  if (min > max) throw new RangeError(`instances.min of ${min} is above instances.max of ${max}.`);
  return endpoint;
}

function amount(what: string, value: number): void {
  if (Number.isFinite(value) && value >= 0) return;
  throw new RangeError(`${what} must be 0 or more, not ${value}.`);
}
