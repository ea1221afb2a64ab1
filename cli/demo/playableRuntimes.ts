import { UserError } from "../../contracts/userError";
import type { LocalWorld } from "../localAws/localWorld";
import type { StackConfig } from "../plan/stackConfig";

/** As much of a stack's file as is read here; nothing of it is checked yet. */
interface Asynchronous {
  readonly enabled?: unknown;
  readonly runtimes?: Readonly<Record<string, { readonly adapter?: unknown } | null>>;
}

/**
 * Refuses a stack whose file has no runtime to play, before anything is started for it.
 *
 * @throws UserError that says what to configure
 */
export function refuseUnplayable({ project, values }: StackConfig, stack: string): void {
  const asynchronous = values[`${project}:async`] as Asynchronous | undefined;
  const adapters = Object.values(asynchronous?.runtimes ?? {}).map((it) => it?.adapter ?? "fleet");
  if (asynchronous?.enabled !== true || !adapters.includes("fleet")) throw nothingToPlay(stack);
}

/**
 * The runtimes that the drawing one can stand for: it speaks as our inference server does.
 *
 * @throws UserError when there is none
 */
export function playableRuntimes(
  { agents, taskApi }: Pick<LocalWorld, "agents" | "taskApi">,
  stack: string,
): string[] {
  const playable = [...agents].filter(([, { ADAPTER }]) => ADAPTER === "fleet");
  if (taskApi !== undefined && playable.length > 0) return playable.map(([runtime]) => runtime);
  throw nothingToPlay(stack);
}

function nothingToPlay(stack: string): UserError {
  return new UserError(
    `Stack ${stack} has no runtime that can be played here: async.enabled has to be true, and ` +
      "async.runtimes to have one whose adapter is fleet.",
  );
}
