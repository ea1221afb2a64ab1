import { ExitCode } from "../exitCode";
import { paintFor } from "../terminal";
import { type ApiOptions, openApi, Refused } from "./api";
import { keyOf } from "./taskText";

/** What became of one. */
type Outcome =
  | { readonly id: string; readonly cancelled: true }
  | { readonly id: string; readonly cancelled: false; readonly reason: string };

/** Cancels tasks that have not started. 1 when one was not cancelled. */
export async function runCancel(
  root: string,
  ids: readonly string[],
  options: ApiOptions,
): Promise<number> {
  const api = await openApi(root, options);
  const outcomes: Outcome[] = [];
  for (const id of ids)
    try {
      outcomes.push({ id: keyOf(await api.cancel(id)), cancelled: true });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      outcomes.push({ id, cancelled: false, reason: error.message });
    }
  const paint = paintFor(process.stdout);
  const text = options.json
    ? JSON.stringify({ tasks: outcomes }, null, 2)
    : outcomes
        .map((outcome) =>
          outcome.cancelled
            ? `${outcome.id} is cancelled`
            : paint("red", `${outcome.id} is not cancelled: ${outcome.reason}`),
        )
        .join("\n");
  process.stdout.write(`${text}\n`);
  return outcomes.every(({ cancelled }) => cancelled) ? ExitCode.ok : ExitCode.incomplete;
}
