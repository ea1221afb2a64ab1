import type { Plan } from "./makePlan";
import { escaped } from "./markup";
import { type System, type SystemBackend, type SystemUnit, systemOf } from "./system";

const WIDTH = 1240;
const UNIT = { x: 668, width: 336, height: 86, gap: 16 };
const ROUTE = { x: 390, width: 176 };
const GATEWAY = { x: 176, width: 172 };
const STORE = { x: 1082, width: 142 };
const TOP = 64;
const FRAME = { x: 158, right: 1042 };

/** What each controller is there for, by chart. */
const ROLES: Readonly<Record<string, string>> = {
  karpenter: "launches machines",
  "karpenter-crd": "Karpenter's CRDs",
  keda: "scales the units",
  "aws-load-balancer-controller": "makes the load balancer",
  "aws-mountpoint-s3-csi-driver": "mounts the models",
  "nvidia-device-plugin": "GPUs on AL2023",
  "neuron-helm-chart": "Neuron devices",
};

const STYLE = `
  .picture { font: 13px system-ui, "Segoe UI", Roboto, sans-serif; --ink: #1c2733; --soft: #5c6b7a;
    --line: #c3ccd6; --card: #ffffff; --ground: #f5f7fa; --neuron: #0f8a7e; --gpu: #5b54d6;
    --traffic: #d9730d; --store: #2f7d32; }
  @media (prefers-color-scheme: dark) { .picture { --ink: #e8edf3; --soft: #9aa8b6;
    --line: #3b4754; --card: #1d252e; --ground: #151b22; --neuron: #3fc4b4; --gpu: #9d98ff;
    --traffic: #ffab5c; --store: #7ccf7f; } }
  .picture text { fill: var(--ink); }
  .picture .soft { fill: var(--soft); font-size: 12px; }
  .picture .title { font-weight: 600; font-size: 14px; }
  .picture .frame { fill: var(--ground); stroke: var(--line); stroke-dasharray: 6 5; }
  .picture .card { fill: var(--card); stroke: var(--line); }
  .picture .neuron { fill: var(--neuron); } .picture .gpu { fill: var(--gpu); }
  .picture .hollow { fill: none; stroke-width: 1.5; }
  .picture .hollow.neuron { fill: none; stroke: var(--neuron); }
  .picture .ink { fill: var(--soft); } .picture .hollow.ink { fill: none; stroke: var(--soft); }
  .picture .hollow.gpu { fill: none; stroke: var(--gpu); }
  .picture .traffic { fill: none; stroke: var(--traffic); stroke-linecap: round; opacity: 0.75; }
  .picture .mount { fill: none; stroke: var(--store); stroke-dasharray: 3 5; opacity: 0.8; }
  .picture .share { fill: var(--traffic); font-weight: 600; }
  .picture .chip { fill: var(--card); stroke: var(--traffic); }
`;

/** The picture of a planned system, a complete SVG that follows the reader's light or dark theme. */
export function standalonePicture(plan: Plan): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${picture(plan)}\n`;
}

/** The same as part of a page. */
export function picture({ document, summary }: Plan): string {
  const system = systemOf(document.resources, summary);
  const unitsHeight = Math.max(1, system.units.length) * (UNIT.height + UNIT.gap) - UNIT.gap;
  const bottom = TOP + Math.max(unitsHeight, 220) + 24;
  const chips = controllerChips(system, bottom + 34);
  const frameBottom = chips.bottom + 18;
  const height = frameBottom + 16;
  const middle = TOP + Math.max(unitsHeight, 220) / 2;
  const unitTop = (index: number) => middle - unitsHeight / 2 + index * (UNIT.height + UNIT.gap);
  const title = `${document.project}, stack ${document.stack}, ${summary.mode} mode`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" class="picture" ` +
      `role="img" aria-label="${escaped(title)}">`,
    `<style>${STYLE}</style>`,
    `<rect class="frame" x="${FRAME.x}" y="14" width="${FRAME.right - FRAME.x}" height="${frameBottom - 14}" rx="14"/>`,
    label(FRAME.x + 18, 38, `VPC and EKS cluster · ${document.stack} · ${summary.region}`, "soft"),
    label(UNIT.x, 38, "deployment units", "soft"),
    ...legend(38),
    clients(middle),
    gateway(system, middle),
    ...routes(system, middle, unitTop),
    ...system.units.map((unit, index) => unitCard(unit, unitTop(index))),
    ...(system.store ? store(system, middle, unitTop) : []),
    label(FRAME.x + 18, bottom + 20, "Helm releases in the cluster", "soft"),
    ...chips.parts,
    "</svg>",
  ].join("\n");
}

function clients(y: number): string {
  return [
    `<circle class="card" cx="58" cy="${y - 16}" r="13"/>`,
    `<path class="card" d="M34 ${y + 24}a24 20 0 0 1 48 0z"/>`,
    label(58, y + 44, "clients", "soft", "middle"),
    edge(92, y, GATEWAY.x, y, 5),
  ].join("");
}

function gateway({ gateway }: System, y: number): string {
  if (gateway === undefined) return "";
  const x = GATEWAY.x + GATEWAY.width / 2;
  return [
    card(GATEWAY.x, y - 46, GATEWAY.width, 92),
    label(x, y - 18, "Gateway", "title", "middle"),
    label(x, y + 2, "Application Load Balancer", "soft", "middle"),
    label(
      x,
      y + 22,
      [gateway.scheme, gateway.listeners].filter(Boolean).join(" · "),
      "soft",
      "middle",
    ),
  ].join("");
}

/** Each route between the gateway and its units, its backends as lines as thick as their share. */
function routes(system: System, middle: number, unitTop: (index: number) => number): string[] {
  const spacing = 150;
  const top = middle - ((system.routes.length - 1) * spacing) / 2;
  return system.routes.flatMap((route, index) => {
    const y = top + index * spacing;
    const right = ROUTE.x + ROUTE.width;
    const total = route.backends.reduce((sum, { weight }) => sum + weight, 0);
    const shared = route.backends.filter(({ units }) => units.length > 1);
    const lines = route.backends.flatMap(({ units, weight }) =>
      units.map((unit) => {
        const at = system.units.findIndex(({ name }) => name === unit);
        const share = total === 0 ? 0 : weight / total / units.length;
        const text = units.length > 1 ? undefined : String(weight);
        return backendLine(right, y, unitTop(at) + UNIT.height / 2, share, text);
      }),
    );
    return [
      edge(GATEWAY.x + GATEWAY.width, middle, ROUTE.x, y, 5),
      ...lines,
      card(ROUTE.x, y - 46, ROUTE.width, 92),
      label(ROUTE.x + ROUTE.width / 2, y - 18, `HTTPRoute ${route.name}`, "title", "middle"),
      label(ROUTE.x + ROUTE.width / 2, y + 4, split(route.backends), "soft", "middle"),
      label(
        ROUTE.x + ROUTE.width / 2,
        y + 24,
        shared.length > 0 ? `Service ${shared[0]?.service}` : (route.hosts[0] ?? "any host"),
        "soft",
        "middle",
      ),
    ];
  });
}

function split(backends: readonly SystemBackend[]): string {
  return backends.some(({ units }) => units.length > 1)
    ? "round robin over all pods"
    : `${backends.length} backends by weight`;
}

function backendLine(x: number, y: number, unitY: number, share: number, text?: string): string {
  const chipX = UNIT.x - 42;
  return [
    edge(x, y, UNIT.x, unitY, 1.5 + 14 * share),
    ...(text === undefined
      ? []
      : [
          `<rect class="chip" x="${chipX - 2}" y="${unitY - 11}" width="34" height="22" rx="11"/>`,
          label(chipX + 15, unitY + 4.5, text, "share", "middle"),
        ]),
  ].join("");
}

function unitCard(unit: SystemUnit, y: number): string {
  const { summary } = unit;
  const colour = unit.devices?.includes("neuron") ? "neuron" : "gpu";
  const x = UNIT.x + 20;
  const facts = [
    [unit.machines, unit.capacity].filter(Boolean).join(", "),
    unit.devices,
    unit.limit && `pool limit ${unit.limit.split(" ")[0]}`,
  ];
  const costs = summary && [
    `$${summary.pricePerHour.toFixed(4)} an hour`,
    `$${summary.costPerThousandImages.toFixed(4)} per 1000 images`,
  ];
  return [
    card(UNIT.x, y, UNIT.width, UNIT.height),
    `<rect class="${colour}" x="${UNIT.x}" y="${y + 10}" width="5" height="${UNIT.height - 20}" rx="2.5"/>`,
    label(x, y + 25, unit.name, "title"),
    ...replicaDots(unit, colour, y + 20),
    label(x, y + 48, facts.filter(Boolean).join(" · "), "soft"),
    label(x, y + 69, costs?.join(" · ") ?? "", "soft"),
  ].join("");
}

/** Filled: the minimum of replicas; hollow: up to the maximum, as far as there is room. */
function replicaDots({ minReplicas = 0, maxReplicas = 0 }: SystemUnit, colour: string, y: number) {
  const room = 8;
  const right = UNIT.x + UNIT.width - 18;
  const range = `${minReplicas}–${maxReplicas}`;
  if (maxReplicas > room) return [label(right + 4, y + 4, `${range} replicas`, "soft", "end")];
  return Array.from({ length: maxReplicas }, (_, index) => {
    const x = right - (maxReplicas - 1 - index) * 14;
    const hollow = index >= minReplicas ? "hollow " : "";
    return `<circle class="${hollow}${colour}" cx="${x}" cy="${y}" r="4.5"/>`;
  });
}

function legend(y: number): string[] {
  const x = UNIT.x + UNIT.width;
  return [
    `<circle class="ink" cx="${x - 178}" cy="${y - 4}" r="4.5"/>`,
    label(x - 168, y, "replicas at least,", "soft"),
    `<circle class="hollow ink" cx="${x - 52}" cy="${y - 4}" r="4.5"/>`,
    label(x - 42, y, "at most", "soft"),
  ];
}

function store(system: System, middle: number, unitTop: (index: number) => number): string[] {
  const { x, width } = STORE;
  const [top, bottom] = [middle - 44, middle + 36];
  const centre = x + width / 2;
  return [
    ...system.units.map((_, index) => {
      const y = unitTop(index) + UNIT.height / 2;
      const from = UNIT.x + UNIT.width;
      return `<path class="mount" d="M${from} ${y}C${from + 46} ${y} ${x - 46} ${middle} ${x} ${middle}"/>`;
    }),
    `<path class="card" d="M${x} ${top}v${bottom - top}a${width / 2} 14 0 0 0 ${width} 0v${top - bottom}"/>`,
    `<ellipse class="card" cx="${centre}" cy="${top}" rx="${width / 2}" ry="14"/>`,
    label(centre, middle - 6, "Models", "title", "middle"),
    label(centre, middle + 14, `S3 ${system.store?.prefix ?? ""}`, "soft", "middle"),
    label(centre, middle + 32, "read-only", "soft", "middle"),
  ];
}

function controllerChips({ controllers }: System, top: number) {
  const [left, gap, height] = [FRAME.x + 18, 12, 44];
  const parts: string[] = [];
  let x = left;
  let y = top;
  for (const { name, version } of controllers) {
    const title = `${name} ${version ?? ""}`.trim();
    const role = ROLES[name] ?? "";
    const width = Math.max(title.length * 7.1, role.length * 6.3) + 26;
    if (x + width > FRAME.right - 18) [x, y] = [left, y + height + 10];
    parts.push(
      card(x, y, width, height),
      label(x + 13, y + 19, title),
      label(x + 13, y + 35, role, "soft"),
    );
    x += width + gap;
  }
  return { parts, bottom: controllers.length > 0 ? y + height : top };
}

function edge(x1: number, y1: number, x2: number, y2: number, width: number): string {
  const bend = (x2 - x1) / 2;
  const path = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  return `<path class="traffic" stroke-width="${width.toFixed(1)}" d="${path}"/>`;
}

function card(x: number, y: number, width: number, height: number): string {
  return `<rect class="card" x="${x}" y="${y}" width="${width}" height="${height}" rx="10"/>`;
}

function label(x: number, y: number, text: string, style = "", anchor = "start"): string {
  const attributes = [
    style && ` class="${style}"`,
    anchor !== "start" && ` text-anchor="${anchor}"`,
  ];
  return `<text x="${x}" y="${y}"${attributes.filter(Boolean).join("")}>${escaped(text)}</text>`;
}
