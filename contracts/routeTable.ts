/**
 * The route table: what Pulumi writes to a ConfigMap and what the HTTPRoutes, the fail-over
 * controller and `fleet routes` read. One table per model.
 */

import * as z from "zod";
import { type RoutingMode, routingModes } from "../fleet/targets";

export type { RoutingMode };

/** A Service that a route sends traffic to. */
export interface Backend {
  /** Name of the Service, in the units' namespace. In cost mode it is the unit's own name. */
  readonly service: string;
  /** Share of the traffic, 0..999. */
  readonly weight: number;
}

/** A rule of an HTTPRoute, as the Gateway API has it. */
export interface RouteRule {
  readonly matches: readonly {
    readonly path?: { readonly type: string; readonly value: string };
    readonly headers?: readonly {
      readonly type: string;
      readonly name: string;
      readonly value: string;
    }[];
  }[];
  readonly filters?: readonly unknown[];
  readonly backendRefs: readonly BackendRef[];
}

export interface BackendRef {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly port: number;
  readonly weight: number;
}

/** A trigger of a ScaledObject, as KEDA has it. */
export type Trigger = Readonly<Record<string, unknown>>;

/**
 * What one mode means for a model. `rules` and `triggers` are written to the objects as they stand
 * here, so that whoever writes them, in whatever version, writes the same.
 */
export interface ModeTable {
  readonly backends: readonly Backend[];
  /** Counter target by unit, images per minute per replica. */
  readonly counterTargets: Readonly<Record<string, number>>;
  /** `spec.rules` of the model's HTTPRoute: the one that carries traffic, then the standby. */
  readonly rules: readonly RouteRule[];
  /** `spec.triggers` of each unit's ScaledObject, by unit. */
  readonly triggers: Readonly<Record<string, readonly Trigger[]>>;
}

/** What else is to be known of a unit while it is in a shortage. */
export interface RoutedUnit {
  readonly nodePool: string;
  /** The device that its pods request, e.g. `aws.amazon.com/neuron`. */
  readonly device: string;
  /** US dollars an hour for the machine that a capacity probe holds. */
  readonly machinePricePerHour: number;
  /** Deployment of the unit's capacity probe; absent: there is none. */
  readonly probe?: string;
  /**
   * How many kinds of capacity (reserved, spot, on-demand) may be launched: Karpenter asks for one
   * after the other, so one refusal of several is no shortage yet. Absent: one.
   */
  readonly capacityTypes?: number;
  /** How long a machine stays when nothing is on it, seconds; absent: it is not known. */
  readonly emptyMachineSeconds?: number;
}

/** Both tables of a model, and the mode that the config asks for. */
export interface ModelRouteTable {
  readonly model: string;
  readonly configuredMode: RoutingMode;
  readonly units: Readonly<Record<string, RoutedUnit>>;
  readonly modes: Readonly<Record<RoutingMode, ModeTable>>;
}

/** Port of every Service of a unit or model. */
export const SERVICE_PORT = 80;

/** Name of the ConfigMap with the tables; each model has a key `MODEL.json`. */
export const ROUTE_TABLES_CONFIG_MAP = "route-tables";

/**
 * The header of a route's second rule. The rule carries no traffic of users: it keeps the other
 * mode's target groups registered and healthy, so that a switch need not wait for them.
 */
export const STANDBY_HEADER = { name: "x-diffusion-fleet-route", value: "standby" } as const;

export function otherMode(mode: RoutingMode): RoutingMode {
  return mode === "cost" ? "capacity" : "cost";
}

/** Whether a rule is the one that carries traffic: it matches no header. */
export function carriesTraffic({ matches }: Pick<RouteRule, "matches">): boolean {
  return matches.every(({ headers = [] }) => headers.length === 0);
}

const ruleSchema = z.looseObject({
  matches: z.array(
    z.looseObject({
      path: z.looseObject({ type: z.string(), value: z.string() }).optional(),
      headers: z
        .array(z.looseObject({ type: z.string(), name: z.string(), value: z.string() }))
        .optional(),
    }),
  ),
  filters: z.array(z.unknown()).optional(),
  backendRefs: z
    .array(
      z.looseObject({
        group: z.string(),
        kind: z.string(),
        name: z.string(),
        port: z.number(),
        weight: z.number(),
      }),
    )
    .min(1),
});

const modeTableSchema = z.looseObject({
  backends: z
    .array(z.looseObject({ service: z.string().min(1), weight: z.int().min(0).max(999) }))
    .min(1),
  counterTargets: z.record(z.string(), z.number()),
  rules: z.array(ruleSchema).min(1),
  triggers: z.record(z.string(), z.array(z.record(z.string(), z.unknown())).min(1)),
});

/** What a reader may rely on; fields that it does not know are kept, for newer writers. */
export const modelRouteTableSchema = z.looseObject({
  model: z.string().min(1),
  configuredMode: z.enum(routingModes),
  units: z.record(
    z.string(),
    z.looseObject({
      nodePool: z.string().min(1),
      device: z.string().min(1),
      machinePricePerHour: z.number(),
      probe: z.string().optional(),
      capacityTypes: z.int().min(1).optional(),
      emptyMachineSeconds: z.number().min(0).optional(),
    }),
  ),
  modes: z.looseObject({ cost: modeTableSchema, capacity: modeTableSchema }),
}) as unknown as z.ZodType<ModelRouteTable>;
