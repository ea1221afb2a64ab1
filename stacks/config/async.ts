import { z } from "zod";
import { adapters } from "../../contracts/tasks/runtimes";
import { inputCopies, largestInputMiB } from "../../fleet/agentResources";
import {
  arn,
  cidr,
  count,
  email,
  hostname,
  imageDigest,
  imageTag,
  positive,
  shortName,
  timeZone,
} from "./scalars";
import { unitSchema } from "./units";

/** The version of the agent in this checkout. */
export const AGENT_TAG = "0.1.0";

const machine = unitSchema.shape;

/** A five-field cron expression, as KEDA takes it. */
const cron = z
  .string()
  .regex(
    /^([\dA-Za-z*?/,-]+ ){4}[\dA-Za-z*?/,-]+$/,
    "a cron expression of five fields, e.g. 0 8 * * 1-5",
  );

/**
 * A task that is prepared waits for the one before it, and SQS lets nobody hold a message for more
 * than twelve hours (fleet/queueing.ts).
 */
const longestTaskHours = 5;

export const runtimeSchema = z.strictObject({
  adapter: z
    .enum(adapters)
    .default("fleet")
    .describe(
      "What the runtime speaks: `fleet`, our inference server; `webui`, Stable Diffusion WebUI; `comfyui`, ComfyUI.",
    ),
  model: shortName
    .optional()
    .describe("A model of `models`, whose artefact is mounted; wanted by `fleet`."),
  accelerator: machine.accelerator,
  framework: machine.framework,
  instanceTypes: machine.instanceTypes,
  capacityTypes: machine.capacityTypes
    .unwrap()
    .default(["spot", "on-demand"])
    .describe("What Karpenter may launch; it prefers reserved, then spot."),
  capacityReservationIds: machine.capacityReservationIds,
  nodeImage: machine.nodeImage,
  devices: machine.devices,
  pricePerHour: machine.pricePerHour,
  image: z
    .strictObject({
      repository: z.string().min(1).describe("Repository without tag."),
      tag: imageTag.optional().describe("The image's tag."),
      digest: imageDigest.optional().describe("Its digest; wins over the tag."),
    })
    .optional()
    .describe("Image of the runtime; wanted by `webui` and `comfyui`, `fleet` has the server's."),
  port: z
    .int()
    .min(1024)
    .max(65535)
    .optional()
    .describe(
      "Port of the runtime; absent: 8000 for `fleet`, 8080 for the others. 8081 is the agent's.",
    ),
  command: z
    .array(z.string())
    .max(50)
    .optional()
    .describe(
      "Arguments for the runtime's image; absent: its own. It may write to /tmp and /cache only.",
    ),
  modelMountPath: z
    .string()
    .regex(/^\/[-A-Za-z0-9._/]+$/, "an absolute path")
    .default("/models")
    .describe("Where the model store is mounted, read-only."),
  dynamicModel: z
    .boolean()
    .default(false)
    .describe("With `webui`: tasks may ask for another checkpoint."),
  replicas: z
    .strictObject({
      min: count.default(0).describe("Replicas at least; 0: none while the queue is empty."),
      max: z.int().min(1).max(1000).default(10).describe("Replicas at most."),
    })
    .prefault({})
    .describe("Bounds of the autoscaler."),
  scaling: z
    .strictObject({
      tasksPerReplica: z
        .int()
        .min(1)
        .default(5)
        .describe("Tasks in the queue, those in work included, per replica."),
      activationTasks: count
        .default(0)
        .describe(
          "Tasks beyond which the first replica is started; with no more than these, the last one goes.",
        ),
      idleMinutes: z
        .int()
        .min(1)
        .max(1440)
        .default(5)
        .describe("Minutes that the queue is empty before the last replica goes."),
      schedules: z
        .array(
          z.strictObject({
            start: cron.describe("When it begins."),
            end: cron.describe("When it ends."),
            timezone: timeZone.default("Etc/UTC").describe("An IANA time zone."),
            replicas: z.int().min(1).describe("Replicas at least, in between."),
          }),
        )
        .max(20)
        .default([])
        .describe("Replicas for planned events."),
    })
    .prefault({})
    .describe("Scaling by the queue's length."),
  longestTaskSeconds: z
    .int()
    .min(1)
    .max(longestTaskHours * 3600)
    .default(600)
    .describe("Seconds that a task may take; a pod told to stop has as long."),
  maxAttempts: z
    .int()
    .min(1)
    .max(20)
    .default(3)
    .describe("Attempts until a task that fails is a dead letter."),
  env: machine.env,
});

export const managedRuntimeSchema = z.strictObject({
  endpoint: shortName.describe("An endpoint of `sagemaker.asyncEndpoints`."),
  longestTaskSeconds: z
    .int()
    .min(1)
    // Source: SageMaker API reference, InvokeEndpointAsync, InvocationTimeoutSeconds.
    .max(3600)
    .default(900)
    .describe("Seconds that a task may take once it has begun."),
  maxAttempts: runtimeSchema.shape.maxAttempts.describe(
    "Attempts until a task that fails has failed for good.",
  ),
});

export const asyncSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe("Serve tasks through a queue, beside the realtime path."),
    runtimes: z
      .record(shortName, runtimeSchema)
      .default({})
      .describe("The runtimes on the cluster, each with its queue, by name."),
    managedRuntimes: z
      .record(shortName, managedRuntimeSchema)
      .default({})
      .describe("The runtimes that are asynchronous endpoints of `sagemaker`, by name."),
    cache: z
      .strictObject({
        enabled: z
          .boolean()
          .default(false)
          .describe("Answer a request that was answered before with the same results."),
        days: z
          .int()
          .min(1)
          .max(3650)
          .default(7)
          .describe("Days that an answer is used again; no more than `results.days`."),
      })
      .prefault({})
      .describe(
        "Cache of results of managed runtimes: the same fields, with a seed, give the same images of what the endpoint runs now.",
      ),
    backlogHours: z
      .int()
      .min(1)
      .max(240)
      .default(48)
      .describe("Hours that a task may wait for its turn."),
    notifyRunning: z
      .boolean()
      .default(false)
      .describe("Tell subscribers when a task starts, not only when it has ended."),
    results: z
      .strictObject({
        days: z.int().min(1).max(3650).default(30).describe("Days that results are kept."),
        existingBucket: z
          .string()
          .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "a bucket name")
          .optional()
          .describe(
            "Bucket to use instead of making one; its lifecycle is its owner's. It should be this stack's alone: keys begin with the clients' own prefix, or with a task's id, and agents may read, overwrite and delete all of it.",
          ),
        kmsKeyArn: arn
          .optional()
          .describe(
            "KMS key that the existing bucket is encrypted with, so that agents may write and the API's links read.",
          ),
      })
      .prefault({})
      .describe("What tasks leave behind."),
    inputs: z
      .strictObject({
        hosts: z
          .array(hostname)
          .max(50)
          .default([])
          .describe("Hosts that inputs may be fetched from by https; none: no URLs."),
        buckets: z
          .array(z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "a bucket name"))
          .max(20)
          .default([])
          .describe("Buckets that inputs may be read from by s3://."),
        maxMiB: z
          .int()
          .min(1)
          .max(largestInputMiB, "more fit into no request, in base64")
          .default(64)
          .describe(
            `Most MiB of a task's inputs together, each counted in every place where it stands; an agent requests ${inputCopies} times as much memory.`,
          ),
      })
      .prefault({})
      .describe("Images that tasks start from."),
    subscribers: z
      .strictObject({
        emails: z.array(email).max(20).default([]).describe("Each has to confirm."),
        https: z
          .array(z.url({ protocol: /^https$/ }))
          .max(20)
          .default([])
          .describe("Endpoints that confirm the subscription themselves."),
        queueArns: z
          .array(arn)
          .max(20)
          .default([])
          .describe("SQS queues; their policies have to let the topic send."),
      })
      .prefault({})
      .describe("Who is told of results."),
    api: z
      .strictObject({
        endpoint: z
          .enum(["regional", "private"])
          .default("regional")
          .describe("`private`: reached through a VPC endpoint only."),
        vpcEndpointIds: z
          .array(z.string().regex(/^vpce-[0-9a-f]{8,17}$/, "a VPC endpoint's id, vpce-…"))
          .max(10)
          .default([])
          .describe(
            "With `private`: endpoints of execute-api to let in; empty: one is made in the program's VPC.",
          ),
        authentication: z
          .enum(["iam", "key"])
          .default("iam")
          .describe(
            "`iam`: signed requests of principals that may invoke it; `key`: an API key is enough, as in the guidance.",
          ),
        allowedCidrs: z
          .array(cidr)
          .max(50)
          .default([])
          .describe("With `regional`: networks that may call it; empty: any."),
        webAclArn: arn.optional().describe("A regional web ACL to put in front."),
        stage: z
          .string()
          .regex(/^[A-Za-z0-9_]{1,64}$/, "letters, digits and _")
          .default("prod")
          .describe("The stage: the first part of the API's paths."),
        throttle: z
          .strictObject({
            ratePerSecond: positive.default(50).describe("Requests a second."),
            burst: z.int().min(1).default(100).describe("Requests at once."),
          })
          .prefault({})
          .describe("Of a key, and of the API as a whole."),
        quotaPerDay: z.int().min(1).optional().describe("Requests a day of a key; absent: any."),
        maxUploadMiB: z
          .int()
          .min(1)
          .max(5120)
          .default(64)
          .describe(
            "Most MiB of an upload; a task's inputs may together not be larger than `inputs.maxMiB`.",
          ),
        createLogRole: z
          .boolean()
          .default(false)
          .describe(
            "Make the role by which API Gateway writes access logs, for the whole account and region; only where there is none yet. It stays when the stack is destroyed.",
          ),
        linkMinutes: z
          .int()
          .min(1)
          .max(720)
          .default(60)
          .describe("Minutes that links to uploads and results hold, at most."),
      })
      .prefault({})
      .describe("The API that tasks are submitted to."),
    agent: z
      .strictObject({
        source: z
          .enum(["external", "local"])
          .default("external")
          .describe(
            "`external`: an image that the user pushed; `local`: built by `pulumi up` with Docker from apps/queue-agent.",
          ),
        repository: z
          .string()
          .optional()
          .describe(
            "With `external`: repository without tag. Absent: the program's own ECR repository.",
          ),
        tag: imageTag.default(AGENT_TAG).describe("With `external`: the image's tag."),
        digest: imageDigest.optional().describe("With `external`: its digest; wins over the tag."),
        traceEndpoint: z
          .url({ protocol: /^https?$/ })
          .optional()
          .describe("OTLP endpoint that agents send traces to; absent: none."),
      })
      .prefault({})
      .describe("The agent beside each runtime."),
  })
  .prefault({})
  .describe("The asynchronous path: an API, a queue per runtime, agents, results.");

export type AsyncConfig = z.infer<typeof asyncSchema>;
export type ManagedRuntimeConfig = z.infer<typeof managedRuntimeSchema>;
export type RuntimeConfig = z.infer<typeof runtimeSchema>;
