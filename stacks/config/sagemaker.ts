import { z } from "zod";
import { arn, count, positive, shortName, timeZone } from "./scalars";
import { unitSchema } from "./units";

const seconds = (longest: number) => z.int().min(0).max(longest);

const share = z.int().min(1).max(100);

/** Which model runs, on what of it, in which container. */
const hosted = {
  model: shortName.describe("A model of `models`."),
  framework: unitSchema.shape.framework,
  container: z
    .string()
    .regex(
      /^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\/[a-z0-9._/-]+(:(?!latest$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})$/,
      "an image in ECR with a tag (not latest) or a digest: SageMaker takes no others",
    )
    .optional()
    .describe(
      "Image to run instead of the server's own, e.g. one that SageMaker caches; the artefact then has the server's code, too.",
    ),
  artefact: z
    .string()
    .regex(/^[0-9a-f]{16}$/, "the 16 hexadecimal digits of an import or of fleet model pack")
    .optional()
    .describe("Hash of what it loads; absent: what `models` says for the framework."),
  env: unitSchema.shape.env.describe(
    "More settings for the server. With a value set by `--secret --path`, all of them are secrets in Pulumi's state; in AWS, who may describe the model reads them.",
  ),
};

/** The machines. */
const machines = {
  accelerator: z.string().describe("An accelerator of the catalogue, e.g. g5."),
  instanceType: z
    .string()
    .regex(/^ml\.[a-z0-9]+\.[a-z0-9]+$/, "a type of SageMaker's, e.g. ml.g5.xlarge")
    .optional()
    .describe("A size of the accelerator; absent: the smallest that SageMaker has."),
  pricePerHour: positive
    .optional()
    .describe("US dollars per instance and hour; absent: the catalogue's price."),
  startupSeconds: z
    .int()
    .min(60)
    .max(3600)
    .default(1800)
    .describe("Seconds that the model may take to be there, and again the server to be healthy."),
};

function bounds(noun: string, least: number, most: number, zero = " 0: none while nobody asks.") {
  return z
    .strictObject({
      min: count.default(least).describe(`${noun} at least.${zero}`),
      max: z.int().min(1).max(1000).default(most).describe(`${noun} at most.`),
    })
    .prefault({})
    .describe("Bounds of the autoscaler.");
}

/** When Application Auto Scaling begins or ends something. */
const moment = z
  .string()
  .regex(
    /^(at\(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\)|cron\((\S+ ){5}\S+\))$/,
    "at(yyyy-mm-ddThh:mm:ss) or cron(minute hour day month weekday year), e.g. cron(0 8 ? * MON-FRI *)",
  );

const schedules = z
  .array(
    z.strictObject({
      start: moment.describe("When it begins."),
      end: moment.describe("When the usual bounds hold again."),
      timezone: timeZone.default("Etc/UTC").describe("An IANA time zone."),
      min: count.describe("At least so many, in between."),
      max: z.int().min(1).optional().describe("At most so many; absent: as usual."),
    }),
  )
  .max(20)
  .default([])
  .describe("Other bounds for planned events, e.g. a campaign.");

/**
 * The figures of seed 003: target 5, cooldowns 180 s.
 *
 * @param per what a request is counted against, as the metric's name has it
 */
function concurrencyScaling(per: "instance" | "copy") {
  return z
    .strictObject({
      policy: z
        .enum(["tracking", "hybrid", "step"])
        .default("tracking")
        .describe(
          "`tracking`: by requests in flight; `hybrid`: by those and by invocations, so that a crash, whose errors are quick, takes no capacity away; `step`: by steps above and below the target.",
        ),
      target: positive.default(5).describe(`Requests in flight per ${per}.`),
      scaleOutCooldownSeconds: seconds(3600).default(180).describe("Seconds after scaling out."),
      scaleInCooldownSeconds: seconds(3600).default(180).describe("Seconds after scaling in."),
      invocationsPerMinute: positive
        .optional()
        .describe(`With \`hybrid\`: invocations a minute per ${per} that it can take.`),
      schedules,
    })
    .prefault({})
    .describe("How it scales.");
}

const dataCapture = z
  .strictObject({
    percent: share.default(100).describe("Share of the requests that is kept."),
    days: z.int().min(1).max(3650).default(30).describe("Days that they are kept."),
  })
  .optional()
  .describe("Keep requests and answers in the endpoints' bucket; absent: none are.");

const deployment = z
  .strictObject({
    canaryPercent: z
      .int()
      .min(1)
      .max(50)
      .default(10)
      .describe("Share of the new fleet that gets traffic first."),
    waitSeconds: z
      .int()
      .min(0)
      .max(3600)
      .default(600)
      .describe("Seconds in which an alarm takes the new fleet back, before it gets all."),
    terminationWaitSeconds: z
      .int()
      .min(0)
      .max(3600)
      .default(300)
      .describe("Seconds that the old fleet stays afterwards."),
  })
  .prefault({})
  .describe("How a new version takes over: blue/green, a canary first.");

const asyncEndpointSchema = z.strictObject({
  ...hosted,
  framework: hosted.framework.default("neuron"),
  ...machines,
  accelerator: machines.accelerator.default("inf2"),
  instanceType: machines.instanceType.describe(
    "A size of the accelerator; absent: ml.inf2.48xlarge of inf2, of others the smallest that SageMaker has.",
  ),
  instances: bounds("Instances", 0, 4),
  concurrency: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe("Requests that an instance gets at once; absent: one per device."),
  inferenceSeconds: positive
    .default(10)
    .describe("Seconds that a request takes on one device, of which usage is computed."),
  scaling: z
    .strictObject({
      usageTarget: positive
        .max(10, "a share of what the instances can do, 0.75 for three quarters")
        .default(0.75)
        .describe("Requests per minute, as a share of what the instances can do."),
      scaleOutCooldownSeconds: seconds(3600).default(60).describe("Seconds after scaling out."),
      scaleInCooldownSeconds: seconds(3600).default(120).describe("Seconds after scaling in."),
      instancesFromZero: z
        .int()
        .min(1)
        .default(1)
        .describe("Instances that are started when requests wait and there are none."),
      backlogPerInstance: z
        .number()
        .min(0)
        .optional()
        .describe(
          "Requests, waiting and in work, per instance beyond which there are more instances, however few come in now; absent: twice `concurrency`; 0: only the usage rate counts.",
        ),
      schedules,
    })
    .prefault({})
    .describe("How it scales: by the usage rate and the backlog, and from zero on a backlog."),
  backlogAgeMinutes: z
    .int()
    .min(1)
    .max(1440)
    .default(30)
    .describe("Minutes that a request may wait until an alarm."),
  days: z.int().min(1).max(365).default(7).describe("Days that inputs and outputs are kept."),
  deployment,
});

const variantEndpointSchema = z.strictObject({
  ...hosted,
  ...machines,
  instances: bounds("Instances", 1, 4, " 1 or more."),
  scaling: concurrencyScaling("instance"),
  dataCapture,
  deployment,
});

const inferenceComponentSchema = z.strictObject({
  ...hosted,
  devices: z.int().min(1).default(1).describe("Devices per copy."),
  vcpus: z.number().min(0.25).optional().describe("vCPUs per copy; absent: its share."),
  memoryMiB: z
    .int()
    .min(128)
    .optional()
    .describe("Memory per copy, MiB; absent: its share of what SageMaker leaves."),
  copies: bounds("Copies", 1, 4),
  scaling: concurrencyScaling("copy"),
});

const componentEndpointSchema = z.strictObject({
  ...machines,
  instances: bounds("Instances", 1, 4).describe(
    "Bounds of the instances under the components, which SageMaker scales.",
  ),
  components: z
    .record(shortName, inferenceComponentSchema)
    .refine((components) => Object.keys(components).length > 0, "one component at least")
    .describe("The inference components, by name: a model and what it gets of an instance."),
  dataCapture,
});

export const sagemakerSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe("Serve by SageMaker's managed endpoints, beside the other paths or alone."),
    isolateContainers: z
      .boolean()
      .default(true)
      .describe("Containers have no network at all: SageMaker brings model, requests and answers."),
    vpcOnly: z
      .boolean()
      .default(false)
      .describe("Attach the instances to the VPC's private subnets, with S3 by its endpoint."),
    kmsKeyArn: arn
      .optional()
      .describe(
        "KMS key for volumes, outputs and captured data; absent: AWS's own. Types with local disks take none for their volumes.",
      ),
    asyncEndpoints: z
      .record(shortName, asyncEndpointSchema)
      .default({})
      .describe(
        "Asynchronous endpoints, by name: requests and answers in S3, from zero instances.",
      ),
    variantEndpoints: z
      .record(shortName, variantEndpointSchema)
      .default({})
      .describe("Realtime endpoints of one model, by name: instances scale with its requests."),
    componentEndpoints: z
      .record(shortName, componentEndpointSchema)
      .default({})
      .describe(
        "Realtime endpoints of several models, by name: copies of each scale by themselves, and may go to zero.",
      ),
  })
  .prefault({})
  .describe("Managed endpoints of SageMaker.");

export type SagemakerConfig = z.infer<typeof sagemakerSchema>;
export type AsyncEndpointConfig = z.infer<typeof asyncEndpointSchema>;
export type VariantEndpointConfig = z.infer<typeof variantEndpointSchema>;
export type ComponentEndpointConfig = z.infer<typeof componentEndpointSchema>;
export type InferenceComponentConfig = z.infer<typeof inferenceComponentSchema>;
export type ConcurrencyScalingConfig = VariantEndpointConfig["scaling"];
