import {
  type BreakingPoint,
  type LoadLimits,
  limitOf,
  type SearchEnd,
} from "../../fleet/breakingPoint";
import { type Column, type Paint, table, wrap } from "../terminal";
import type { ProfiledStep, ProfileResult } from "./result";

/** The most columns of what `fleet profile` prints. */
export const COLUMNS = 80;

const columns: readonly Column[] = [
  { title: "offered/s", align: "right" },
  { title: "images/min", align: "right" },
  { title: "p50", align: "right" },
  { title: "p90", align: "right" },
  { title: "p99", align: "right" },
  { title: "errors", align: "right" },
  { title: "503", align: "right" },
  { title: "busy", align: "right" },
  { title: "beyond" },
];

/** All steps by their rate, and what follows from them. */
export function resultLines(result: ProfileResult, end: SearchEnd, paint: Paint): string[] {
  const rising = [...result.steps].sort(
    (a, b) => a.offeredRequestsPerSecond - b.offeredRequestsPerSecond,
  );
  const lines = table(
    columns,
    rising.map((step) => cells(step, result)),
    (_, text) => text,
  );
  const [title, ...rows] = lines;
  return [
    ...(rising.length > 0 ? [paint("dim", title!), ...rows, ""] : []),
    ...conclusion(result, end).flatMap((text, index) =>
      wrap(text, COLUMNS, index === 0 ? "  " : "").map((line) =>
        index === 0 ? paint(result.breakingPoint === undefined ? "red" : "bold", line) : line,
      ),
    ),
  ];
}

/** A step, in one line of a log. */
export function stepLine(step: ProfiledStep, limits: LoadLimits): string {
  const { latency, errorRatio, utilisation, failures } = step;
  const limit = limitOf(step, limits);
  const why = Object.entries(failures)
    .map(([reason, times]) => `${times} × ${reason}`)
    .join(", ");
  const parts = [
    `${rate(step.offeredRequestsPerSecond)}/s offered`,
    `${step.imagesPerMinute.toFixed(1)} images/min`,
    latency === undefined
      ? "no answer"
      : `p50 ${seconds(latency.p50Seconds)} p90 ${seconds(latency.p90Seconds)} p99 ${seconds(latency.p99Seconds)}`,
    ...(utilisation === undefined ? [] : [`busy ${busy(utilisation)}`]),
    ...(errorRatio === 0 ? [] : [`errors ${percent(errorRatio)} (${why})`]),
  ];
  const verdict = limit === undefined ? "held" : `too much: ${limit}`;
  return `${parts.join(", ")}: ${verdict}`;
}

const limitTexts: Readonly<Record<BreakingPoint["limitedBy"], string>> = {
  latency: "limited by latency",
  utilisation: "limited by utilisation",
  errors: "limited by errors",
  throughput: "limited by throughput, which no longer follows the load",
  "max-rate": "nothing gave way up to --max-rate",
  "max-requests": "nothing gave way within --max-requests",
  interrupted: "nothing had given way when it was interrupted",
};

export function limitText(limit: BreakingPoint["limitedBy"]): string {
  return limitTexts[limit];
}

/** Whether a search ended before the server broke. */
export function isSearchEnd(limit: BreakingPoint["limitedBy"]): limit is SearchEnd {
  return limit === "max-rate" || limit === "max-requests" || limit === "interrupted";
}

function cells(step: ProfiledStep, limits: LoadLimits): string[] {
  const { latency, utilisation } = step;
  return [
    rate(step.offeredRequestsPerSecond),
    step.imagesPerMinute.toFixed(1),
    ...[latency?.p50Seconds, latency?.p90Seconds, latency?.p99Seconds].map((each) =>
      each === undefined ? "-" : seconds(each),
    ),
    percent(step.errorRatio),
    String(step.refusedRequests),
    utilisation === undefined ? "-" : busy(utilisation),
    limitOf(step, limits) ?? "",
  ];
}

function conclusion(result: ProfileResult, end: SearchEnd): string[] {
  const { breakingPoint: point, requestsSent, maxRequests } = result;
  const sent = `${requestsSent} requests were sent; at most ${maxRequests} might have been.`;
  if (point === undefined) return [nothingHeld(result, end), sent];
  const { requestsPerSecond, imagesPerMinute, latencySeconds, latencyP90Seconds } = point;
  const isBroken = !isSearchEnd(point.limitedBy);
  return [
    `${isBroken ? "Breaking point" : "Highest load tried"}: ${imagesPerMinute.toFixed(1)} images a minute (${rate(requestsPerSecond)} requests a second), ` +
      `${seconds(latencySeconds)} an image (p90 ${seconds(latencyP90Seconds)}); ${limitText(point.limitedBy)}.`,
    ...money(result),
    sent,
  ];
}

function nothingHeld(
  { steps, objectiveSeconds, ...result }: ProfileResult,
  end: SearchEnd,
): string {
  if (steps.length === 0)
    return end === "max-requests"
      ? `No breaking point: --max-requests ${result.maxRequests} is less than one step has.`
      : "No breaking point: it was interrupted before a step had ended.";
  const lowest = steps.reduce((a, b) =>
    b.offeredRequestsPerSecond <= a.offeredRequestsPerSecond ? b : a,
  );
  const fastest = lowest.latency?.fastestSeconds;
  const limit = limitOf(lowest, { objectiveSeconds, maxUtilisation: result.maxUtilisation });
  const why =
    limit === "latency" && fastest !== undefined && fastest > objectiveSeconds
      ? `even the fastest answer took ${seconds(fastest)}, and the objective is ${seconds(objectiveSeconds)}`
      : `even ${rate(lowest.offeredRequestsPerSecond)} requests a second are beyond the limit of ${limit}`;
  return `No breaking point within what was allowed: ${why}.`;
}

function money({ unit, stack, instanceType, ...result }: ProfileResult): string[] {
  if (unit === undefined) return [];
  const { pricePerHour, costPerThousandImages } = result;
  if (pricePerHour === undefined || costPerThousandImages === undefined)
    return [`No price of ${instanceType} is known; set units.${unit}.pricePerHour.`];
  return [
    `${unit} in ${stack}, ${instanceType}: $${pricePerHour.toFixed(4)} an hour, ` +
      `$${costPerThousandImages.toFixed(4)} per 1000 images.`,
  ];
}

/** `1.91`, `0.0313`: three digits at least. */
export function rate(value: number): string {
  return value >= 1 ? value.toFixed(2) : String(Number(value.toPrecision(3)));
}

export function seconds(value: number): string {
  return value < 0.1 ? `${(value * 1000).toFixed(1)}ms` : `${value.toFixed(2)}s`;
}

function percent(ratio: number): string {
  const value = ratio * 100;
  return `${value > 0 && value < 1 ? value.toFixed(1) : value.toFixed(0)}%`;
}

/** With a decimal, because what is just above a limit is not to look as if it were on it. */
function busy(ratio: number): string {
  return `${(ratio * 100).toFixed(1)}%`;
}
