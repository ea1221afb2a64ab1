import { z } from "zod";
import { logLevels } from "../service/log";

/** What the controller is told by its environment; the rest it reads from the cluster. */
export const settingsSchema = z.object({
  NAMESPACE: z.string().min(1).describe("namespace of the units, the routes and the controller"),
  POD_NAME: z.string().min(1).describe("the pod's own name, by which it leads"),
  STACK: z.string().min(1).describe("the stack, which metrics carry as a dimension"),
  STACK_LABEL_VALUE: z.string().min(1).describe("value of the stack's label on its machines"),
  PORT: z.coerce.number().int().min(1).max(65535).default(8080),
  LOG_LEVEL: z.enum(logLevels).default("info"),
  AWS_REGION: z.string().min(1).optional().describe("without it, nothing is told to AWS"),
  TOPIC_ARN: z.string().startsWith("arn:").optional().describe("topic that is told of switches"),
  LEASE_SECONDS: z.coerce
    .number()
    .min(1)
    .max(60)
    .default(15)
    .describe("how long a leader that says nothing is still the leader"),
});

export type Settings = z.infer<typeof settingsSchema>;
