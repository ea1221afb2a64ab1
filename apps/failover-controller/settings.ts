import * as z from "zod";
import { logLevels } from "../service/log";

const text = z.string().min(1, "a text");

const dnsLabel = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "a name of lower-case letters, digits and -");

function wholeNumber(min: number, max: number) {
  const allowed = `a whole number, ${min} to ${max}`;
  return z.coerce.number(allowed).int(allowed).min(min, allowed).max(max, allowed);
}

/** What the controller is told by its environment; the rest it reads from the cluster. */
export const settingsSchema = z.object({
  NAMESPACE: dnsLabel.describe("namespace of the units, the routes and the controller"),
  POD_NAME: text.describe("the pod's own name, by which it leads"),
  STACK: text.describe("the stack, which metrics carry as a dimension"),
  STACK_LABEL_VALUE: text.describe("value of the stack's label on its machines"),
  PORT: wholeNumber(1, 65535).default(8080),
  LOG_LEVEL: z.enum(logLevels).default("info"),
  AWS_REGION: text.optional().describe("without it, nothing is told to AWS"),
  TOPIC_ARN: z
    .string()
    .startsWith("arn:", "an ARN, arn:…")
    .optional()
    .describe("topic that is told of switches"),
  LEASE_SECONDS: wholeNumber(1, 60)
    .default(15)
    .describe("how long a leader that says nothing is still the leader"),
});

export type Settings = z.infer<typeof settingsSchema>;
