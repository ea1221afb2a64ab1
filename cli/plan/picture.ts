import { endpointPicture, reads } from "./endpointPicture";
import type { Plan } from "./makePlan";
import { escaped } from "./markup";
import { PODS, podsCard, podsHeight } from "./podsCard";
import { card, edge, label, mount, stationCard, store } from "./shapes";
import { type System, type SystemBackend, type SystemUnit, systemOf } from "./system";
import { taskPicture } from "./taskPicture";

const WIDTH = 1240;
const ROUTE = { x: 390, width: 176 };
const GATEWAY = { x: 176, width: 172 };
const STORE = { x: 1082, width: 142 };
const CLIENTS = { x: 58 };
const TOP = 64;
const FRAME = { x: 158, right: 1042, top: 14 };
/** Where the frame goes on below, around what of the asynchronous path is in it. */
const FOOT = { x: 634 };

/** What each controller is there for, by chart. */
const ROLES: Readonly<Record<string, string>> = {
  karpenter: "launches machines",
  "karpenter-crd": "Karpenter's CRDs",
  keda: "scales the pods",
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

/** The same as part of a page: what is on the cluster, then what SageMaker runs. */
export function picture(plan: Plan): string {
  const system = systemOf(plan.document.resources, plan.summary);
  const hasCluster = system.units.length + (system.tasks?.runtimes.length ?? 0) > 0;
  const cluster = hasCluster ? clusterPicture(plan, system) : { parts: [], bottom: 0 };
  const managed = managedPicture(plan, cluster.bottom);
  return drawing(plan, managed.bottom, [...cluster.parts, ...managed.parts]);
}

interface Part {
  readonly parts: readonly string[];
  readonly bottom: number;
}

function drawing({ document, summary }: Plan, bottom: number, parts: readonly string[]): string {
  const mode = summary.units.length === 0 ? [] : [`${summary.mode} mode`];
  const title = [document.project, `stack ${document.stack}`, ...mode].join(", ");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 16}" class="picture" ` +
      `role="img" aria-label="${escaped(title)}">`,
    `<style>${STYLE}</style>`,
    ...parts,
    "</svg>",
  ].join("\n");
}

function managedPicture({ document, summary }: Plan, top: number): Part {
  const { endpoints, region } = summary;
  if (endpoints.length === 0) return { parts: [], bottom: top };
  const hasTaskApi = document.resources.some(
    ({ type }) => type === "aws:apigateway/restApi:RestApi",
  );
  const frameTop = top + (top === 0 ? 14 : 18);
  const drawn = endpointPicture(endpoints, hasTaskApi, frameTop);
  const frameBottom = drawn.bottom + 24;
  const { x, right } = FRAME;
  return {
    bottom: frameBottom,
    parts: [
      `<rect class="frame" x="${x}" y="${frameTop}" width="${right - x}" height="${frameBottom - frameTop}" rx="14"/>`,
      label(x + 18, frameTop + 24, `SageMaker · ${document.stack} · ${region}`, "soft"),
      ...legend(frameTop + 24, "instances or copies"),
      clients(drawn.middle, drawn.ways),
      ...drawn.parts,
      ...reads(drawn, STORE),
      store(STORE, drawn.middle, ["Models", "S3", "read-only"]),
    ],
  };
}

function clusterPicture({ document, summary }: Plan, system: System): Part {
  const unitsHeight = podsHeight(Math.max(1, system.units.length));
  const bottom = TOP + Math.max(unitsHeight, 220) + 24;
  const chips = controllerChips(system, bottom + 34);
  const frameBottom = chips.bottom + 18;
  const middle = TOP + Math.max(unitsHeight, 220) / 2;
  const unitTop = (index: number) => middle - unitsHeight / 2 + index * (PODS.height + PODS.gap);
  const clientsEnd = { x: CLIENTS.x, bottom: middle + 54 };
  const tasks = system.tasks && taskPicture(system.tasks, frameBottom, clientsEnd, STORE);
  const footBottom = tasks && tasks.bottom + 18;
  const parts = [
    `<path class="frame" d="${frame(frameBottom, footBottom)}"/>`,
    label(FRAME.x + 18, 38, `VPC and EKS cluster · ${document.stack} · ${summary.region}`, "soft"),
    label(PODS.x, 38, "deployment units", "soft"),
    ...legend(38),
    clients(middle, [middle]),
    gateway(system, middle),
    ...routes(system, middle, unitTop),
    ...system.units.map((unit, index) => podsCard(unit, unitTop(index), costs(unit))),
    ...(tasks?.parts ?? []),
    ...(system.store
      ? [
          ...system.units.map((_, index) => unitTop(index) + PODS.height / 2),
          ...(tasks?.runtimeMiddles ?? []).filter(
            (_, index) => system.tasks?.runtimes[index]?.readsModels,
          ),
        ].map((y) => mount(PODS.x + PODS.width, y, STORE.x, middle))
      : []),
    ...(system.store
      ? [store(STORE, middle, ["Models", `S3 ${system.store.prefix ?? ""}`, "read-only"])]
      : []),
    label(FRAME.x + 18, bottom + 20, "Helm releases in the cluster", "soft"),
    ...chips.parts,
  ];
  return { parts, bottom: footBottom ?? frameBottom };
}

/** The outline of VPC and cluster, clockwise. */
function frame(bottom: number, footBottom: number | undefined): string {
  const { x, right, top } = FRAME;
  const radius = 14;
  const corner = (dx: number, dy: number, sweep = 1) =>
    `a${radius} ${radius} 0 0 ${sweep} ${dx * radius} ${dy * radius}`;
  const foot =
    footBottom === undefined
      ? `V${bottom - radius}${corner(-1, 1)}`
      : `V${footBottom - radius}${corner(-1, 1)}H${FOOT.x + radius}${corner(-1, -1)}` +
        `V${bottom + radius}${corner(-1, -1, 0)}`;
  return (
    `M${x + radius} ${top}H${right - radius}${corner(1, 1)}${foot}` +
    `H${x + radius}${corner(-1, -1)}V${top + radius}${corner(1, -1)}z`
  );
}

/** @param ways middles of what they go to */
function clients(y: number, ways: readonly number[]): string {
  const { x } = CLIENTS;
  return [
    `<circle class="card" cx="${x}" cy="${y - 16}" r="13"/>`,
    `<path class="card" d="M${x - 24} ${y + 24}a24 20 0 0 1 48 0z"/>`,
    label(x, y + 44, "clients", "soft", "middle"),
    ...ways.map((way) => edge(x + 34, y, GATEWAY.x, way, 5)),
  ].join("");
}

function gateway({ gateway }: System, y: number): string {
  if (gateway === undefined) return "";
  return stationCard(GATEWAY, y, [
    "Gateway",
    "Application Load Balancer",
    [gateway.scheme, gateway.listeners].filter(Boolean).join(" · "),
  ]);
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
        return backendLine(right, y, unitTop(at) + PODS.height / 2, share, text);
      }),
    );
    return [
      edge(GATEWAY.x + GATEWAY.width, middle, ROUTE.x, y, 5),
      ...lines,
      stationCard(ROUTE, y, [
        `HTTPRoute ${route.name}`,
        split(route.backends),
        shared.length > 0 ? `Service ${shared[0]?.service}` : (route.hosts[0] ?? "any host"),
      ]),
    ];
  });
}

function split(backends: readonly SystemBackend[]): string {
  return backends.some(({ units }) => units.length > 1)
    ? "round robin over all pods"
    : `${backends.length} backends by weight`;
}

function backendLine(x: number, y: number, unitY: number, share: number, text?: string): string {
  const chipX = PODS.x - 42;
  return [
    edge(x, y, PODS.x, unitY, 1.5 + 14 * share),
    ...(text === undefined
      ? []
      : [
          `<rect class="chip" x="${chipX - 2}" y="${unitY - 11}" width="34" height="22" rx="11"/>`,
          label(chipX + 15, unitY + 4.5, text, "share", "middle"),
        ]),
  ].join("");
}

function costs({ summary }: SystemUnit): readonly string[] {
  if (summary === undefined) return [];
  return [
    `$${summary.pricePerHour.toFixed(4)} an hour`,
    `$${summary.costPerThousandImages.toFixed(4)} per 1000 images`,
  ];
}

function legend(y: number, noun = "replicas"): string[] {
  const x = PODS.x + PODS.width;
  const words = `${noun} at least,`;
  const start = x - 64 - 6 * words.length;
  return [
    `<circle class="ink" cx="${start - 6}" cy="${y - 4}" r="4.5"/>`,
    label(start + 4, y, words, "soft"),
    `<circle class="hollow ink" cx="${x - 52}" cy="${y - 4}" r="4.5"/>`,
    label(x - 42, y, "at most", "soft"),
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
