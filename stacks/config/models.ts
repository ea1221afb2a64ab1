import { z } from "zod";
import { routingModes } from "../../fleet/targets";
import { arn, hostname, pathPrefix, shortName } from "./scalars";

export const routingMode = z.enum(routingModes);

export const modelSchema = z.strictObject({
  mode: routingMode.optional().describe("Routing mode of this model; absent: the stack's `mode`."),
  hostnames: z
    .array(hostname)
    .max(16)
    .default([])
    .describe("Host names that lead to the model; empty: any."),
  pathPrefix: pathPrefix.default("/").describe("Path that leads to the model."),
  artefacts: z
    .partialRecord(
      z.enum(["neuron", "cuda", "triton"]),
      z.string().regex(/^[0-9a-f]{8,64}$/, "an artefact hash, 8 to 64 hexadecimal digits"),
    )
    .default({})
    .describe(
      "Hash of the imported artefact, by framework: the last part of its prefix in the bucket.",
    ),
});

export const modelsSchema = z
  .record(shortName, modelSchema)
  .refine((models) => Object.keys(models).length > 0, "one model at least")
  .default({ sd21: { hostnames: [], pathPrefix: "/", artefacts: {} } })
  .describe("The models, by name.");

export const modelStoreSchema = z
  .strictObject({
    existingBucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "a bucket name")
      .optional()
      .describe("Bucket to use instead of making one."),
    kmsKeyArn: arn
      .optional()
      .describe("KMS key that the existing bucket is encrypted with, so that nodes may decrypt."),
    prefix: z
      .string()
      .regex(/^([A-Za-z0-9_-]+\/)+$/, "a prefix that ends with /")
      .default("models/")
      .describe("Prefix that holds `MODEL/FRAMEWORK/HASH/`; pods see nothing else."),
    noncurrentDays: z.int().min(1).default(30).describe("Days that overwritten objects are kept."),
  })
  .prefault({})
  .describe("Where the models' artefacts are kept.");
