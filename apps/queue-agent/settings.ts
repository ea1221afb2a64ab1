import * as z from "zod";
import { adapters } from "../../contracts/tasks/runtimes";
import { runtimeName } from "../../contracts/tasks/task";
import { largestInputMiB } from "../../fleet/agentResources";
import { logLevels } from "../service/log";

const text = z.string().min(1, "a text");
const url = z.url({ protocol: /^https?$/, error: "an http or https URL" });
const topicArn = z.string().startsWith("arn:", "an ARN, arn:…");

const list = z
  .string()
  .default("")
  .transform((names) => names.split(",").filter((name) => name !== ""));

function wholeNumber(min: number, max: number) {
  const allowed = `a whole number, ${min} to ${max}`;
  return z.coerce.number(allowed).int(allowed).min(min, allowed).max(max, allowed);
}

function seconds(max: number) {
  const allowed = `seconds, above 0, ${max} at most`;
  return z.coerce.number(allowed).positive(allowed).max(max, allowed);
}

const hour = 3600;
const MiB = 2 ** 20;

/** What an agent is told by its environment. Source of the names: contracts/tasks/settings.ts. */
export const settingsSchema = z
  .object({
    STACK: text.describe("the stack, which metrics carry as a dimension"),
    RUNTIME: runtimeName.describe("the runtime's name"),
    ADAPTER: z.enum(adapters).describe("what the runtime speaks"),
    RUNTIME_URL: url.describe("where the runtime listens"),
    QUEUE_URL: url.describe("the runtime's queue"),
    DEAD_LETTER_QUEUE_URL: url.describe("the queue of what cannot be done"),
    TABLE_NAME: text.describe("table of the tasks"),
    RESULTS_BUCKET: text,
    INPUTS_BUCKET: text,
    RESULT_TOPIC_ARN: topicArn.describe("topic that is told of results"),
    INPUT_HOSTS: list.describe("hosts that inputs may be fetched from, by comma"),
    INPUT_BUCKETS: list.describe("buckets that inputs may be read from, by comma"),
    INPUT_BYTES: wholeNumber(1, largestInputMiB * MiB).describe(
      "most bytes of a task's inputs together",
    ),
    NOTIFY_RUNNING: z.stringbool().default(false),
    DYNAMIC_MODEL: z.stringbool().default(false),
    // SQS takes whole seconds only.
    VISIBILITY_SECONDS: wholeNumber(1, 12 * hour).describe("how long a message and a claim hold"),
    HEARTBEAT_SECONDS: seconds(6 * hour).describe("how often both are prolonged"),
    MAX_ATTEMPTS: wholeNumber(1, 100),
    MAX_RECEIVE_COUNT: wholeNumber(1, 1000).describe("as in the queue's redrive policy"),
    LONGEST_TASK_SECONDS: seconds(12 * hour),
    DRAIN_SECONDS: seconds(13 * hour).describe("what it has to finish after SIGTERM"),
    TASK_TTL_SECONDS: wholeNumber(1, 10 * 365 * 24 * hour),
    METRIC_NAMESPACE: text,
    POD_NAME: text.describe("the pod's own name, which claims carry"),
    AWS_REGION: text,
    PORT: wholeNumber(1, 65535).default(8080),
    LOG_LEVEL: z.enum(logLevels).default("info"),
    OTEL_EXPORTER_OTLP_ENDPOINT: url.optional().describe("without it, no traces are sent"),
  })
  .refine(({ HEARTBEAT_SECONDS, VISIBILITY_SECONDS }) => HEARTBEAT_SECONDS < VISIBILITY_SECONDS, {
    error: "HEARTBEAT_SECONDS has to be less than VISIBILITY_SECONDS",
  });

export type Settings = z.infer<typeof settingsSchema>;
