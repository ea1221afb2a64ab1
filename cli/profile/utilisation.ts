import { setTimeout as delay } from "node:timers/promises";
import type { ImageClient } from "./imageRequest";

/** The gauge of our server (docs/inference-server.md); a server of another kind may have it too. */
export const UTILISATION_GAUGE = "inference_device_utilisation_ratio";

/**
 * The mean over the devices in a page of Prometheus metrics, 0 to 1; nothing when none says.
 *
 * Source of the format: Prometheus, "Exposition formats": `name{label="…"} value [timestamp]`.
 */
export function utilisationIn(page: string): number | undefined {
  const values = page
    .split("\n")
    .map((line) => new RegExp(`^${UTILISATION_GAUGE}(?:\\{.*\\})?\\s+(\\S+)`).exec(line)?.[1])
    .filter((text) => text !== undefined)
    .map(Number)
    .filter(Number.isFinite);
  return meanOf(values);
}

/** Reads a server's utilisation again and again, until it is told to stop. */
export async function watchUtilisation(
  client: ImageClient,
  intervalMs: number,
  until: AbortSignal,
): Promise<number | undefined> {
  const seen: number[] = [];
  try {
    for (;;) {
      // Waits first: what a driver says is of the second before.
      await delay(intervalMs, undefined, { signal: until });
      const page = await client.page("/metrics", until);
      const value = page === undefined ? undefined : utilisationIn(page);
      if (value !== undefined) seen.push(value);
    }
  } catch (error) {
    if (!until.aborted) throw error;
  }
  return meanOf(seen);
}

function meanOf(values: readonly number[]): number | undefined {
  return values.length === 0
    ? undefined
    : values.reduce((sum, value) => sum + value, 0) / values.length;
}
