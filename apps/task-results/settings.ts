import * as z from "zod";
import { LONGEST_REQUEST_SECONDS, type TaskResultsSettings } from "../../contracts/tasks/settings";
import { runtimes, text, wholeNumber } from "../task-api/settings";

/** What the function is told by its environment. */
export const settingsSchema = z.object({
  STACK: text.describe("the stack, which metrics carry as a dimension"),
  TABLE_NAME: text.describe("table of the tasks' states"),
  RESULTS_BUCKET: text.describe("bucket of the results"),
  ENDPOINTS_BUCKET: text.describe("bucket of the endpoints' requests and answers"),
  QUEUE_URL: text.describe(
    "queue of the notifications, where the sweep puts those that never came",
  ),
  RESULT_TOPIC_ARN: z
    .string()
    .startsWith("arn:", "an ARN, arn:…")
    .describe("topic that subscribers are told of results by"),
  REQUEST_TTL_SECONDS: wholeNumber(60, LONGEST_REQUEST_SECONDS)
    .default(LONGEST_REQUEST_SECONDS)
    .describe("seconds that SageMaker keeps a request that waits"),
  CACHE_TABLE_NAME: text.optional().describe("table of the cache of results; absent: none"),
  CACHE_SECONDS: wholeNumber(1, 10 * 365 * 24 * 3600)
    .default(7 * 24 * 3600)
    .describe("seconds that an answer is used again"),
  METRIC_NAMESPACE: text.describe("namespace of the metrics"),
  RUNTIMES: runtimes.describe("the runtimes, as JSON"),
} satisfies Required<Record<keyof TaskResultsSettings, z.ZodType>>);

export type Settings = z.infer<typeof settingsSchema>;
