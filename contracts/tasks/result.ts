/** What becomes of a task: objects in the results' bucket, and a message to the result topic. */

import * as z from "zod";
import { storedObjectSchema } from "./record";
import { runtimeName, taskContext, taskId, taskTypes } from "./task";

/**
 * The manifest, written last and once (S3 refuses a second one): with it, a task has its results
 * and is not generated again.
 */
export const manifestSchema = z.object({
  id: taskId,
  key: z.string(),
  runtime: runtimeName,
  type: z.enum(taskTypes),
  /** When the API took the task: an id may be used again when its record is forgotten. */
  submittedAt: z.string(),
  /** Of the attempt whose results these are. */
  attempt: z.string(),
  images: z.array(storedObjectSchema),
  /** What the runtime answered, without the images. */
  output: storedObjectSchema,
  startedAt: z.string(),
  finishedAt: z.string(),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** In the folder of `outputFolder`. */
export const MANIFEST_NAME = "manifest.json";

/** What names an attempt's results: a few characters of its claim's token, or its inference's id. */
export function attemptOf(token: string): string {
  return token.slice(0, 8);
}

/** Names as the guidance has them: the id, a few characters of the attempt, the image's number from 1. */
export function imageName(id: string, attempt: string, number: number, extension: string): string {
  return `${id}-${attempt}-${number}.${extension}`;
}

export function outputName(id: string, attempt: string): string {
  return `${id}-${attempt}.out`;
}

/** The result topic's message, as the guidance's subscribers know it. */
export const notificationSchema = z.object({
  runtime: runtimeName,
  id: taskId,
  /** Absent while it runs. */
  result: z.boolean().optional(),
  status: z.enum(["running", "completed", "failed"]),
  /** `s3://…`, in their order. */
  image_url: z.array(z.string()).optional(),
  output_url: z.string().optional(),
  context: taskContext,
  /** With `failed`, beside the guidance's fields. */
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});

export type Notification = z.infer<typeof notificationSchema>;

/** Attributes of that message, for subscribers' filters: `runtime` and `status`. */
export const STATUS_ATTRIBUTE = "status";
