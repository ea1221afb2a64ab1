import { type Column, clip, type Paint, type Tone, table, WIDTH, wrap } from "../terminal";
import { ago } from "./age";
import type { FailoverReport } from "./failoverReport";
import type { ModelReport, UnitReport } from "./modelReport";
import type { RoutesReport } from "./report";

const INDENT = "  ";
const LABEL_WIDTH = 11;
/** As long as Karpenter's own are. */
const MESSAGE_LENGTH = 300;
const UNKNOWN = "?";
const NONE = "–";

/** A report for a terminal, at most 98 columns wide. */
export function reportLines(report: RoutesReport, paint: Paint): string[] {
  const { context, server, namespace, failover, models, at } = report;
  return [
    ...wrap(`context ${context} · ${server} · namespace ${namespace}`, WIDTH, INDENT),
    ...failoverLines(failover, at, paint),
    ...models.flatMap((model) => ["", ...modelLines(model, report, paint)]),
  ];
}

function failoverLines(failover: FailoverReport, at: string, paint: Paint): string[] {
  const [tone, text] = failoverSentence(failover, at);
  return [
    ...wrap(text, WIDTH, INDENT).map((line) => (tone === undefined ? line : paint(tone, line))),
    ...problemLines(failover.problems, paint),
  ];
}

function failoverSentence(
  { state, leader, renewedAt, settings }: FailoverReport,
  at: string,
): readonly [Tone | undefined, string] {
  const by = settings === null ? "" : `, strategy ${settings.strategy}`;
  const who = leader ?? "no leader at the moment";
  switch (state) {
    case "off":
      return [undefined, "fail-over is off: routes are as the config says"];
    case "never started":
      return [
        "red",
        `fail-over is on${by}, but its controller has never run: routes stay as they are. Is its ` +
          "image there? kubectl describe pods says.",
      ];
    case "silent":
      return [
        "red",
        `fail-over is on${by}, but its controller is dead: last heard of ${ago(renewedAt!, at)} ago ` +
          `(${who}). Routes stay as they are; what is said of evidence is as old.`,
      ];
    default:
      return [undefined, `fail-over is on${by} · ${who}, heard of ${ago(renewedAt!, at)} ago`];
  }
}

function modelLines(model: ModelReport, { failover, at }: RoutesReport, paint: Paint): string[] {
  const [tone, mode] = modeSentence(model, at);
  const facts: readonly (readonly [label: string, text: string | undefined])[] = [
    ["because", model.reason === "as configured" ? undefined : (model.reason ?? undefined)],
    [
      "since",
      model.since === null ? undefined : `${instant(model.since)}, ${ago(model.since, at)} ago`,
    ],
    ["switches", switchesText(model, failover)],
    ["pin", pinText(model)],
  ];
  return [
    `${paint("bold", model.model)} · ${tone === undefined ? mode : paint(tone, mode)}`,
    ...facts.flatMap(([label, text]) => (text === undefined ? [] : labelled(label, text, paint))),
    ...problemLines(
      [...model.drift.map((sentence) => `Drift: ${sentence}`), ...model.problems],
      paint,
    ),
    ...(model.units.length === 0 ? [] : ["", ...unitLines(model.units, failover, at, paint)]),
  ];
}

function modeSentence(model: ModelReport, at: string): readonly [Tone | undefined, string] {
  const { mode, configuredMode, failedOverSince, pin } = model;
  const now =
    mode === null ? "no backends" : mode === "other" ? "neither mode's backends" : `${mode} mode`;
  const config = configuredMode === null ? "" : ` (config: ${configuredMode})`;
  if (failedOverSince !== null)
    return ["yellow", `${now}${config}, failed over for ${ago(failedOverSince, at)}`];
  if (pin?.mode) return ["cyan", `${now}${config}, pinned`];
  if (mode === configuredMode) return [undefined, `${now}, as configured`];
  return ["yellow", `${now}${config}`];
}

function switchesText(
  { switchesLastHour }: ModelReport,
  { settings }: FailoverReport,
): string | undefined {
  if (!switchesLastHour) return undefined;
  const most = settings === null ? "" : `, of at most ${settings.maxSwitchesPerHour}`;
  return `${switchesLastHour} in the last hour${most}`;
}

function pinText({ pin }: ModelReport): string | undefined {
  if (pin === null) return undefined;
  return `${pin.text}${pin.reason === null ? ", without a reason" : `: ${pin.reason}`}`;
}

const toneOfState: Readonly<Record<string, Tone>> = {
  suspected: "yellow",
  short: "red",
  recovering: "cyan",
};

const columns: readonly Column[] = [
  { title: "unit" },
  { title: "weight", align: "right" },
  { title: "target/min", align: "right" },
  { title: "ready", align: "right" },
];

const columnsOfFailover: readonly Column[] = [
  { title: "pending", align: "right" },
  { title: "state" },
  { title: "probe" },
  { title: "evidence" },
];

function unitLines(
  units: readonly UnitReport[],
  { state }: FailoverReport,
  at: string,
  paint: Paint,
): string[] {
  const withFailover = state !== "off";
  const rows = units.map((unit) => [
    unit.unit,
    orNone(unit.weight),
    orNone(unit.target),
    `${unit.ready ?? UNKNOWN}/${unit.desired ?? UNKNOWN}`,
    ...(withFailover ? failoverCells(unit, at) : []),
  ]);
  const plain: Paint = (_, text) => text;
  const [title, ...lines] = table(
    withFailover ? [...columns, ...columnsOfFailover] : columns,
    rows,
    plain,
  );
  return [
    paint("dim", clipped(title!)),
    ...lines.map((line, index) => {
      const { status, ready, share } = units[index]!;
      const tone = ready === 0 && share ? "red" : toneOfState[status?.state ?? ""];
      return tone === undefined ? clipped(line) : paint(tone, clipped(line));
    }),
    ...units.flatMap((unit) => evidenceLines(unit, at, paint)),
  ].map((line) => (INDENT + line).trimEnd());
}

/** Like `clip`, but the columns stay where they are. */
function clipped(line: string): string {
  const width = WIDTH - INDENT.length;
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

function failoverCells({ status }: UnitReport, at: string): string[] {
  if (status === null) return [UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN];
  const { evidence } = status;
  return [
    String(status.pending),
    status.state === "well" ? "well" : `${status.state} ${ago(status.since, at)}`,
    status.probe,
    evidence === undefined ? "none" : `${evidence.cause} ${ago(evidence.lastSeen, at)} ago`,
  ];
}

/** What is behind a unit's trouble, as long as it is trouble. */
function evidenceLines({ unit, status, actedOn }: UnitReport, at: string, paint: Paint): string[] {
  if (status === null || (status.state === "well" && status.pending === 0)) return [];
  const { evidence, pendingSince, launchedAt, probeStartedAt } = status;
  const pods = status.pending === 1 ? "1 pod waits" : `${status.pending} pods wait`;
  const sentences = [
    ...(evidence === undefined
      ? []
      : [
          `${evidence.cause}${actedOn === false ? ", which moves no traffic" : ""}, on ${evidence.source}, first seen ${ago(evidence.firstSeen, at)} ago, ` +
            `last ${ago(evidence.lastSeen, at)} ago: "${clip(evidence.message, MESSAGE_LENGTH)}"`,
        ]),
    ...(pendingSince === undefined ? [] : [`${pods} for a machine, for ${ago(pendingSince, at)}`]),
    ...(launchedAt === undefined ? [] : [`last launch of a machine ${ago(launchedAt, at)} ago`]),
    ...(probeStartedAt === undefined
      ? []
      : [`probe has had a machine for ${ago(probeStartedAt, at)}`]),
  ];
  if (sentences.length === 0) return [];
  return [
    "",
    `${unit}:`,
    ...sentences.flatMap((sentence) =>
      wrap(sentence, WIDTH - 2 * INDENT.length, INDENT).map((line) => INDENT + line),
    ),
  ].map((line) => (line === "" ? line : paint("dim", line)));
}

function problemLines(problems: readonly string[], paint: Paint): string[] {
  return problems.flatMap((problem) =>
    wrap(`! ${problem}`, WIDTH - INDENT.length, INDENT).map((line) =>
      paint("yellow", INDENT + line),
    ),
  );
}

function labelled(label: string, text: string, paint: Paint): string[] {
  const margin = " ".repeat(LABEL_WIDTH + INDENT.length);
  const [first, ...rest] = wrap(text, WIDTH - margin.length);
  return [
    `${INDENT}${paint("dim", label.padEnd(LABEL_WIDTH))}${first}`,
    ...rest.map((line) => margin + line),
  ];
}

/** `2026-11-15 03:12:07 UTC` */
function instant(time: string): string {
  return `${new Date(Date.parse(time)).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

function orNone(value: number | null): string {
  return value === null ? NONE : String(value);
}
