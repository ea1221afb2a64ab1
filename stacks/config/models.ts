import { z } from "zod";
import { compilers } from "../../contracts/compiledArtefact";
import { routingModes } from "../../fleet/targets";
import { arn, hostname, pathPrefix, shortName } from "./scalars";

export const routingMode = z.enum(routingModes);

/** Stable Diffusion's latents are an eighth of the image. */
const imageSize = z
  .string()
  .regex(/^[1-9]\d{1,3}x[1-9]\d{1,3}$/, "WIDTHxHEIGHT in pixels, e.g. 512x512")
  .refine(
    (size) => size.split("x").every((side) => Number(side) % 8 === 0),
    "a width and a height that are multiples of 8",
  );

const compileSchema = z.strictObject({
  sizes: z
    .array(imageSize)
    .min(1)
    .max(8)
    .default(["512x512"])
    .describe("Sizes of images; no others can be asked for."),
  batch: z.int().min(1).max(64).default(1).describe("Images in one call."),
  edits: z.boolean().default(false).describe("Whether images are made from images, too."),
  compiler: z
    .string()
    .regex(/^\d+(\.\d+)+$/, "a version, e.g. 2.8.0")
    .optional()
    .describe(
      "Version of neuronx-cc or torch in an image that is not built from our Dockerfile; absent: " +
        `${compilers.neuron} for neuron, ${compilers.triton} for triton.`,
    ),
});

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
  compile: z
    .partialRecord(z.enum(["neuron", "triton"]), compileSchema)
    .default({})
    .describe(
      "What is compiled, by framework, where `artefacts` names nothing of it: a Job on a machine " +
        "of its own makes it of the import that `artefacts.cuda` names, and units start when it is there.",
    ),
  safetyChecker: z
    .boolean()
    .default(false)
    .describe(
      "Whether the model's own safety checker looks at each image and blackens what it objects to; " +
        "a model without one does not start then.",
    ),
});

export const modelsSchema = z
  .record(shortName, modelSchema)
  .refine((models) => Object.keys(models).length > 0, "one model at least")
  .default({
    sd21: { hostnames: [], pathPrefix: "/", artefacts: {}, compile: {}, safetyChecker: false },
  })
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
