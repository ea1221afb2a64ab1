import * as z from "zod";
import { LARGEST_UPLOAD_BYTES } from "../../contracts/tasks/api";
import { runtimesSchema } from "../../contracts/tasks/runtimes";
import { LONGEST_REQUEST_SECONDS, type TaskApiSettings } from "../../contracts/tasks/settings";

export const text = z.string().min(1, "a text");

export function wholeNumber(min: number, max: number) {
  const allowed = `a whole number, ${min} to ${max}`;
  return z.coerce.number(allowed).int(allowed).min(min, allowed).max(max, allowed);
}

const list = z
  .string()
  .default("")
  .transform((names) => names.split(",").filter((name) => name !== ""));

export const runtimes = z
  .string()
  .transform((json, context) => {
    try {
      return JSON.parse(json) as unknown;
    } catch {
      context.addIssue("JSON: a list of runtimes");
      return z.NEVER;
    }
  })
  .pipe(runtimesSchema);

/** What the API is told by its environment. */
export const settingsSchema = z.object({
  STACK: text.describe("the stack, which metrics carry as a dimension"),
  TABLE_NAME: text.describe("table of the tasks' states"),
  TASK_TOPIC_ARN: z
    .string()
    .startsWith("arn:", "an ARN, arn:…")
    .describe("topic that tasks are published to"),
  RESULTS_BUCKET: text.describe("bucket of the results"),
  INPUTS_BUCKET: text.describe("bucket of uploads and of large contents"),
  RUNTIMES: runtimes.describe("the runtimes, as JSON"),
  TASK_TTL_SECONDS: wholeNumber(60, 10 * 365 * 24 * 3600).describe(
    "seconds until a task's record is forgotten",
  ),
  // Signature version 4 allows a week.
  LINK_SECONDS: wholeNumber(1, 7 * 24 * 3600).describe("seconds that links hold"),
  UPLOAD_BYTES: wholeNumber(1, LARGEST_UPLOAD_BYTES).describe("most bytes of an upload"),
  INPUT_HOSTS: list.describe("hosts that inputs may be fetched from, by comma"),
  INPUT_BUCKETS: list.describe("buckets that inputs may be read from, by comma"),
  METRIC_NAMESPACE: text.describe("namespace of the metrics"),
  ENDPOINTS_BUCKET: text
    .optional()
    .describe("bucket of the endpoints' requests and answers, where a runtime is managed"),
  RESULT_TOPIC_ARN: z
    .string()
    .startsWith("arn:", "an ARN, arn:…")
    .optional()
    .describe("topic of the results, where a runtime is managed"),
  REQUEST_TTL_SECONDS: wholeNumber(60, LONGEST_REQUEST_SECONDS)
    .default(LONGEST_REQUEST_SECONDS)
    .describe("seconds that SageMaker keeps a request that waits"),
  // One image in base64 and its request, as our server takes them.
  INPUT_BYTES: wholeNumber(1, 64 * 1024 * 1024)
    .default(20 * 1024 * 1024)
    .describe("most bytes of a managed runtime's inputs together"),
  CACHE_TABLE_NAME: text.optional().describe("table of the cache of results; absent: none"),
} satisfies Required<Record<keyof TaskApiSettings, z.ZodType>>);

export type Settings = z.infer<typeof settingsSchema>;
