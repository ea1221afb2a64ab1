import { performance } from "node:perf_hooks";
import { UserError } from "../../contracts/userError";
import type { ImageClient } from "./imageRequest";
import type { RequestBudget } from "./requestBudget";

/**
 * One image without any load: shows that the server, the key and the request are right, and that
 * a connection can be had. It counts as one of those that may be sent.
 *
 * @returns how long it took
 * @throws UserError when there is none
 */
export async function firstImage(
  client: ImageClient,
  budget: RequestBudget,
  signal: AbortSignal,
): Promise<number> {
  const begin = performance.now();
  budget.take();
  const answer = await client.ask(signal);
  const took = (performance.now() - begin) / 1000;
  switch (answer.kind) {
    case "images":
    case "abandoned":
      return took;
    case "timeout":
      throw new UserError(
        `--url ${client.target.url}: the first image did not come within ${client.target.timeoutSeconds} s.`,
      );
    case "refused":
      throw new UserError(
        `--url ${client.target.url}: it answers 503 without any load: the model is not ready, or others use it.`,
      );
    case "failed":
      throw new UserError(
        `--url ${client.target.url}: it gives no image: ${answer.reason}${hintOf(answer.status)}`,
      );
  }
}

function hintOf(status: number | undefined): string {
  if (status === 401 || status === 403) return " (a key goes into a file: --api-key-file FILE)";
  if (status !== undefined && status >= 300 && status < 400)
    return " (it redirects: give the address it points to)";
  return "";
}
