import {
  type BreakingPoint,
  breakingPointOf,
  type LoadLimits,
  type SearchEnd,
} from "../../fleet/breakingPoint";
import { costPerThousandImages } from "../../fleet/cost";
import type { ConfiguredUnit } from "./configuredUnit";
import type { MeasuredStep } from "./loadStep";
import type { SearchStep } from "./nextStep";

export type ProfiledStep = SearchStep & MeasuredStep;

/** What `fleet profile` writes (docs/how-to/profile-a-unit.md). Money in US dollars. */
export interface ProfileResult extends LoadLimits {
  /** Absent where none was named. */
  readonly unit?: string;
  readonly stack?: string;
  /** The server's name and port; paths and keys stay here. */
  readonly host: string;
  /** ISO 8601, when the first request was sent. */
  readonly date: string;
  /** How long the first image took, before there was any load. */
  readonly firstImageSeconds: number;
  readonly requestsSent: number;
  readonly maxRequests: number;
  /** In the order in which they ran. */
  readonly steps: readonly ProfiledStep[];
  /** Absent: no rate that was tried is within the limits. */
  readonly breakingPoint?: BreakingPoint;
  /** Of a machine that carries the unit, the cheapest that its config allows. */
  readonly instanceType?: string;
  /** Dollars an hour for one replica. */
  readonly pricePerHour?: number;
  /** At the breaking point, without a moment's idleness. */
  readonly costPerThousandImages?: number;
  readonly costPerInference?: number;
}

export interface Profiled {
  readonly host: string;
  readonly date: Date;
  readonly firstImageSeconds: number;
  readonly requestsSent: number;
  readonly maxRequests: number;
  readonly steps: readonly ProfiledStep[];
  readonly end: SearchEnd;
}

export function resultOf(
  { date, steps, end, host, firstImageSeconds, requestsSent, maxRequests }: Profiled,
  limits: LoadLimits,
  unit: ConfiguredUnit | undefined,
): ProfileResult {
  const point = breakingPointOf(steps, limits, end);
  const price = unit?.pricePerHour;
  const thousand =
    point === undefined || price === undefined
      ? undefined
      : costPerThousandImages(price, point.imagesPerMinute);
  return {
    ...(unit !== undefined && { unit: unit.name, stack: unit.stack }),
    host,
    date: date.toISOString(),
    objectiveSeconds: limits.objectiveSeconds,
    maxUtilisation: limits.maxUtilisation,
    firstImageSeconds,
    requestsSent,
    maxRequests,
    steps,
    ...(point !== undefined && { breakingPoint: point }),
    ...(unit !== undefined && { instanceType: unit.instanceType }),
    ...(price !== undefined && { pricePerHour: price }),
    ...(thousand !== undefined && {
      costPerThousandImages: thousand,
      costPerInference: thousand / 1000,
    }),
  };
}
