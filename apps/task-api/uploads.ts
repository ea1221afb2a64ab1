import { randomUUID } from "node:crypto";
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import { type Upload, uploadRequestSchema } from "../../contracts/tasks/api";
import { uploadObject } from "../../contracts/tasks/message";
import { UPLOAD_SCHEME } from "../../contracts/tasks/task";
import { jsonAnswer } from "./answer";
import type { Api } from "./api";
import { uploadLink } from "./links";
import { Problem, valid } from "./problem";
import { readJson } from "./requestBody";

/** `POST /v1/uploads`: a link to store an input beside the request. */
export async function createUpload(
  { settings, s3 }: Api,
  event: APIGatewayProxyEvent,
): Promise<APIGatewayProxyResult> {
  const { INPUTS_BUCKET: bucket, LINK_SECONDS: seconds, UPLOAD_BYTES: mostBytes } = settings;
  const { bytes, contentType } = valid(uploadRequestSchema, readJson(event));
  if (bytes > mostBytes)
    throw new Problem("too-large", "The upload is too large.", [
      { field: "bytes", value: bytes, allowed: `1 to ${mostBytes}` },
    ]);
  const id = randomUUID();
  const expiresAt = new Date(Date.now() + seconds * 1000).toISOString();
  const key = uploadObject(id);
  const upload: Upload = {
    id,
    reference: `${UPLOAD_SCHEME}${id}`,
    method: "PUT",
    url: await uploadLink(s3, { bucket, key, seconds, bytes, contentType }),
    headers: { "Content-Type": contentType, "Content-Length": String(bytes) },
    expiresAt,
  };
  return jsonAnswer(201, upload);
}
