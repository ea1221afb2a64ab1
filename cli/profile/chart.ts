import { escaped } from "../plan/markup";
import { label } from "../plan/shapes";
import { type Axis, axis } from "./axis";
import type { ProfiledStep, ProfileResult } from "./result";
import { isSearchEnd, limitText } from "./resultText";

const WIDTH = 880;
const HEIGHT = 500;
const PLOT = { left: 78, right: 802, top: 108, bottom: 424 };

/** Latency beyond this many objectives leaves the picture, which is of what lies below. */
const OBJECTIVES_SHOWN = 2.5;

const STYLE = `
  .chart { font: 13px system-ui, "Segoe UI", Roboto, sans-serif; --ink: #1c2733; --soft: #5c6b7a;
    --line: #dde3ea; --ground: #ffffff; --throughput: #d9730d; --latency: #5b54d6; --point: #2f7d32; }
  @media (prefers-color-scheme: dark) { .chart { --ink: #e8edf3; --soft: #9aa8b6;
    --line: #323d48; --ground: #151b22; --throughput: #ffab5c; --latency: #9d98ff; --point: #7ccf7f; } }
  .chart text { fill: var(--ink); }
  .chart .ground { fill: var(--ground); }
  .chart .soft { fill: var(--soft); font-size: 12px; }
  .chart .title { font-weight: 600; font-size: 16px; }
  .chart .grid { stroke: var(--line); } .chart .axis { stroke: var(--soft); }
  .chart .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
  .chart .thin { stroke-width: 1.5; opacity: 0.6; }
  .chart .throughput { stroke: var(--throughput); } .chart .latency { stroke: var(--latency); }
  .chart .offered { stroke: var(--soft); stroke-dasharray: 2 4; stroke-width: 1.5; }
  .chart .objective { stroke: var(--latency); stroke-dasharray: 8 5; opacity: 0.7; }
  .chart .point { stroke: var(--point); stroke-width: 2; }
  .chart .dot { stroke: var(--ground); stroke-width: 1.5; }
  .chart .dot.throughput { fill: var(--throughput); stroke: var(--ground); }
  .chart .dot.latency { fill: var(--latency); stroke: var(--ground); }
  .chart text.throughput { fill: var(--throughput); stroke: none; }
  .chart text.latency { fill: var(--latency); stroke: none; }
  .chart text.point { fill: var(--point); stroke: none; font-weight: 600; }
`;

/**
 * Throughput and latency over the load, with the objective and the breaking point: the shape of
 * seed 001's Figure 4, "Inference latency and throughput per deployment unit". A complete SVG.
 */
export function chart(result: ProfileResult): string {
  const steps = lastOfEachRate(result.steps);
  const { objectiveSeconds: objective, breakingPoint: point } = result;
  const latencies = steps.flatMap(({ latency }) => (latency ? [latency.p90Seconds] : []));
  const load = axis(
    Math.max(...steps.map((step) => step.offeredRequestsPerSecond), 0) || 1,
    8,
    PLOT.left,
    PLOT.right,
  );
  const served = axis(
    Math.max(...steps.map((step) => step.imagesPerMinute), 0) || 1,
    6,
    PLOT.bottom,
    PLOT.top,
  );
  const highest = Math.max(objective * 1.2, ...latencies);
  const waited = axis(Math.min(highest, objective * OBJECTIVES_SHOWN), 6, PLOT.bottom, PLOT.top);
  const title = result.unit ?? result.host;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" class="chart" ` +
      `role="img" aria-label="${escaped(`Latency and throughput of ${title} under load`)}">`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${HEIGHT}"/>`,
    `<clipPath id="plot"><rect x="${PLOT.left}" y="${PLOT.top}" width="${PLOT.right - PLOT.left}" ` +
      `height="${PLOT.bottom - PLOT.top}"/></clipPath>`,
    label(24, 32, title, "title"),
    label(24, 52, subtitle(result), "soft"),
    ...legend(),
    ...axes(load, served, waited),
    ...objectiveLine(objective, waited),
    ...(point === undefined ? [] : pointLine(point, load)),
    ...(steps.length === 0
      ? [label((PLOT.left + PLOT.right) / 2, 260, "no step was measured", "soft", "middle")]
      : [
          '<g clip-path="url(#plot)">',
          line("offered", offered(load, served)),
          line(
            "line latency thin",
            at(steps, load, waited, (step) => step.latency?.p50Seconds),
          ),
          line(
            "line latency",
            at(steps, load, waited, (step) => step.latency?.p90Seconds),
          ),
          line(
            "line throughput",
            at(steps, load, served, (step) => step.imagesPerMinute),
          ),
          "</g>",
          ...dots(
            "latency",
            at(steps, load, waited, (step) => step.latency?.p90Seconds),
          ),
          ...dots(
            "throughput",
            at(steps, load, served, (step) => step.imagesPerMinute),
          ),
        ]),
    "</svg>",
    "",
  ].join("\n");
}

type Place = readonly [x: number, y: number];

function lastOfEachRate(steps: readonly ProfiledStep[]): readonly ProfiledStep[] {
  const byRate = new Map(steps.map((step) => [step.offeredRequestsPerSecond, step]));
  return [...byRate.values()].sort(
    (a, b) => a.offeredRequestsPerSecond - b.offeredRequestsPerSecond,
  );
}

function at(
  steps: readonly ProfiledStep[],
  load: Axis,
  height: Axis,
  value: (step: ProfiledStep) => number | undefined,
): readonly Place[] {
  return steps.flatMap((step) => {
    const of = value(step);
    return of === undefined ? [] : [[load.at(step.offeredRequestsPerSecond), height.at(of)]];
  });
}

/** Where throughput would be if everything that is sent were answered. */
function offered(load: Axis, served: Axis): readonly Place[] {
  const rate = Math.min(load.most, served.most / 60);
  return [
    [load.at(0), served.at(0)],
    [load.at(rate), served.at(rate * 60)],
  ];
}

function line(style: string, places: readonly Place[]): string {
  const path = places.map(([x, y], index) => `${index === 0 ? "M" : "L"}${px(x)} ${px(y)}`);
  return `<path class="${style}" fill="none" d="${path.join("")}"/>`;
}

function dots(style: string, places: readonly Place[]): string[] {
  return places
    .filter(([, y]) => y >= PLOT.top)
    .map(([x, y]) => `<circle class="dot ${style}" cx="${px(x)}" cy="${px(y)}" r="4.5"/>`);
}

function axes(load: Axis, served: Axis, waited: Axis): string[] {
  const { left, right, top, bottom } = PLOT;
  const middle = (top + bottom) / 2;
  return [
    ...served.ticks.map(
      (tick) =>
        `<path class="grid" d="M${left} ${px(served.at(tick))}H${right}"/>` +
        label(left - 10, served.at(tick) + 4, String(tick), "soft", "end"),
    ),
    ...waited.ticks.map((tick) =>
      label(right + 10, waited.at(tick) + 4, secondsText(tick, waited), "soft"),
    ),
    ...load.ticks.map((tick) => label(load.at(tick), bottom + 22, String(tick), "soft", "middle")),
    `<path class="axis" d="M${left} ${bottom}H${right}"/>`,
    label((left + right) / 2, bottom + 48, "requests a second, offered", "soft", "middle"),
    turned(26, middle, "images a minute", "throughput"),
    turned(WIDTH - 16, middle, "latency, seconds", "latency"),
  ];
}

function turned(x: number, y: number, text: string, style: string): string {
  return `<g transform="rotate(-90 ${x} ${y})">${label(x, y, text, style, "middle")}</g>`;
}

function secondsText(value: number, { ticks }: Axis): string {
  const digits = Math.max(...ticks.map((tick) => String(tick).split(".")[1]?.length ?? 0));
  return value.toFixed(digits);
}

function objectiveLine(objective: number, waited: Axis): string[] {
  const y = waited.at(objective);
  return [
    `<path class="objective" d="M${PLOT.left} ${px(y)}H${PLOT.right}"/>`,
    label(PLOT.left + 8, Number(px(y - 7)), `objective ${objective} s`, "latency"),
  ];
}

function pointLine(
  { requestsPerSecond, imagesPerMinute, limitedBy }: NonNullable<ProfileResult["breakingPoint"]>,
  load: Axis,
): string[] {
  const x = load.at(requestsPerSecond);
  const isLeft = x < (PLOT.left + PLOT.right) / 2;
  const isBroken = !isSearchEnd(limitedBy);
  const text = `${isBroken ? "breaking point" : "highest load tried"}: ${Number(imagesPerMinute.toFixed(1))} images a minute`;
  return [
    `<path class="point" d="M${px(x)} ${PLOT.top - 8}V${PLOT.bottom}"/>`,
    label(
      Number(px(x)) + (isLeft ? -2 : 2),
      PLOT.top - 14,
      text,
      "point",
      isLeft ? "start" : "end",
    ),
  ];
}

function legend(): string[] {
  const entries = [
    { x: 432, style: "line throughput", text: "throughput" },
    { x: 548, style: "offered", text: "all served" },
    { x: 650, style: "line latency", text: "latency p90" },
    { x: 772, style: "line latency thin", text: "p50" },
  ];
  return entries.flatMap(({ x, style, text }) => [
    `<path class="${style}" d="M${x} 28h24"/>`,
    label(x + 30, 32, text, "soft"),
  ]);
}

function subtitle({ unit, breakingPoint: point, ...result }: ProfileResult): string {
  const { host, date, instanceType } = result;
  const where = [instanceType, unit && host, date.slice(0, 10)].filter(Boolean).join(" · ");
  return `${where} · ${point === undefined ? "no breaking point found" : limitText(point.limitedBy)}`;
}

function px(value: number): string {
  return String(Number(value.toFixed(1)));
}
