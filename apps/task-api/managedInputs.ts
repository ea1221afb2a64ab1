/** What a managed runtime gets: a request that is complete in itself, as its container has no network. */

import type { S3Client } from "@aws-sdk/client-s3";
import type { ProblemField } from "../../contracts/tasks/api";
import { type TaskType, UPLOAD_SCHEME } from "../../contracts/tasks/task";
import { inputUrls, shownUrl, withInputs } from "../queue-agent/inputs/inputUrl";
import { fetchS3, fetchUpload, type S3FetcherOptions } from "../queue-agent/inputs/s3Fetcher";
import { InputUnavailable } from "../queue-agent/inputs/unavailable";
import type { JsonObject } from "../queue-agent/json";
import { mediaTypeOf } from "../queue-agent/mediaType";
import { TaskFailed } from "../queue-agent/taskFailed";
import { AwsUnavailable } from "./awsCall";
import { invalid } from "./problem";

/**
 * What a managed runtime cannot be asked for. Inputs may be uploads and objects of S3, but no URLs:
 * an agent has the time to wait for somebody's server, and the API has not.
 *
 * @param path of the content in the request
 */
export function wrongManagedInputs(
  content: JsonObject,
  type: TaskType,
  path: string,
): readonly ProblemField[] {
  const image = `${path}.image`;
  return [
    ...(type === "image-to-image" && typeof content.image !== "string"
      ? [{ field: image, allowed: `an image: base64, ${UPLOAD_SCHEME}ID or s3://BUCKET/KEY` }]
      : []),
    ...(type === "text-to-image" && content.image !== undefined
      ? [{ field: image, allowed: "nothing: image-to-image takes an image" }]
      : []),
    ...inputUrls(content)
      .filter(({ url }) => /^https?:/i.test(url))
      .map(({ field, url }) => ({
        field: field.replace(/^content/, path),
        value: shownUrl(url),
        allowed: `${UPLOAD_SCHEME}ID or s3://BUCKET/KEY: a managed runtime's inputs are not fetched by https`,
      })),
  ];
}

export interface ManagedInputOptions {
  readonly s3: S3Client;
  readonly inputsBucket: string;
  readonly buckets: readonly string[];
  /** Most bytes of a task's inputs together. */
  readonly maxBytes: number;
}

/**
 * The content with what was uploaded, or lies in S3, in its place in base64.
 *
 * @param path of the content in the request
 * @throws Problem `invalid` naming the field of an input that cannot be had
 * @throws AwsUnavailable
 */
export async function managedContent(
  content: JsonObject,
  options: ManagedInputOptions,
  path: string,
  signal: AbortSignal,
): Promise<JsonObject> {
  const inputs = new Map<string, string>();
  let leftBytes = options.maxBytes;
  for (const { field, url } of inputUrls(content))
    try {
      const bytes = await fetched(url, options, signal);
      leftBytes -= bytes.length;
      if (leftBytes < 0)
        throw new InputUnavailable(
          `makes the inputs together larger than ${options.maxBytes} bytes`,
        );
      inputs.set(url, bytes.toString("base64"));
    } catch (error) {
      if (error instanceof InputUnavailable) {
        const name = field.replace(/^content/, path);
        const allowed = `an image that is there: this ${error.message}`;
        throw invalid([{ field: name, value: shownUrl(url), allowed }]);
      }
      if (error instanceof TaskFailed || signal.aborted)
        throw new AwsUnavailable("S3 GetObject", error);
      throw error;
    }
  const complete = withInputs(content, (url) => inputs.get(url) as string);
  const { image } = complete;
  // Agents take data URLs, and so do these.
  return typeof image === "string" && image.startsWith("data:")
    ? { ...complete, image: image.slice(image.indexOf(",") + 1) }
    : complete;
}

async function fetched(
  url: string,
  options: S3FetcherOptions,
  signal: AbortSignal,
): Promise<Buffer> {
  const bytes = url.startsWith(UPLOAD_SCHEME)
    ? await fetchUpload(url, options, signal)
    : await fetchS3(url, options, signal);
  if (mediaTypeOf(bytes) === undefined)
    throw new InputUnavailable("is neither an image nor a video");
  return bytes;
}
