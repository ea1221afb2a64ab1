import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import type { TaskView } from "../../contracts/tasks/api";
import type { StoredObject, TaskRecord } from "../../contracts/tasks/record";
import { outputLocation } from "../../contracts/tasks/task";
import { jsonAnswer } from "./answer";
import type { Api } from "./api";
import { resultLink } from "./links";
import { Problem } from "./problem";

/** `GET /v1/tasks/{id}`. */
export async function view(
  api: Api,
  _event: APIGatewayProxyEvent,
  key: string,
): Promise<APIGatewayProxyResult> {
  const record = await api.store.get(key);
  if (record === undefined) throw noTask(key);
  return jsonAnswer(200, await viewOf(api, record));
}

export function noTask(key: string): Problem {
  return new Problem("not-found", `There is no task ${JSON.stringify(key)}.`, [
    { field: "id", value: key, allowed: "the id of a task that is not too long ago" },
  ]);
}

/** A record as clients see it, with links to what has been stored. */
export async function viewOf(api: Api, record: TaskRecord): Promise<TaskView> {
  const { images, output } = record;
  const seconds = api.settings.LINK_SECONDS;
  const linksExpireAt = new Date(Date.now() + seconds * 1000).toISOString();
  return {
    id: record.id,
    ...(record.run !== undefined && { run: record.run }),
    runtime: record.runtime,
    type: record.type,
    ...(record.prefix !== undefined && { prefix: record.prefix }),
    ...(record.context !== undefined && { context: record.context }),
    state: record.state,
    createdAt: record.createdAt,
    ...(record.startedAt !== undefined && { startedAt: record.startedAt }),
    ...(record.finishedAt !== undefined && { finishedAt: record.finishedAt }),
    attempts: record.attempts,
    ...(record.failure !== undefined && { failure: record.failure }),
    outputLocation: outputLocation(api.settings.RESULTS_BUCKET, record),
    ...(images !== undefined && {
      images: await Promise.all(images.map((image) => linked(api, image))),
    }),
    ...(output !== undefined && { output: await linked(api, output) }),
    ...((images !== undefined || output !== undefined) && { linksExpireAt }),
  };
}

async function linked({ s3, settings }: Api, { key, contentType, bytes }: StoredObject) {
  const { RESULTS_BUCKET: bucket, LINK_SECONDS: seconds } = settings;
  return {
    contentType,
    bytes,
    location: `s3://${bucket}/${key}`,
    url: await resultLink(s3, { bucket, key, seconds }),
  };
}
