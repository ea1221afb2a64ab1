import type { S3Client } from "@aws-sdk/client-s3";
import { UPLOAD_SCHEME } from "../../../contracts/tasks/task";
import type { JsonObject } from "../json";
import { mediaTypeOf } from "../mediaType";
import { TaskFailed } from "../taskFailed";
import { fetchHttps, type HttpsFetcherOptions } from "./httpsFetcher";
import { inputUrls, shownUrl, withInputs } from "./inputUrl";
import { fetchS3, fetchUpload } from "./s3Fetcher";
import { InputUnavailable } from "./unavailable";

/** Most different inputs of a task; a task with more is a mistake, and they are all held at once. */
const MOST_INPUTS = 32;

export interface InputOptions {
  readonly s3: S3Client;
  /** Where uploads lie; `s3://` may point to it, too. */
  readonly inputsBucket: string;
  /** Other buckets that `s3://` may point to. */
  readonly buckets: readonly string[];
  /** Hosts that `https://` may point to, `images.example.com` or `*.example.com`. */
  readonly hosts: readonly string[];
  /** Most bytes of a task's inputs together: what an agent's memory is made for. */
  readonly maxBytes: number;
  /** For tests: another resolver, certificate authority and place to connect to. */
  readonly https?: Pick<
    HttpsFetcherOptions,
    "resolve" | "ca" | "dial" | "timeoutMs" | "retryPausesMs"
  >;
}

/**
 * The content with every string that is a URL (`upload://`, `s3://`, `https://`) replaced by what is
 * there, an image or a video, in base64. The same URL is fetched once, however often it occurs, and
 * counts as often as it occurs: the request to the runtime has it in each place.
 *
 * @throws TaskFailed `input` naming the field, `aws` when S3 does not answer
 * @throws the signal's reason when it was aborted
 */
export async function resolveInputs(
  content: JsonObject,
  options: InputOptions,
  signal: AbortSignal,
): Promise<JsonObject> {
  const fields = new Map<string, [first: string, ...others: string[]]>();
  for (const { url, field } of inputUrls(content)) {
    const known = fields.get(url);
    if (known === undefined) fields.set(url, [field]);
    else known.push(field);
  }
  if (fields.size === 0) return content;
  if (fields.size > MOST_INPUTS)
    throw new TaskFailed("input", `content: ${fields.size} inputs are more than ${MOST_INPUTS}`);
  const inputs = new Map<string, string>();
  let leftBytes = options.maxBytes;
  // One after another: a task is prepared while another one runs, and memory counts.
  for (const [url, places] of fields) {
    try {
      const bytes = await fetched(url, options, signal);
      if (mediaTypeOf(bytes) === undefined)
        throw new InputUnavailable("is neither an image nor a video");
      leftBytes -= bytes.length * places.length;
      if (leftBytes < 0)
        throw new InputUnavailable(
          `makes the inputs together larger than ${options.maxBytes} bytes`,
        );
      inputs.set(url, bytes.toString("base64"));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof InputUnavailable)) throw error;
      throw new TaskFailed("input", `${places[0]}: ${shownUrl(url)} ${error.message}`, {
        cause: error,
      });
    }
  }
  return withInputs(content, (url) => inputs.get(url)!);
}

function fetched(url: string, options: InputOptions, signal: AbortSignal): Promise<Buffer> {
  if (url.startsWith(UPLOAD_SCHEME)) return fetchUpload(url, options, signal);
  if (/^s3:/i.test(url)) return fetchS3(url, options, signal);
  if (!URL.canParse(url)) throw new InputUnavailable("is no URL");
  return fetchHttps(
    url,
    { ...options.https, hosts: options.hosts, maxBytes: options.maxBytes },
    signal,
  );
}
