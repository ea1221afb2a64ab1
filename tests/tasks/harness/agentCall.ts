import { MANIFEST_NAME } from "../../../contracts/tasks/result";
import type { AwsCall } from "../../python/faultyProxy";

/** What an agent asks AWS for, in the words of its work. */
export type AgentStep =
  | "receive"
  | "extend"
  | "claim"
  | "renew"
  | "image"
  | "output"
  | "manifest"
  | "complete"
  | "requeue"
  | "fail"
  | "tell"
  | "dead-letter"
  | "mark dead-lettered"
  | "delete"
  | "other";

/** The step that a call is. */
export function stepOf(call: AwsCall): AgentStep {
  switch (call.service) {
    case "sqs":
      return queueSteps[call.action] ?? "other";
    case "sns":
      return call.action.startsWith("Publish") ? "tell" : "other";
    case "s3":
      return storeStep(call);
    case "dynamodb":
      return tableStep(call);
    default:
      return "other";
  }
}

const queueSteps: Readonly<Record<string, AgentStep>> = {
  ReceiveMessage: "receive",
  ChangeMessageVisibility: "extend",
  ChangeMessageVisibilityBatch: "extend",
  SendMessage: "dead-letter",
  DeleteMessage: "delete",
  DeleteMessageBatch: "delete",
};

/** Which write of a task's results it is. */
function storeStep({ method, path }: AwsCall): AgentStep {
  if (method !== "PUT") return "other";
  const { pathname } = new URL(path, "http://localhost");
  if (pathname.endsWith(`/${MANIFEST_NAME}`)) return "manifest";
  return pathname.endsWith(".out") ? "output" : "image";
}

interface TableWrite {
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeValues?: Readonly<Record<string, { readonly S?: string }>>;
}

function tableStep({ action, body }: AwsCall): AgentStep {
  // A task that nobody has written down.
  if (action === "PutItem") return "claim";
  if (action !== "UpdateItem") return "other";
  const { UpdateExpression = "", ExpressionAttributeValues = {} } = JSON.parse(
    body.toString(),
  ) as TableWrite;
  const placeholder = /#state = (:\w+)/.exec(UpdateExpression)?.[1];
  const state = placeholder && ExpressionAttributeValues[placeholder]?.S;
  if (state) return stateSteps[state] ?? "other";
  if (UpdateExpression.includes("deadLetteredAt")) return "mark dead-lettered";
  return UpdateExpression.includes("claimExpiresAtMs") ? "renew" : "other";
}

const stateSteps: Readonly<Record<string, AgentStep>> = {
  running: "claim",
  completed: "complete",
  queued: "requeue",
  failed: "fail",
};

/** Key of the S3 object that a call is about, without the bucket. */
export function objectKeyOf({ path }: AwsCall): string {
  const { pathname } = new URL(path, "http://localhost");
  return decodeURIComponent(pathname.split("/").slice(2).join("/"));
}

/** Key of the record that a call is about. */
export function recordKeyOf({ body }: AwsCall): string | undefined {
  const { Key, Item } = JSON.parse(body.toString()) as Partial<
    Record<"Key" | "Item", { readonly key: { readonly S: string } }>
  >;
  return (Key ?? Item)?.key.S;
}
