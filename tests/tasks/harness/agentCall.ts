import { MANIFEST_NAME } from "../../../contracts/tasks/result";
import type { AwsCall } from "../../python/faultyProxy";

/** What an agent asks AWS for, in the words of its work. */
export type AgentStep =
  | "receive"
  | "extend"
  | "claim"
  | "renew"
  | "look for results"
  | "image"
  | "output"
  | "manifest"
  | "tell that it runs"
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
      return topicStep(call);
    case "s3":
      return storeStep(call);
    case "dynamodb":
      return tableStep(call);
    default:
      return "other";
  }
}

/** Of notifications, those that a task runs go out beside the run. */
function topicStep({ action, body }: AwsCall): AgentStep {
  if (!action.startsWith("Publish")) return "other";
  const parameters = new URLSearchParams(body.toString());
  const message = parameters.get("Message");
  return message?.includes('"status":"running"') ? "tell that it runs" : "tell";
}

const queueSteps: Readonly<Record<string, AgentStep>> = {
  ReceiveMessage: "receive",
  ChangeMessageVisibility: "extend",
  ChangeMessageVisibilityBatch: "extend",
  SendMessage: "dead-letter",
  DeleteMessage: "delete",
  DeleteMessageBatch: "delete",
};

/** What of a task's results it is about. */
function storeStep({ method, path }: AwsCall): AgentStep {
  const { pathname } = new URL(path, "http://localhost");
  const isManifest = pathname.endsWith(`/${MANIFEST_NAME}`);
  if (method === "GET" && isManifest) return "look for results";
  if (method !== "PUT") return "other";
  if (isManifest) return "manifest";
  return pathname.endsWith(".out") ? "output" : "image";
}

interface TableWrite {
  readonly Item?: { readonly state?: { readonly S: string } };
  readonly UpdateExpression?: string;
}

/** A record is written as a whole, but for what prolongs a claim and what notes a dead letter. */
function tableStep({ action, body }: AwsCall): AgentStep {
  if (action !== "PutItem" && action !== "UpdateItem") return "other";
  const { Item, UpdateExpression = "" } = JSON.parse(body.toString()) as TableWrite;
  if (Item !== undefined) return stateSteps[Item.state?.S ?? ""] ?? "other";
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

/** Key of the task that a call is about, where the call says so. */
export function taskKeyOf(call: AwsCall): string | undefined {
  if (call.service === "s3") return objectKeyOf(call).split("/").at(-2);
  return call.service === "dynamodb" ? recordKeyOf(call) : undefined;
}

/** Key of the record that a call is about. */
export function recordKeyOf({ body }: AwsCall): string | undefined {
  const { Key, Item } = JSON.parse(body.toString()) as Partial<
    Record<"Key" | "Item", { readonly key: { readonly S: string } }>
  >;
  return (Key ?? Item)?.key.S;
}
