import type { Stage } from "./stage";
import { startAll } from "./startAll";

/**
 * Keeps the API and the agents up for tasks of the user's own.
 *
 * @returns never, but for an error: a signal ends it
 * @throws ProcessEnded when one of them ends
 */
export async function serve(
  stage: Stage,
  runtimes: readonly string[],
  agents: number,
): Promise<never> {
  const { processes, environment } = stage;
  const { api } = await startAll(stage, runtimes, agents);
  const toApi = { FLEET_API_URL: api.url, FLEET_API_KEY: api.key };
  const { AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = environment;
  const toAws = { AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
  process.stdout.write(
    [
      "For another terminal; the second line is for dead letters. Ctrl-C ends.",
      exportLine(toApi),
      exportLine(toAws),
      "",
    ].join("\n"),
  );
  return await processes.death;
}

/** A line that a shell takes. */
function exportLine(variables: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return `export ${pairs.join(" ")}`;
}
