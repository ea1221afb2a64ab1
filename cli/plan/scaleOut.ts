import type { EndpointSummary } from "../../stacks/endpointSummaries";

/** Seconds of a scale-out, as text: on an instance that is there, and on a new one. */
export function scaleOut({ scaleOutSeconds }: EndpointSummary): string {
  const { available, newInstance } = scaleOutSeconds ?? {};
  return [available, newInstance].filter((seconds) => seconds !== undefined).join("–");
}
