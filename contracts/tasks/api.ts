/** Requests and answers of the tasks' API beside the task itself (task.ts). */

import * as z from "zod";
import { storedObjectSchema, taskFailureSchema, taskStates } from "./record";
import { runtimeViewSchema } from "./runtimes";
import { runtimeName, taskContext, taskId, taskPrefix, taskTypes, UPLOAD_SCHEME } from "./task";

/**
 * Most bytes of a request's body. Larger images are uploaded first. Source: AWS Lambda developer
 * guide, "Lambda quotas": 6 MB for a synchronous invocation, in which the body is escaped JSON
 * beside its headers.
 */
export const REQUEST_BYTES = 6 * 1024 * 1024;

/** Most bytes of a context, as JSON: it lies in the table (400 KB an item) and travels in every message. */
export const CONTEXT_BYTES = 64 * 1024;

/** Most bytes that one PUT stores. Source: Amazon S3 user guide, "Uploading objects". */
export const LARGEST_UPLOAD_BYTES = 5 * 1024 ** 3;

/** Answer of `POST /v1/tasks`: the same for the same id and body, whatever became of the task. */
export const submittedSchema = z.object({
  id: taskId,
  runtime: runtimeName,
  type: z.enum(taskTypes),
  outputLocation: z.string().describe("Where the results will be: s3://BUCKET/FOLDER."),
  createdAt: z.iso.datetime(),
});

export type Submitted = z.infer<typeof submittedSchema>;

const linkedObjectSchema = storedObjectSchema.omit({ key: true }).extend({
  location: z.string().describe("s3://BUCKET/KEY."),
  url: z.string().describe("A link to GET it, for as long as `linksExpireAt` says."),
});

/** Answer of `GET /v1/tasks/{id}` and `DELETE /v1/tasks/{id}`. */
export const taskViewSchema = z.object({
  id: taskId,
  run: z.string().optional().describe("Of a v1alpha2 id that was used before; key: ID~RUN."),
  runtime: runtimeName,
  type: z.enum(taskTypes),
  prefix: taskPrefix.optional(),
  context: taskContext.optional(),
  state: z.enum(taskStates),
  createdAt: z.string().describe("When the API took it, ISO 8601."),
  startedAt: z.string().optional().describe("When its last attempt began."),
  finishedAt: z.string().optional().describe("When it reached its last state."),
  attempts: z.int().min(0).describe("Attempts so far."),
  failure: taskFailureSchema
    .optional()
    .describe("Why the last attempt came to nothing; with `failed`, the task."),
  outputLocation: z.string().describe("Where the results are or will be: s3://BUCKET/FOLDER."),
  images: z.array(linkedObjectSchema).optional().describe("With `completed`."),
  output: linkedObjectSchema.optional().describe("What the runtime answered beside the images."),
  linksExpireAt: z.iso.datetime().optional(),
});

export type TaskView = z.infer<typeof taskViewSchema>;

/** What an upload may be. */
export const uploadContentTypes = [
  "image/png",
  "image/jpeg",
  "image/webp",
  "image/gif",
  "image/bmp",
  "image/tiff",
] as const;

/** `POST /v1/uploads`. */
export const uploadRequestSchema = z.strictObject({
  bytes: z
    .int("a whole number of bytes")
    .min(1, "1 at least")
    .max(LARGEST_UPLOAD_BYTES, `${LARGEST_UPLOAD_BYTES} at most`)
    .describe("Size of what will be uploaded; a stack allows less than the maximum."),
  contentType: z.enum(uploadContentTypes).describe("What it is."),
});

export type UploadRequest = z.infer<typeof uploadRequestSchema>;

/** Its answer: a request that the client is to make, with just these headers. */
export const uploadSchema = z.object({
  id: z.uuid(),
  reference: z.string().describe(`What stands for it in a task's content: ${UPLOAD_SCHEME}ID.`),
  method: z.enum(["PUT"]),
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  expiresAt: z.iso.datetime().describe("When the link ends."),
});

export type Upload = z.infer<typeof uploadSchema>;

/** Answer of `GET /v1/runtimes`. */
export const runtimeListSchema = z.object({ runtimes: z.array(runtimeViewSchema) });

/** Kinds of errors, by what a client can do about them. */
export const problemCodes = {
  /** A field is wrong. */
  invalid: 400,
  /** API Gateway does not let the client in: its key, signature or network. */
  forbidden: 403,
  /** The path, the task or the runtime is not there. */
  "not-found": 404,
  "method-not-allowed": 405,
  /** Another task has the id, or the task is in a state that does not allow it. */
  conflict: 409,
  "too-large": 413,
  "unsupported-media-type": 415,
  /** API Gateway: more requests than the key or the API may; after `Retry-After` again. */
  throttled: 429,
  /** A bug. */
  internal: 500,
  /** Nothing happened; the same request will do after `Retry-After`. */
  unavailable: 503,
} as const;

export type ProblemCode = keyof typeof problemCodes;

export const problemFieldSchema = z.object({
  field: z.string().describe("Its path, e.g. content.init_images[0]."),
  value: z.unknown().optional().describe("What it was, where that is short."),
  allowed: z.string().describe("What may be there."),
});

export type ProblemField = z.infer<typeof problemFieldSchema>;

/** The body of every 4xx and 5xx of /v1. */
export const problemSchema = z.object({
  error: z.object({
    code: z.enum(Object.keys(problemCodes) as [ProblemCode, ...ProblemCode[]]),
    message: z.string().describe("For a person."),
    fields: z.array(problemFieldSchema),
  }),
});

export type ProblemBody = z.infer<typeof problemSchema>;

/** Answer of the guidance's `POST /v1alpha2`. */
export const submittedV1Alpha2Schema = z.object({
  id: taskId,
  runtime: runtimeName,
  output_location: z.string().describe("s3://BUCKET/FOLDER."),
});

export type SubmittedV1Alpha2 = z.infer<typeof submittedV1Alpha2Schema>;
