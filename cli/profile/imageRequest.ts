import { Agent, request } from "undici";

/** What becomes of a request for an image. */
export type Answer =
  | { readonly kind: "images"; readonly images: number }
  /** 503: the queue is full. */
  | { readonly kind: "refused" }
  | { readonly kind: "failed"; readonly reason: string; readonly status?: number }
  | { readonly kind: "timeout" }
  /** Given up by ourselves. */
  | { readonly kind: "abandoned" };

export interface ImageRequest {
  readonly prompt: string;
  readonly size?: string;
  readonly steps?: number;
}

export interface Target {
  /** Without `/v1`. */
  readonly url: string;
  readonly apiKey?: string;
  readonly image: ImageRequest;
  readonly timeoutSeconds: number;
}

/**
 * Asks a server for images, as many times at once as it is told to: each request that waits has a
 * connection of its own, so that none waits for another one's answer.
 */
export class ImageClient {
  readonly #agent = new Agent({ pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  readonly #body: string;

  constructor(readonly target: Target) {
    this.#body = JSON.stringify({ ...target.image, n: 1, response_format: "b64_json" });
  }

  /** One image; never throws. */
  async ask(signal: AbortSignal): Promise<Answer> {
    const tooLate = AbortSignal.timeout(this.target.timeoutSeconds * 1000);
    try {
      const { statusCode, body } = await request(`${this.target.url}/v1/images/generations`, {
        method: "POST",
        headers: { ...this.#headers(), "content-type": "application/json" },
        body: this.#body,
        dispatcher: this.#agent,
        signal: AbortSignal.any([signal, tooLate]),
      });
      return answerOf(statusCode, await body.text());
    } catch (error) {
      if (signal.aborted) return { kind: "abandoned" };
      if (tooLate.aborted) return { kind: "timeout" };
      return { kind: "failed", reason: reasonOf(error) };
    }
  }

  /** A page beside the images, `/metrics`; nothing when there is none. */
  async page(path: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      const { statusCode, body } = await request(`${this.target.url}${path}`, {
        headers: this.#headers(),
        dispatcher: this.#agent,
        signal: AbortSignal.any([signal, AbortSignal.timeout(5000)]),
      });
      const text = await body.text();
      return statusCode === 200 ? text : undefined;
    } catch {
      return undefined;
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  #headers(): Record<string, string> {
    const { apiKey } = this.target;
    return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  }
}

function answerOf(status: number, text: string): Answer {
  if (status === 503) return { kind: "refused" };
  const body = parsed(text);
  if (status < 200 || status > 299)
    return { kind: "failed", reason: [status, messageIn(body)].filter(Boolean).join(": "), status };
  const images = (body as { data?: unknown } | undefined)?.data;
  return Array.isArray(images) && images.length > 0
    ? { kind: "images", images: images.length }
    : { kind: "failed", reason: `${status} without images`, status };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** As OpenAI's API words it, `{error: {message}}`. */
function messageIn(body: unknown): string | undefined {
  const message = (body as { error?: { message?: unknown } } | undefined)?.error?.message;
  return typeof message === "string" ? message.slice(0, 300) : undefined;
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  // Where every address of a name fails, the message is empty.
  return message && code && !message.includes(code)
    ? `${code}: ${message}`
    : message || code || String(error);
}
