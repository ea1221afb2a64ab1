import type { EndpointSummary } from "../../stacks/endpointSummaries";
import type { PlanSummary, RuntimeSummary, UnitSummary } from "../../stacks/summary";
import { type Column, type Paint, table, WIDTH, wrap } from "../terminal";
import type { PlanDocument } from "./document";
import { scaleOut } from "./scaleOut";
import { sharesOf } from "./system";

const COLUMNS: readonly Column[] = [
  { title: "unit" },
  { title: "machine" },
  { title: "weight", align: "right" },
  { title: "target/min", align: "right" },
  { title: "in flight", align: "right" },
  { title: "replicas", align: "right" },
  { title: "$/hour", align: "right" },
  { title: "$/1000 images", align: "right" },
];

const RUNTIME_COLUMNS: readonly Column[] = [
  { title: "runtime" },
  { title: "speaks" },
  { title: "machine" },
  { title: "capacity" },
  { title: "tasks/replica", align: "right" },
  { title: "replicas", align: "right" },
  { title: "$/hour", align: "right" },
];

const ENDPOINT_COLUMNS: readonly Column[] = [
  { title: "endpoint" },
  { title: "serves" },
  { title: "machine" },
  { title: "min–max", align: "right" },
  { title: "scales by" },
  { title: "out in s", align: "right" },
  { title: "$/hour", align: "right" },
];

/** What the environment is and costs, before what it is made of. */
export function headerLines(document: PlanDocument, summary: PlanSummary, paint: Paint): string[] {
  const { project, stack, resources } = document;
  return [
    paint("bold", [`${project} · stack ${stack}`, ...modeOf(summary), summary.region].join(" · ")) +
      `   ${resources.length} resources`,
    "",
    ...tableOf(COLUMNS, summary.units.map(unitCells(sharesOf(resources))), paint),
    ...tableOf(RUNTIME_COLUMNS, summary.runtimes.map(runtimeCells), paint),
    ...tableOf(ENDPOINT_COLUMNS, summary.endpoints.map(endpointCells), paint),
    ...costLines(summary),
    ...(summary.failover === undefined ? [] : ["", ...wrap(summary.failover, WIDTH)]),
  ];
}

/** Only units have one. */
function modeOf({ mode, units }: PlanSummary): readonly string[] {
  return units.length === 0 ? [] : [`${mode} mode`];
}

/** With a line after it; nothing without rows. */
function tableOf(columns: readonly Column[], rows: string[][], paint: Paint): readonly string[] {
  return rows.length === 0 ? [] : [...table(columns, rows, paint), ""];
}

function endpointCells(endpoint: EndpointSummary): string[] {
  return [
    endpoint.endpoint,
    endpoint.model ?? "",
    endpoint.kind === "component" ? "" : endpoint.instanceType,
    `${endpoint.min}–${endpoint.max}`,
    endpoint.scalesBy,
    scaleOut(endpoint),
    endpoint.pricePerHour?.toFixed(4) ?? "",
  ];
}

function unitCells(shareOf: (unit: UnitSummary) => string) {
  return (unit: UnitSummary): string[] => [
    unit.unit,
    unit.instanceTypes.join(" "),
    shareOf(unit),
    String(unit.counterTarget),
    String(unit.inFlightTarget),
    `${unit.minReplicas}–${unit.maxReplicas}`,
    unit.pricePerHour.toFixed(4),
    unit.costPerThousandImages.toFixed(4),
  ];
}

function runtimeCells(runtime: RuntimeSummary): string[] {
  return [
    runtime.runtime,
    runtime.adapter,
    runtime.instanceTypes.join(" "),
    runtime.capacityTypes.join(", "),
    String(runtime.tasksPerReplica),
    `${runtime.minReplicas}–${runtime.maxReplicas}`,
    runtime.pricePerHour.toFixed(4),
  ];
}

function costLines({ cost }: PlanSummary): string[] {
  const together = (["unit", "probe", "runtime", "endpoint"] as const).flatMap((kind) => {
    const usd = sumOf(cost, kind);
    return usd === undefined ? [] : [`${TOGETHER[kind]} ${range(usd.min, usd.max, 2)}`];
  });
  const others = cost.lines
    .filter(({ kind }) => !(kind in TOGETHER))
    .map(({ name, count, usd }) => {
      const times = count.max > 1 ? ` ×${range(count.min, count.max)}` : "";
      return `${name}${times} ${range(usd.min, usd.max, 2)}`;
    });
  const parts = [...together, ...others];
  return [
    `An hour costs $${cost.usd.min.toFixed(2)} at minimum replicas and ` +
      `$${cost.usd.max.toFixed(2)} at maximum, without traffic and volumes:`,
    ...wrap(parts.join(", "), WIDTH - 2).map((line) => `  ${line}`),
  ];
}

/** Lines of these kinds are told as one sum. */
const TOGETHER = {
  unit: "units",
  probe: "capacity probes",
  runtime: "runtimes of the queues",
  endpoint: "managed endpoints",
} as const;

function sumOf({ lines }: PlanSummary["cost"], kind: keyof typeof TOGETHER) {
  const ofKind = lines.filter((line) => line.kind === kind);
  if (ofKind.length === 0) return undefined;
  const sum = (bound: "min" | "max") => ofKind.reduce((total, { usd }) => total + usd[bound], 0);
  return { min: sum("min"), max: sum("max") };
}

function range(min: number, max: number, digits = 0): string {
  const [from, to] = [min.toFixed(digits), max.toFixed(digits)];
  return from === to ? from : `${from}–${to}`;
}
