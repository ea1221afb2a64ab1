import { z } from "zod";
import { clusterSchema } from "./cluster";
import { gatewaySchema } from "./gateway";
import { imagesSchema } from "./images";
import { modelStoreSchema, modelsSchema, routingMode } from "./models";
import { networkSchema } from "./network";
import { nodesSchema } from "./nodes";
import { observabilitySchema } from "./observability";
import { scalingSchema } from "./scaling";
import { unitsSchema } from "./units";

/**
 * The config of one environment: every key under `diffusion-fleet:`. This schema is the source of
 * the types, the defaults, docs/configuration.md and docs/config.schema.json.
 */
export const configSchema = z.strictObject({
  mode: routingMode
    .default("cost")
    .describe(
      "`cost`: traffic split over the units by weight; `capacity`: one Service over all units.",
    ),
  namespace: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "a DNS label")
    .default("diffusion-fleet")
    .describe("Kubernetes namespace of the units."),
  protectData: z
    .boolean()
    .default(false)
    .describe("Refuse to delete or replace what holds data: buckets, repositories, keys."),
  tags: z
    .record(z.string(), z.string())
    .default({})
    .describe("More tags for every AWS resource, beside `diffusion-fleet:stack` and `project`."),
  network: networkSchema,
  cluster: clusterSchema,
  nodes: nodesSchema,
  images: imagesSchema,
  modelStore: modelStoreSchema,
  models: modelsSchema,
  units: unitsSchema,
  gateway: gatewaySchema,
  scaling: scalingSchema,
  observability: observabilitySchema,
});

export type FleetConfig = z.infer<typeof configSchema>;
export type UnitConfig = FleetConfig["units"][string];
export type ModelConfig = FleetConfig["models"][string];
export type RoutingMode = FleetConfig["mode"];
