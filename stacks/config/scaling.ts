import { z } from "zod";

export const scalingSchema = z
  .strictObject({
    pollingIntervalSeconds: z
      .int()
      .min(5)
      .max(300)
      .default(10)
      .describe("How often KEDA asks CloudWatch, or SQS for a runtime."),
    scaleInStabilizationSeconds: z
      .int()
      .min(0)
      .max(3600)
      .default(300)
      .describe("How long a lower demand must last before pods go."),
    scaleInPodsPerMinute: z
      .int()
      .min(1)
      .default(1)
      .describe("Pods of a unit or runtime that may go per minute."),
    fallbackAfterFailures: z
      .int()
      .min(1)
      .default(3)
      .describe("Failed queries in a row until the replicas are held."),
    latencyObjectiveMs: z
      .int()
      .min(1)
      .default(900)
      .describe(
        "Milliseconds that an image may take: the latency alarms compare with it, or with 1.2 times a unit's measured latency where that is more.",
      ),
    drainSeconds: z
      .int()
      .min(1)
      .max(3600)
      .default(180)
      .describe(
        "Seconds a pod has to finish its requests; not less than `gateway.idleTimeoutSeconds`, the longest request.",
      ),
  })
  .prefault({})
  .describe("Scaling of the realtime units, and the pace of the asynchronous runtimes.");
