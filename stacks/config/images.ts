import { z } from "zod";
import { imageDigest, imageTag } from "./scalars";

export const imagesSchema = z
  .strictObject({
    cache: z
      .enum(["snapshot", "soci", "none"])
      .default("soci")
      .describe(
        "How nodes get their images fast: a data volume from a snapshot, SOCI's parallel pull and unpack, or not.",
      ),
    snapshot: z
      .strictObject({
        id: z
          .string()
          .regex(/^snap-[0-9a-f]{8,17}$/, "a snapshot id, snap-…")
          .optional()
          .describe(
            "The snapshot that nodes start from. Taking a new one replaces nodes; absent: SOCI until one is published.",
          ),
        schedule: z
          .string()
          .regex(
            /^(rate\(\d+ (minute|hour|day)s?\)|cron\((\S+ ){5}\S+\))$/,
            "a schedule expression, e.g. rate(7 days) or cron(0 3 ? * SUN *)",
          )
          .default("cron(0 3 ? * SUN *)")
          .describe("When a new snapshot is made (EventBridge Scheduler, UTC)."),
        onPush: z.boolean().default(true).describe("Make one when an image is pushed, too."),
        keep: z
          .int()
          .min(1)
          .max(50)
          .default(3)
          .describe("Snapshots that are kept, besides the one in use."),
        builderInstanceType: z
          .string()
          .default("m7i.large")
          .describe("Machine that pulls the images (x86-64)."),
        initializationRateMiBps: z
          .int()
          .min(100)
          .max(300)
          .default(300)
          .describe(
            "Rate at which EBS loads the volume from the snapshot, MiB/s (billed by the GiB).",
          ),
      })
      .prefault({})
      .describe("With `cache: snapshot`."),
    server: z
      .strictObject({
        source: z
          .enum(["external", "local", "codebuild"])
          .default("external")
          .describe(
            "`external`: images that the user pushed; `local`: built by `pulumi up` with Docker; `codebuild`: built by AWS CodeBuild, which `pulumi up` starts and waits for.",
          ),
        context: z
          .string()
          .default("apps/inference-server")
          .describe("With `local` and `codebuild`: folder with one Dockerfile.FRAMEWORK each."),
        codebuild: z
          .strictObject({
            computeType: z
              .enum([
                "BUILD_GENERAL1_MEDIUM",
                "BUILD_GENERAL1_LARGE",
                "BUILD_GENERAL1_XLARGE",
                "BUILD_GENERAL1_2XLARGE",
              ])
              .default("BUILD_GENERAL1_LARGE")
              .describe(
                "Machine: MEDIUM has 4 vCPUs, 7 GB of memory and 128 GB of disk, LARGE 8, 15 and 128, XLARGE 36, 70 and 256, 2XLARGE 72, 145 and 824.",
              ),
            timeoutMinutes: z
              .int()
              .min(5)
              .max(480)
              .default(120)
              .describe("Minutes after which CodeBuild stops a build."),
          })
          .prefault({})
          .describe("With `codebuild`: what builds."),
        repository: z
          .string()
          .optional()
          .describe(
            "With `external`: repository without tag; the framework's name is appended after a '-'. Absent: the program's own ECR repositories.",
          ),
        tag: imageTag.default("0.1.0").describe("With `external`: tag of every framework's image."),
        digests: z
          .partialRecord(z.enum(["neuron", "cuda", "triton"]), imageDigest)
          .default({})
          .describe("With `external`: digest by framework; wins over the tag."),
      })
      .prefault({})
      .describe("The inference server's images, one per framework."),
    keepUntaggedDays: z
      .int()
      .min(1)
      .default(7)
      .describe("Days that untagged images are kept in ECR."),
    keepTagged: z
      .int()
      .min(5)
      .default(50)
      .describe("Tagged images that are kept in ECR, per repository."),
  })
  .prefault({})
  .describe("Container images.");
