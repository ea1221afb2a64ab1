import { z } from "zod";
import { asyncSchema } from "./async";
import { clusterSchema } from "./cluster";
import { failoverSchema } from "./failover";
import { gatewaySchema } from "./gateway";
import { imagesSchema } from "./images";
import { modelStoreSchema, modelsSchema, routingMode } from "./models";
import { networkSchema } from "./network";
import { nodesSchema } from "./nodes";
import { observabilitySchema } from "./observability";
import { sagemakerSchema } from "./sagemaker";
import { dnsLabel } from "./scalars";
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
  namespace: dnsLabel
    .refine(
      (name) => !/^(default|kube-.*|keda|amazon-cloudwatch|mount-s3)$/.test(name),
      "a namespace of the units' own, not one that others use: it is locked down, and destroyed with the stack",
    )
    .default("diffusion-fleet")
    .describe("Kubernetes namespace of the units."),
  protectData: z
    .boolean()
    .default(false)
    .describe("Refuse to delete or replace what holds data: buckets, repositories, keys."),
  tags: z
    .record(
      z
        .string()
        .regex(/^[A-Za-z0-9_.:/=+@ -]{1,128}$/, "1 to 128 letters, digits, spaces and _.:/=+-@")
        .refine(
          (key) => !/^(aws:|kubernetes\.io\/|karpenter\.|eks:)/i.test(key),
          "a key that AWS, Kubernetes and Karpenter have not taken",
        ),
      z
        .string()
        .regex(/^[A-Za-z0-9_.:/=+@ -]{0,256}$/, "up to 256 letters, digits, spaces and _.:/=+-@"),
    )
    .refine((tags) => Object.keys(tags).length <= 40, "40 tags at most")
    .default({})
    .describe(
      "More tags for every AWS resource, beside `diffusion-fleet:stack` and `project`. A change replaces all nodes, one after the other.",
    ),
  network: networkSchema,
  cluster: clusterSchema,
  nodes: nodesSchema,
  images: imagesSchema,
  modelStore: modelStoreSchema,
  models: modelsSchema,
  units: unitsSchema,
  gateway: gatewaySchema,
  scaling: scalingSchema,
  failover: failoverSchema,
  async: asyncSchema,
  sagemaker: sagemakerSchema,
  observability: observabilitySchema,
});

export type FleetConfig = z.infer<typeof configSchema>;
export type UnitConfig = FleetConfig["units"][string];
export type ModelConfig = FleetConfig["models"][string];
export type RoutingMode = FleetConfig["mode"];
