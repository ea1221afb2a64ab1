/**
 * The route table: what Pulumi writes to a ConfigMap and what the fail-over controller, `fleet
 * routes` and the HTTPRoutes read. One table per model.
 */

import type { RoutingMode } from "../fleet/targets";

export type { RoutingMode };

/** A Service that a route sends traffic to. */
export interface Backend {
  /** Name of the Service, in the units' namespace. */
  readonly service: string;
  /** Share of the traffic, 0..999. */
  readonly weight: number;
}

/** What one mode means for a model. */
export interface ModeTable {
  readonly backends: readonly Backend[];
  /** Counter target by unit, images per minute per replica. */
  readonly counterTargets: Readonly<Record<string, number>>;
}

/** Both tables of a model, and the mode that the config asks for. */
export interface ModelRouteTable {
  readonly model: string;
  readonly configuredMode: RoutingMode;
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
