import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import { jsonAnswer } from "./answer";
import type { Api } from "./api";
import { Problem } from "./problem";
import { noTask, viewOf } from "./view";

/**
 * `DELETE /v1/tasks/{id}`: a task that waits will not be done. An agent that starts it at the same
 * time writes to the same record, so that one of the two comes too late.
 */
export async function cancel(
  api: Api,
  _event: APIGatewayProxyEvent,
  key: string,
): Promise<APIGatewayProxyResult> {
  const { isDone, record } = await api.store.cancel(key, new Date().toISOString());
  if (record === undefined) throw noTask(key);
  if (!isDone && record.state !== "cancelled")
    throw new Problem("conflict", `The task is ${record.state}.`, [
      { field: "state", value: record.state, allowed: "queued: only what waits is cancelled" },
    ]);
  return jsonAnswer(200, await viewOf(api, record));
}
