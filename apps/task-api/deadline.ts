import type { Context } from "aws-lambda";

/** Shares of an invocation's time: 18.75 and 23.75 s of 25 s. The rest is for the answer. */
const WORK_SHARE = 0.75;
const UNDO_SHARE = 0.95;

/**
 * Until when a request's calls to AWS may last. Each has limits of its own, but a request makes
 * several, each with its repetitions: together they could outlast the invocation, which would end
 * with neither an answer nor what it began taken back.
 */
export interface Deadline {
  /** Ends what was asked for. */
  readonly work: AbortSignal;
  /** Ends the taking back of it: later. */
  readonly undo: AbortSignal;
  /** When nobody can be at it any more, milliseconds since 1970. */
  readonly overAtMs: number;
}

/** Of one machine's clock and another's. */
const SKEW_MS = 1000;

/** Without a limit, what others may assume of one: Lambda's longest. */
const LONGEST_MS = 900_000;

/**
 * @param context of the invocation, as it begins; a caller without a limit, which Lambda is not,
 *   gets calls that end by their own limits only
 */
export function deadlineOf(context: Partial<Pick<Context, "getRemainingTimeInMillis">>): Deadline {
  const remainingMs = context.getRemainingTimeInMillis?.();
  return {
    work: after(WORK_SHARE, remainingMs),
    undo: after(UNDO_SHARE, remainingMs),
    overAtMs: Date.now() + Math.ceil(remainingMs ?? LONGEST_MS) + SKEW_MS,
  };
}

function after(share: number, remainingMs: number | undefined): AbortSignal {
  return remainingMs === undefined
    ? new AbortController().signal
    : AbortSignal.timeout(Math.max(0, Math.floor(remainingMs * share)));
}
