/**
 * A task of the asynchronous path: what a client asks a runtime to draw.
 *
 * Source of the words and of the v1alpha2 contract: seed 002's system, "Guidance for asynchronous
 * inference with Stable Diffusion on AWS", implementation guide, "Usage".
 */

import * as z from "zod";

export const taskTypes = [
  "text-to-image",
  "image-to-image",
  "extra-single-image",
  "pipeline",
] as const;

export type TaskType = (typeof taskTypes)[number];

/** Longest id, as in the guidance, whose agent cuts ids off at 64 characters. */
export const TASK_ID_LENGTH = 64;

export const taskId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "1 to 64 letters, digits, - and _");

export const runtimeName = z
  .string()
  .regex(
    /^[a-z]([-a-z0-9]{0,28}[a-z0-9])?$/,
    "a runtime's name: a letter first, then a-z, 0-9 and '-', 30 characters at most",
  );

/**
 * Folders of the results' bucket, e.g. `output` or `team/a`; the guidance's clients also send
 * `output/`. One expression, so that the OpenAPI document says all of it.
 */
export const taskPrefix = z
  .string()
  .max(256, "256 characters at most")
  .regex(
    /^(?!(.*\/)?\.{1,2}(\/|$))[A-Za-z0-9/!_.*'()-]*$/,
    "a path of letters, digits and /!_.*'()-, without . and .. as a part",
  );

/**
 * What the runtime gets: a request of its own API, or a ComfyUI workflow. It comes out of
 * JSON.parse, so that its parts are JSON already: to look at each again takes longer than all else.
 */
export const taskContent = z.record(
  z.string(),
  z.unknown() as unknown as z.ZodType<z.core.util.JSONType>,
);

/** Comes back in the notification as it was given. */
export const taskContext = z.json();

/** A task as `POST /v1/tasks` takes it. */
export const taskRequestSchema = z.strictObject({
  id: taskId
    .optional()
    .describe(
      "The client's own id: the same id with the same body is the same task. Absent: one is made.",
    ),
  runtime: runtimeName.describe("A runtime of `GET /v1/runtimes`."),
  type: z.enum(taskTypes).describe("What is to be done; each runtime takes some of them."),
  prefix: taskPrefix.optional().describe("Folder of the results, before the task's own."),
  context: taskContext.optional().describe("Comes back in the notification as it is."),
  content: taskContent.describe(
    "What the runtime gets. A string `upload://ID` stands for an upload, an https or s3 URL for what is there.",
  ),
});

export type TaskRequest = z.infer<typeof taskRequestSchema>;

/** A task as the guidance's clients send it: `POST /v1alpha2`. More fields than these are let by. */
export const taskRequestV1Alpha2Schema = z.object({
  task: z.object({
    metadata: z.object({
      id: taskId,
      runtime: z.string().min(1).max(64),
      tasktype: z.enum(taskTypes),
      prefix: taskPrefix,
      context: taskContext.optional(),
    }),
    content: taskContent,
  }),
});

export type TaskRequestV1Alpha2 = z.infer<typeof taskRequestV1Alpha2Schema>;

/** In `content`, what was uploaded before: `upload://` and the upload's id. */
export const UPLOAD_SCHEME = "upload://";

/** Folder of a task's results below the bucket: the prefix, the id and, of a v1alpha2 id that was used before, the run. */
export function outputFolder(task: {
  readonly id: string;
  readonly prefix?: string | undefined;
  readonly run?: string | undefined;
}): string {
  const prefix = (task.prefix ?? "").replace(/\/+$/, "");
  return [
    ...(prefix === "" ? [] : [prefix]),
    task.id,
    ...(task.run === undefined ? [] : [task.run]),
  ].join("/");
}

/** Where that is, as clients are told. */
export function outputLocation(bucket: string, task: Parameters<typeof outputFolder>[0]): string {
  return `s3://${bucket}/${outputFolder(task)}`;
}
