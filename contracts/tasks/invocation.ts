/** A managed runtime's task on its way to SageMaker and back. */

import * as z from "zod";

/** Where the JSON of a request lies in the endpoints' bucket: below the endpoint's own folder. */
export function invocationObject(endpoint: string, key: string, requestHash: string): string {
  return `${invocationFolder(endpoint)}${key}/${requestHash}.json`;
}

/** What the API writes to, and an endpoint reads from. */
export function invocationFolder(endpoint: string): string {
  return `${endpoint}/input/`;
}

/** Which request's invocation it is. */
export interface InvokedTask {
  readonly endpoint: string;
  /** Of the task's record. */
  readonly key: string;
  readonly requestHash: string;
}

/** The task of an input's location; undefined: the API has not made it. */
export function invokedTask(inputLocation: string, bucket: string): InvokedTask | undefined {
  const start = `s3://${bucket}/`;
  if (!inputLocation.startsWith(start)) return undefined;
  const [, endpoint, key, requestHash] =
    /^([^/]+)\/input\/([^/]+)\/([0-9a-f]{64})\.json$/.exec(inputLocation.slice(start.length)) ?? [];
  if (endpoint === undefined || key === undefined || requestHash === undefined) return undefined;
  return { endpoint, key, requestHash };
}

/** What a notification of an invocation says that it is. */
export const INFERENCE_EVENT = {
  eventName: "InferenceResult",
  eventSource: "aws:sagemaker",
} as const;

/**
 * What SageMaker publishes when an invocation has ended, as far as it is read here.
 *
 * Source: SageMaker developer guide, "Check prediction results", and messages that people have
 * published: a failed one has `failureReason`; since 2023 also where the container's answer lies,
 * and with IncludeInferenceResponseIn the answer itself where it is short.
 */
export const inferenceResultSchema = z.object({
  eventName: z.literal(INFERENCE_EVENT.eventName),
  eventSource: z.literal(INFERENCE_EVENT.eventSource),
  invocationStatus: z.enum(["Completed", "Failed"]),
  /** When it ended, and when SageMaker took it; with milliseconds or fewer digits. */
  eventTime: z.iso.datetime(),
  receivedTime: z.iso.datetime(),
  inferenceId: z.string().min(1),
  requestParameters: z.object({
    endpointName: z.string(),
    inputLocation: z.string(),
    customAttributes: z.string().optional(),
  }),
  responseParameters: z
    .object({ contentType: z.string().optional(), outputLocation: z.string() })
    .optional(),
  failureReason: z.string().optional(),
  responseBody: z
    .object({
      content: z.string(),
      encoding: z.string().optional(),
      message: z.string().optional(),
    })
    .optional(),
});

export type InferenceResult = z.infer<typeof inferenceResultSchema>;
