import { type LocalApi, type Stage, startAgent, startApi } from "./stage";

export interface Started {
  readonly api: LocalApi;
  /** How many agents each runtime has. */
  readonly agentsOf: ReadonlyMap<string, number>;
}

/**
 * Starts the API and the agents.
 *
 * @param agents of all runtimes together; each has one at least
 */
export async function startAll(
  stage: Stage,
  runtimes: readonly string[],
  agents: number,
): Promise<Started> {
  const api = await startApi(stage);
  const agentsOf = shared(Math.max(agents, runtimes.length), runtimes);
  for (const [runtime, number] of agentsOf)
    for (let index = 1; index <= number; index += 1) await startAgent(stage, runtime, index);
  return { api, agentsOf };
}

/** A number spread over runtimes, as evenly as it goes. */
function shared(number: number, runtimes: readonly string[]): ReadonlyMap<string, number> {
  return new Map(
    runtimes.map((runtime, index) => [
      runtime,
      Math.floor(number / runtimes.length) + (index < number % runtimes.length ? 1 : 0),
    ]),
  );
}
