import type { ClusterObjects } from "../../../cli/routes/clusterObjects";
import {
  failoverSettingsSchema,
  type ModelStatus,
  PIN_ANNOTATION,
  PIN_REASON_ANNOTATION,
  type UnitStatus,
} from "../../../contracts/failover";
import type { ModelRouteTable, RoutingMode } from "../../../contracts/routeTable";
import { routeRules } from "../../../stacks/routeRules";
import { unitTriggers } from "../../../stacks/unitTriggers";

/** What a cluster with one model and two units answers, and a status as the controller writes it. */

export const now = Date.parse("2026-11-15T03:20:00Z");

/** Seconds before now, ISO 8601. */
export function before(seconds: number): string {
  return new Date(now - seconds * 1000).toISOString();
}

const units = ["sd21-inf2-neuron", "sd21-g5-triton"] as const;
const weights = { "sd21-inf2-neuron": 40, "sd21-g5-triton": 15 };
const targets = {
  cost: { "sd21-inf2-neuron": 105, "sd21-g5-triton": 90 },
  capacity: { "sd21-inf2-neuron": 97.5, "sd21-g5-triton": 90 },
};

const backends = {
  cost: units.map((service) => ({ service, weight: weights[service] })),
  capacity: [{ service: "sd21", weight: 1 }],
};

function modeTable(mode: RoutingMode) {
  const other = mode === "cost" ? "capacity" : "cost";
  return {
    backends: backends[mode],
    counterTargets: targets[mode],
    rules: routeRules("/sd21", backends[mode], backends[other], undefined),
    triggers: Object.fromEntries(
      units.map((unit) => [
        unit,
        unitTriggers({
          unit,
          stack: "prod",
          region: "us-west-2",
          counterTarget: targets[mode][unit],
          inFlightTarget: 1,
          authenticationName: "keda",
        }),
      ]),
    ),
  };
}

export const table: ModelRouteTable = {
  model: "sd21",
  configuredMode: "cost",
  units: Object.fromEntries(
    units.map((unit) => [
      unit,
      {
        nodePool: `prod-${unit}`,
        device: "any/device",
        machinePricePerHour: 1,
        probe: `${unit}-probe`,
      },
    ]),
  ),
  modes: { cost: modeTable("cost"), capacity: modeTable("capacity") },
};

export const well: UnitStatus = {
  state: "well",
  since: before(86_400),
  ready: 2,
  desired: 2,
  pending: 0,
  probe: "off",
  affected: false,
};

export const soldOut: UnitStatus = {
  ...well,
  state: "short",
  since: before(718),
  ready: 2,
  desired: 5,
  pending: 3,
  pendingSince: before(722),
  evidence: {
    cause: "capacity",
    source: "NodeClaim diffusion-fleet-prod-sd21-inf2-neuron-x7k2p",
    message:
      "NodeClaim diffusion-fleet-prod-sd21-inf2-neuron-x7k2p event: creating instance, insufficient " +
      "capacity, with fleet error(s), InsufficientInstanceCapacity: We currently do not have sufficient " +
      "inf2.xlarge capacity in the Availability Zone you requested",
    firstSeen: before(720),
    lastSeen: before(4),
  },
  wanted: 5,
  probe: "waiting",
  affected: true,
};

export const asConfigured: ModelStatus = {
  model: "sd21",
  mode: "cost",
  configuredMode: "cost",
  reason: "as configured",
  since: before(86_400),
  weights,
  units: { "sd21-inf2-neuron": well, "sd21-g5-triton": well },
  switches: [],
};

export const failedOver: ModelStatus = {
  ...asConfigured,
  mode: "capacity",
  failedOverSince: before(718),
  reason:
    "sd21-inf2-neuron is short of machines (capacity, NodeClaim diffusion-fleet-prod-sd21-inf2-neuron-x7k2p)",
  since: before(718),
  weights: { sd21: 1 },
  units: { "sd21-inf2-neuron": soldOut, "sd21-g5-triton": well },
  switches: [before(718)],
};

export interface Seen {
  /** What the live route and the live targets are. Default: cost. */
  readonly mode?: RoutingMode;
  readonly pin?: string;
  readonly reason?: string;
  /** Default: as configured; null: there is none. */
  readonly status?: unknown;
  /** Seconds since the leader was last heard of; null: never. Default: 1. */
  readonly heardSeconds?: number | null;
  /** Ready replicas by unit. Default: 2. */
  readonly ready?: Readonly<Record<string, number>>;
  /** Whether there is anything of fail-over. Default: true. */
  readonly failover?: boolean;
}

export function seen(given: Seen = {}): ClusterObjects {
  const { mode = "cost", status = asConfigured, heardSeconds = 1, failover = true } = given;
  return {
    at: now,
    routes: [route(mode, given)],
    scaledObjects: units.map((name) => ({
      metadata: { name },
      spec: { triggers: table.modes[mode].triggers[name] },
    })),
    deployments: units.map((name) => ({
      metadata: { name },
      spec: { replicas: 2 },
      status: { readyReplicas: given.ready?.[name] ?? 2 },
    })),
    routeTables: { data: { "sd21.json": JSON.stringify(table) } },
    settings: failover
      ? { data: { "settings.json": JSON.stringify(failoverSettingsSchema.parse({})) } }
      : undefined,
    status: failover
      ? { data: status === null ? {} : { "sd21.json": JSON.stringify(status) } }
      : undefined,
    lease: failover ? lease(heardSeconds) : undefined,
  };
}

function route(mode: RoutingMode, { pin, reason }: Seen) {
  const annotations = {
    ...(pin === undefined ? {} : { [PIN_ANNOTATION]: pin }),
    ...(reason === undefined ? {} : { [PIN_REASON_ANNOTATION]: reason }),
  };
  return {
    metadata: { name: "sd21", generation: 4, annotations },
    spec: { rules: table.modes[mode].rules },
    status: {
      parents: [{ conditions: [{ type: "Accepted", status: "True", observedGeneration: 4 }] }],
    },
  };
}

function lease(heardSeconds: number | null) {
  if (heardSeconds === null) return { metadata: { name: "failover-controller" } };
  const renewTime = before(heardSeconds).replace("Z", "000Z");
  return {
    metadata: { name: "failover-controller" },
    spec: {
      holderIdentity: "failover-controller-7d9c6-abcde",
      leaseDurationSeconds: 15,
      renewTime,
    },
  };
}
